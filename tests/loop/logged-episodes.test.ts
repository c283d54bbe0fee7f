/** Recorded episodes as transitions: what goes in, rewards that were not recorded, what is held out, and whose are refused. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeEpisodeFile } from '../../bridge/episode-files.ts';
import { withAlgorithm } from '../../configs/algorithms.ts';
import { cartpoleBalance } from '../../configs/cartpole-balance.ts';
import { pendulum } from '../../configs/pendulum.ts';
import { systemClock } from '../../core/clock.ts';
import type { Episode } from '../../core/episode.ts';
import { InputError, MismatchError } from '../../core/errors.ts';
import { keyOf } from '../../core/rng.ts';
import { evaluationRecipe, openExperiment, trainingRecipe } from '../../loop/experiment.ts';
import { learn } from '../../loop/learning.ts';
import { loggedData, readLogged } from '../../loop/logged-episodes.ts';
import { openBackend } from '../../policy/backend.ts';
import { WorkerPool } from '../../policy/collector.ts';
import { aimless, record, reference } from './recorded.ts';

const experiment = await openExperiment({ ...withAlgorithm(pendulum, 'bc'), data: 'episodes' });
const DIM = experiment.contract.network.layers[0]!;
let episodes: Episode[];
beforeAll(async () => {
  episodes = (await record(experiment, () => aimless(), 5, 3)).map((episode) => ({
    ...episode,
    steps: episode.steps.slice(0, 40),
  }));
});

describe('loggedData', () => {
  it('pairs each step with the one after it; the last one only where the task was over', () => {
    const { data, held, episodes: count } = loggedData(episodes, experiment, 0);
    expect(count).toBe(5);
    expect(held).toBeNull();
    expect(data.size).toBe(5 * 39);
    const row = 39 + 7;
    const [step, next] = [episodes[1]!.steps[7]!, episodes[1]!.steps[8]!];
    expect(data.data.obs.slice(row * DIM, (row + 1) * DIM)).toEqual(step.obs);
    expect(data.data.nextObs.slice(row * DIM, (row + 1) * DIM)).toEqual(next.obs);
    expect(data.data.action[row]).toBe(step.action[0]);
    expect(data.data.reward[row]).toBe(Math.fround(step.reward));
    expect(data.data.bootstrap[row]).toBe(1);

    const over = { ...episodes[0]!, steps: episodes[0]!.steps.map((s, t) => ({ ...s, terminated: t === 39 })) };
    const ended = loggedData([over], experiment, 0).data;
    expect(ended.size).toBe(40);
    expect([...ended.data.bootstrap.slice(38)]).toEqual([1, 0]);
  });

  it('clips actions as the action contract does', () => {
    const [first, ...rest] = episodes[0]!.steps;
    const wild = { ...episodes[0]!, steps: [{ ...first!, action: Float32Array.of(-3) }, ...rest] };
    expect(loggedData([wild], experiment, 0).data.data.action[0]).toBe(-1);
  });

  it('rewards by the terms of the task what has none, from the state after each step', async () => {
    const bare = episodes.map((e) => ({ ...e, steps: e.steps.map((s) => ({ ...s, reward: 0, rewardTerms: {} })) }));
    const recorded = loggedData(episodes, experiment, 0).data.data.reward;
    const made = loggedData(bare, experiment, 0).data.data.reward;
    // What was measured has noise, as the recorded reward, of the truth, has not: 0.005 rad and 0.1 rad/s at most.
    for (const [i, reward] of made.entries()) expect(Math.abs(reward - recorded[i]!)).toBeLessThan(2e-3);
    expect(Math.max(...made.map(Math.abs))).toBeGreaterThan(2e-3);
    // A changed weight counts for what was recorded with another.
    const free = await openExperiment({
      ...experiment.config,
      reward: { energy: 0, balance: 0, smoothness: 0, torque: 0 },
    });
    expect(loggedData(episodes, free, 0).data.data.reward.every((reward) => Math.abs(reward) === 0)).toBe(true);
  });

  it('holds out every so many episodes, whole', () => {
    const { data, held } = loggedData(episodes, experiment, 0.4);
    // Every second and a bit: 1 / 0.4 is 3 episodes, rounded.
    expect([data.size, held!.size]).toEqual([4 * 39, 39]);
    expect(held!.data.obs.slice(0, DIM)).toEqual(episodes[2]!.steps[0]!.obs);
  });

  it('refuses episodes of another robot, of other observations, without observations, and none', async () => {
    const change = (changes: Partial<Episode['meta']>) => [
      { ...episodes[0]!, meta: { ...episodes[0]!.meta, ...changes } },
    ];
    expect(() => loggedData(change({ joints: ['elbow'] }), experiment, 0)).toThrow(MismatchError);
    const contract = { ...experiment.contract, observations: experiment.contract.observations.slice(1) };
    expect(() => loggedData(change({ contract }), experiment, 0)).toThrow(/saw other observations/);
    const blind = { ...episodes[0]!, steps: episodes[0]!.steps.map((s) => ({ ...s, obs: new Float32Array(0) })) };
    expect(() => loggedData([blind], experiment, 0)).toThrow(/expected 5 observed numbers/);
    // What a shadow recorded was never done.
    expect(() => loggedData(change({ shadow: true }), experiment, 0)).toThrow(InputError);
    await expect(readLogged('no/such/place', experiment, 0)).rejects.toThrow(/data=no\/such\/place: cannot be read/);
  });
});

describe('learning from files', () => {
  let folder = '';
  let pool: WorkerPool;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'landfall-logged-'));
    pool = new WorkerPool(2);
  });
  afterAll(async () => {
    await pool.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('clones the reference policy of the cartpole from ten episodes', async () => {
    const base = withAlgorithm(cartpoleBalance, 'bc');
    const cartpole = await openExperiment({
      ...base,
      data: folder,
      network: { ...base.network, hidden: [32, 32] },
      train: { ...base.train, iterations: 8, evalEvery: 4, evalEpisodes: 20, stopAtSuccess: 0.9 },
    });
    for (const episode of await record(cartpole, reference(cartpole, 0.1), 10, 5))
      await writeEpisodeFile(join(folder, `${episode.meta.id}.mcap`), episode);
    const backend = await openBackend('wasm');
    let success = 0;
    let heldOut: number | null = null;
    const { state, contract } = await learn(cartpole, {
      recipe: trainingRecipe(cartpole),
      evalRecipe: evaluationRecipe(cartpole, cartpole.contract, 'rapier', 1),
      backend,
      pool,
      key: keyOf(3),
      clock: systemClock,
      onIteration: (report) => {
        success = report.evaluation?.successRate ?? success;
        if ('heldOutLoss' in report) heldOut = report.heldOutLoss;
        return false;
      },
    });
    backend.close();
    expect(success).toBeGreaterThanOrEqual(0.9);
    expect(state.envSteps).toBe(0);
    expect(contract.network.output).toBe('tanh');
    // Nine of ten are learned from; a policy that knew nothing of the tenth would have 0.9 nats and more.
    expect(heldOut).toBeLessThan(0.5);
  });
});
