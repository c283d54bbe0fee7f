/** The facts of a target, measured on pendulums whose difference is known: none, another arm, another sensor. */

import { describe, expect, it } from 'vitest';
import { pendulum } from '../../configs/pendulum.ts';
import type { Episode } from '../../core/episode.ts';
import { keyOf } from '../../core/rng.ts';
import { type Experiment, evaluationRecipe, openExperiment } from '../../loop/experiment.ts';
import { HORIZONS, openLoopErrors } from '../../loop/open-loop-error.ts';
import { aimlessPolicy, recordEpisodes } from '../../loop/recorded-episodes.ts';
import { measureTarget } from '../../loop/target-measurement.ts';
import { selectStrategy } from '../../policy/transfer/selector.ts';
import { record, reference } from './recorded.ts';

const experiment = await openExperiment({
  ...pendulum,
  randomization: 0,
  network: { ...pendulum.network, hidden: [32, 32] },
});
const { contract, dynamics } = experiment;

/** The same task with other physics. */
const changed = (change: Partial<typeof dynamics>): Experiment => ({
  ...experiment,
  dynamics: { ...dynamics, ...change },
});
/** The reference policy with some noise on its action: every joint moves, no two episodes are the same. */
const episodesOf = (of: Experiment, count: number, seed: number): Promise<Episode[]> =>
  record(of, reference(of, 0.3), count, seed);

const source = await episodesOf(experiment, 12, 1);
const measure = (target: readonly Episode[]) =>
  measureTarget({
    contract,
    experiment,
    source,
    target,
    randomReturn: 0,
    seed: 1,
    splits: { distances: 6, dynamics: 2 },
  });

describe('measureTarget', () => {
  it('finds the same robot alike, by every measure', async () => {
    const found = await measure(await episodesOf(experiment, 6, 2));
    expect(found.facts.dynamicsZ).toBeLessThan(2);
    expect(Math.abs(found.dynamics!.distance)).toBeLessThan(0.1);
    expect(found.facts.openLoopRatio).toBeGreaterThan(0.6);
    expect(found.facts.openLoopRatio).toBeLessThan(1.5);
    expect(found.observations.mmd.p).toBeGreaterThan(0.05);
    expect(found.facts.retention).toBeCloseTo(1, 0);
    // 32-wide to one action
    expect(found.facts.headParameters).toBe(33);
    expect(found.facts.episodes).toBe(6);
    expect(found.facts.effectiveSteps).toBeLessThan(6 * source[0]!.steps.length);
    expect(selectStrategy(found.facts)).toMatchObject({ likeness: 'similar' });
  });

  it('finds a heavier, weaker, rougher robot unlike', async () => {
    const other = changed({
      massScale: dynamics.massScale.map((x) => 1.3 * x),
      torqueScale: dynamics.torqueScale.map((x) => 0.8 * x),
      friction: dynamics.friction.map((x) => x + 0.05),
    });
    const found = await measure(await episodesOf(other, 6, 2));
    expect(found.facts.dynamicsZ).toBeGreaterThan(2);
    expect(found.facts.openLoopRatio).toBeGreaterThan(1.5);
    expect(found.dynamics!.ci95[0]).toBeGreaterThan(0);
    expect(selectStrategy(found.facts)).toMatchObject({ likeness: 'dissimilar', strategy: 'identify' });
  });

  it('sees that a policy acts otherwise, and that the robot is the same', async () => {
    const wild = await record(experiment, reference(experiment, 1.5), 3, 2);
    const { observations, facts, dynamics: gap } = await measure(wild);
    // Too few episodes to hold any out twice.
    expect(gap).toBeNull();
    expect(facts.dynamicsZ).toBeNull();
    expect(observations.separation).not.toBeNull();
    expect(observations.frechet.z).toBeGreaterThan(2);
    expect(facts.openLoopRatio).toBeLessThan(1.5);
  });
});

describe('openLoopErrors', () => {
  it('grows with the horizon where the physics is wrong', async () => {
    const heavy = await episodesOf(changed({ massScale: dynamics.massScale.map((x) => 1.5 * x) }), 4, 3);
    const found = (await openLoopErrors(experiment, source, heavy))!;
    expect(found.map(({ steps }) => steps)).toEqual([...HORIZONS]);
    expect(found[3]!.error).toBeGreaterThan(2 * found[0]!.error);
    expect(found[2]!.ratio).toBeGreaterThan(2);
  });

  it('cannot be told of efforts that nobody knows', async () => {
    const blind = source.map((episode) => ({
      ...episode,
      steps: episode.steps.map((step) => ({ ...step, command: step.command.map(() => Number.NaN) })),
    }));
    expect(await openLoopErrors(experiment, source, blind)).toBeNull();
  });
});

describe('recordEpisodes', () => {
  it('records what the sensors say, the same bytes again, and efforts only where efforts are sent', async () => {
    const noisy = changed({ positionNoise: 0.01 });
    const recipe = evaluationRecipe(noisy, contract, 'rapier', 5);
    const [a] = await recordEpisodes(recipe, aimlessPolicy(keyOf(1)), 1);
    const [b] = await recordEpisodes(recipe, aimlessPolicy(keyOf(1)), 1);
    expect(a).toEqual(b);
    expect(a!.steps.length).toBeGreaterThan(50);
    expect(a!.steps.every(({ command }) => command.every(Number.isFinite))).toBe(true);
    const [exact] = await recordEpisodes(
      evaluationRecipe(experiment, contract, 'rapier', 5),
      aimlessPolicy(keyOf(1)),
      1,
    );
    expect(Math.abs(a!.steps[0]!.q[0]! - exact!.steps[0]!.q[0]!)).toBeGreaterThan(1e-6);
  });
});
