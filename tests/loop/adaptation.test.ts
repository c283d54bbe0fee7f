/**
 * Adapting by a table of arms, and fine-tuning through the loop that trains any policy: small, on the pendulum, with real environments
 * and learners. What a fit finds is given, as fits have tests of their own.
 */

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pendulum } from '../../configs/pendulum.ts';
import { systemClock } from '../../core/clock.ts';
import { foldIn, keyOf, RandomStream } from '../../core/rng.ts';
import { type Adaptation, adapt, type FittedSimulator } from '../../loop/adaptation.ts';
import { explain, saveAdaptation } from '../../loop/adapted-policy.ts';
import type { ArmFacts } from '../../loop/arm-choice.ts';
import { evaluationRecipe, openExperiment, trainingRecipe } from '../../loop/experiment.ts';
import { type Backend, openBackend } from '../../policy/backend.ts';
import { type Bundle, decodeBundle, encodeBundle, loadBundle } from '../../policy/checkpoint.ts';
import type { PolicySource } from '../../policy/transfer/arms.ts';
import { type FineTuneOptions, fineTune } from '../../policy/transfer/fine-tune.ts';
import { LocalPool } from '../policy/local-pool.ts';
import { plantedEpisode } from '../sim/identify/planted.ts';

const folder = mkdtempSync(join(tmpdir(), 'landfall-adaptation-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const experiment = await openExperiment({
  ...pendulum,
  train: { ...pendulum.train, numEnvs: 6, horizon: 16 },
  ppo: { ...pendulum.ppo, epochs: 1, minibatches: 2 },
  network: { ...pendulum.network, hidden: [10, 6], criticHidden: [8] },
});
const { contract, network } = experiment;

/** As if it had learned: random weights, statistics of its own. */
function bundleOf(): Bundle {
  const random = new RandomStream(keyOf(4));
  const normalizer = { ...contract.normalizer, mean: [0.1, 0, 0, 0, 0], variance: [1, 2, 3, 1, 1], count: 50 };
  const size = 60 + 66 + 7 + 1;
  const actor = Float32Array.from({ length: size }, () => 0.4 * random.normal());
  return decodeBundle(encodeBundle({ ...contract, normalizer }, actor), join(folder, 'policy.safetensors'));
}

const bundle = bundleOf();
const before = Float32Array.from([...bundle.weights.flatMap((w) => Array.from(w)), ...bundle.logStd]);

let backend: Backend;
beforeAll(async () => {
  backend = await openBackend('cpu');
});
afterAll(() => backend.close());

describe('fineTune', () => {
  const source: PolicySource = { contract: bundle.contract, network, parameters: before };
  const run = (arm: 'head' | 'lora' | 'column' | 'surgical', from: PolicySource, options: FineTuneOptions) =>
    fineTune(
      arm,
      from,
      {
        recipe: trainingRecipe(experiment),
        evalRecipe: evaluationRecipe(experiment, contract, 'rapier'),
        settings: {
          ...experiment.config.train,
          iterations: 2,
          evalEvery: 9,
          evalEpisodes: 1,
          stopAtSuccess: null,
          ppo: experiment.config.ppo,
          network,
        },
        backend,
        pool: new LocalPool(2),
        key: keyOf(2),
        clock: systemClock,
      },
      options,
    );

  it('of the last layer keeps body, exploration and observation statistics to the byte', async () => {
    const tuned = await run('head', source, { exploration: -1, retention: 1 });
    expect(tuned.sealAfter).toBe(tuned.sealBefore);
    expect(tuned.contract.normalizer).toEqual(bundle.contract.normalizer);
    expect(tuned.actor.slice(0, 126)).toEqual(before.slice(0, 126));
    expect(tuned.actor.at(-1)).toBe(before.at(-1));
    expect(tuned.learned).toBe(7);
    for (let i = 126; i < 133; i++) expect(tuned.actor[i]).not.toBe(before[i]);
  });

  it('by a column gives a wider network that any program runs', async () => {
    const tuned = await run('column', source, { exploration: -1, width: 3 });
    expect(tuned.contract.network.layers).toEqual([5, 13, 9, 1]);
    const file = encodeBundle(tuned.contract, tuned.actor);
    expect(decodeBundle(file, 'column').weights.map((w) => w.length)).toEqual([65, 13, 117, 9, 9, 1]);
    expect(tuned.sealAfter).toBe(tuned.sealBefore);
  });

  it('learns the statistics of observations that are new, and of those alone', async () => {
    const known = [true, true, true, false, true];
    const from = { ...source, known, copied: new Float32Array(134).fill(1) };
    const { normalizer } = (await run('head', from, { exploration: -1 })).contract;
    for (const [i, isKnown] of known.entries()) {
      expect(normalizer.mean[i] === bundle.contract.normalizer.mean[i]).toBe(isKnown);
      expect(normalizer.variance[i] === bundle.contract.normalizer.variance[i]).toBe(isKnown);
    }
  });

  it('by the first gradient, and by low rank with a new critic first', async () => {
    const surgical = await run('surgical', source, { exploration: -1 });
    expect(surgical.learned).toBe(133);
    // Two iterations, both the critic's: the policy is as it was.
    const warm = await run('lora', source, { exploration: -1, criticWarmup: 2 });
    expect(warm.actor).toEqual(before);
    const cold = await run('lora', source, { exploration: -1, rank: 1 });
    // The last layer's 7, and of rank 1 5 + 10 and 10 + 6; biases of the body are frozen.
    expect(cold.learned).toBe(7 + 15 + 16);
    expect(cold.actor.slice(50, 60)).toEqual(before.slice(50, 60));
    expect(cold.actor.slice(0, 50)).not.toEqual(before.slice(0, 50));
  });
});

describe('adapt', () => {
  let adaptation: Adaptation;
  let facts: ArmFacts | undefined;
  const fitted: FittedSimulator = { dynamics: experiment.dynamics, error: 0.2, nominalError: 0.5 };
  beforeAll(async () => {
    const episodes = await Promise.all(
      [0, 1, 2].map((i) => plantedEpisode({ dynamics: {}, seconds: 1, noise: 0, key: foldIn(keyOf(3), i) })),
    );
    adaptation = await adapt({
      bundle,
      learned: null,
      experiment,
      episodes,
      pool: new LocalPool(2),
      fit: async () => fitted,
      seed: 1,
      iterations: 1,
      pairs: 4,
      arms: ['l2sp', 'head', 'none'],
      choose: (found) => {
        facts = found;
        return { arm: 'head', why: 'two\nlines' };
      },
    });
  }, 120_000);

  it('runs nothing first, what was chosen next, from scratch last, each once', () => {
    const { arms, chosen } = adaptation.report;
    expect(arms.map(({ arm }) => arm)).toEqual(['none', 'head', 'l2sp', 'scratch']);
    expect(chosen).toEqual({ arm: 'head', why: 'two\nlines' });
    expect(arms.map(({ learned }) => learned)).toEqual([0, 7, 133, 134]);
    expect(arms.map(({ seal }) => seal === null)).toEqual([true, false, false, true]);
  });

  it('decides by the chosen arm alone, from facts of the episodes that may be learned from', () => {
    const { report } = adaptation;
    const head = report.arms[1]!;
    expect(report.verdict).toEqual(head.verdict);
    expect(report.accepted).toBe(head.verdict.accepted);
    expect(report.scratch).toEqual(report.arms[3]!.verdict);
    expect(report.bodyAfter).toBe(report.bodyBefore);
    expect(report.negativeTransfer.zero).toBe(report.accepted ? -head.verdict.difference : 0);
    expect(report.arms[0]!.verdict).toMatchObject({ difference: 0, pairs: 4 });
    expect(facts).toMatchObject({ episodes: 2, headParameters: 7, parameters: 134, errorRatio: 2.5 });
    expect(facts!.seconds).toBeCloseTo(2 * 0.99, 6);
  });

  it('says so in words, and leaves a policy only where it was accepted', async () => {
    const { report } = adaptation;
    const text = explain(report);
    for (const { arm, doc } of report.arms) {
      expect(text).toMatch(new RegExp(`^[* ] ${arm} `, 'm'));
      expect(text).toContain(doc);
    }
    expect(text).toMatch(/^\* head /m);
    expect(text).toContain('  two\n  lines');
    expect(text).toMatch(report.accepted ? /^accepted$/m : /^not accepted, rolled back/m);
    const out = join(folder, 'out');
    await saveAdaptation(out, adaptation);
    expect(existsSync(join(out, 'policy.safetensors'))).toBe(report.accepted);
    const forced = { ...adaptation, report: { ...report, accepted: true } };
    await saveAdaptation(join(folder, 'forced'), forced);
    const kept = await loadBundle(join(folder, 'forced'));
    expect(kept.contract.normalizer).toEqual(bundle.contract.normalizer);
    // A later one that is not accepted does not leave the earlier one's policy beside its report.
    const refused = { ...adaptation, report: { ...report, accepted: false } };
    await expect(saveAdaptation(join(folder, 'forced'), refused)).rejects.toThrow(/an earlier adaptation/);
  });
});
