/** Collecting and training with real workers: the same bytes for any number of them, and resuming without a drop. */

import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pendulum } from '../../configs/pendulum.ts';
import { systemClock } from '../../core/clock.ts';
import { InputError, NumericError } from '../../core/errors.ts';
import { type FrameRing, makeFrameRing, openFrameRing } from '../../core/frame-ring.ts';
import { foldIn, keyOf, RandomStream } from '../../core/rng.ts';
import { type Experiment, evaluationRecipe, openExperiment, PURPOSE, trainingRecipe } from '../../loop/experiment.ts';
import { type Backend, type BackendName, openBackend } from '../../policy/backend.ts';
import { loadBundle, loadTrainingState, saveCheckpoint, type TrainingState } from '../../policy/checkpoint.ts';
import { Collector, WorkerPool } from '../../policy/collector.ts';
import { splitTensors, tensorSizes } from '../../policy/mlp.ts';
import { initialWeights } from '../../policy/network.ts';
import { train } from '../../policy/runner.ts';
import type { Snapshot, TrainSettings } from '../../policy/training-job.ts';
import { channelsOf, type SceneChange } from '../../policy/watch.ts';
import { EMPTY_SCENE } from '../../sim/scene.ts';

const COUNTS = [1, 2, 4] as const;
/** Nine environments: no number of workers divides them evenly. */
const ENVS = 9;

const experiment: Experiment = await openExperiment({
  ...pendulum,
  network: { ...pendulum.network, hidden: [16], criticHidden: [16] },
});

const pools = new Map<number, WorkerPool>();
const backends = new Map<BackendName, Backend>();
beforeAll(async () => {
  for (const name of ['wasm', 'simd'] as const) backends.set(name, await openBackend(name));
  for (const count of COUNTS) pools.set(count, new WorkerPool(count));
});
afterAll(async () => {
  for (const backend of backends.values()) backend.close();
  await Promise.all([...pools.values()].map((pool) => pool.close()));
});

function settings(changes: Partial<TrainSettings> = {}): TrainSettings {
  return {
    ...experiment.config.train,
    numEnvs: ENVS,
    horizon: 32,
    iterations: 3,
    evalEvery: 99,
    evalEpisodes: 2,
    stopAtSuccess: null,
    ppo: { ...experiment.config.ppo, epochs: 2, minibatches: 2 },
    network: experiment.network,
    ...changes,
  };
}

function learn(
  workers: number,
  more: {
    settings?: Partial<TrainSettings>;
    resume?: TrainingState;
    from?: Experiment;
    ring?: FrameRing;
    onScene?: (change: SceneChange) => void;
    backend?: BackendName;
  } = {},
) {
  const { resume, from = experiment, ring = null, onScene = () => {}, backend = 'wasm' } = more;
  return train({
    recipe: trainingRecipe(from),
    evalRecipe: evaluationRecipe(from, from.contract, 'rapier'),
    settings: settings(more.settings),
    backend: backends.get(backend)!,
    pool: pools.get(workers)!,
    key: foldIn(keyOf(1), PURPOSE.learner),
    clock: systemClock,
    ring,
    onScene,
    ...(resume === undefined ? {} : { resume }),
  });
}

function hash(...arrays: readonly ArrayBufferView[]): string {
  const sum = createHash('sha256');
  for (const view of arrays) sum.update(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  return sum.digest('hex');
}

/** SHA-256 of three iterations with a policy that differs from one to the next; how many episodes ended in them. */
async function collectThree(workers: number) {
  const { layers } = experiment.contract.network;
  const sizes = tensorSizes(layers);
  const parameters = sizes.reduce((a, b) => a + b) + layers.at(-1)!;
  const shape = {
    horizon: 150,
    numEnvs: ENVS,
    obsDim: layers[0]!,
    criticDim: 0,
    actionDim: layers.at(-1)!,
    rewardTerms: experiment.rewardWeights.length,
    parameters,
  };
  const collector = await Collector.open(pools.get(workers)!, trainingRecipe(experiment), shape, keyOf(77));
  const { buffer } = collector;
  const hashes: string[] = [];
  let ended = 0;
  for (let iteration = 0; iteration < 3; iteration++) {
    buffer.parameters.set(initialWeights(layers, 1, keyOf(iteration)));
    buffer.parameters.fill(-0.5, parameters - layers.at(-1)!);
    buffer.normalizer.fill(0, 0, shape.obsDim).fill(1 + iteration, shape.obsDim);
    await collector.collect(iteration, 0);
    const { obs, finalObs, action, logProb, reward, terminated, truncated, endedReturn, endedLength, termSums } =
      buffer;
    hashes.push(
      hash(obs, finalObs, action, logProb, reward, terminated, truncated, endedReturn, endedLength, termSums),
    );
    ended += endedLength.filter((length) => length > 0).length;
  }
  return { hashes, ended, buffer };
}

describe('the same seed', () => {
  it('collects the same bytes with 1, 2 and 4 workers, across episode ends', async () => {
    const runs = [];
    for (const workers of COUNTS) runs.push(await collectThree(workers));
    // Random first ages put ends into 450 of 500 steps of nine environments.
    expect(runs[0]!.ended).toBeGreaterThan(1);
    expect(new Set(runs[0]!.hashes).size).toBe(3);
    expect(runs[1]!.hashes).toEqual(runs[0]!.hashes);
    expect(runs[2]!.hashes).toEqual(runs[0]!.hashes);
  });

  it.each(['wasm', 'simd'] as const)('trains the same weights with 1, 2 and 4 workers on %s', async (backend) => {
    const runs: Snapshot[] = [];
    for (const workers of COUNTS) runs.push(await learn(workers, { backend }));
    const digest = ({ actor, contract, state }: Snapshot) =>
      hash(actor, state.learner.parameters, state.learner.firstMoment, state.learner.secondMoment) +
      JSON.stringify(contract.normalizer);
    expect(digest(runs[1]!)).toBe(digest(runs[0]!));
    expect(digest(runs[2]!)).toBe(digest(runs[0]!));
    expect(runs[0]!.contract.normalizer.count).toBe(3 * 32 * ENVS);
    // It learned something, and another seed learns something else.
    expect(hash(runs[0]!.actor)).not.toBe(hash(initialWeights(experiment.contract.network.layers, 0.01, keyOf(1))));
    const other = await openExperiment({ ...experiment.config, seed: 2 });
    expect(digest(await learn(2, { from: other, backend }))).not.toBe(digest(runs[0]!));
  });

  it('scores the same episodes with 1, 2 and 4 workers, in order', async () => {
    const { contract } = experiment;
    const { layers } = contract.network;
    const weights = splitTensors(initialWeights(layers, 1, keyOf(3)), tensorSizes(layers));
    const recipe = evaluationRecipe(experiment, contract, 'rapier');
    const scores = [];
    for (const workers of COUNTS) scores.push(await pools.get(workers)!.evaluate(recipe, contract, weights, 5));
    expect(scores[0]!.length).toBe(5);
    expect(new Set(scores[0]!.map((score) => score.return)).size).toBe(5);
    expect(scores[1]).toEqual(scores[0]);
    expect(scores[2]).toEqual(scores[0]);
  });
});

describe('resuming', () => {
  let run = '';
  beforeAll(async () => {
    run = await mkdtemp(join(tmpdir(), 'landfall-resume-'));
  });
  afterAll(() => rm(run, { recursive: true, force: true }));

  it('goes on from the files of a checkpoint: counters, policy, statistics, and no drop', async () => {
    const five = { iterations: 5, evalEvery: 1 };
    const seen: number[] = [];
    const first = await train({
      recipe: trainingRecipe(experiment),
      evalRecipe: evaluationRecipe(experiment, experiment.contract, 'rapier'),
      settings: settings({ ...five }),
      backend: backends.get('wasm')!,
      pool: pools.get(2)!,
      key: foldIn(keyOf(1), PURPOSE.learner),
      clock: systemClock,
      onIteration: ({ iteration, evaluation }) => {
        seen.push(evaluation!.meanReturn);
        return iteration === 2;
      },
    });
    expect(first.state).toMatchObject({ iteration: 2, envSteps: 2 * 32 * ENVS, bestScore: Math.max(...seen) });
    const folder = await saveCheckpoint(run, first.contract, first.actor, first.state, false);

    const bundle = await loadBundle(folder);
    const state = await loadTrainingState(folder);
    expect(state).toEqual(first.state);
    expect(bundle.contract.normalizer).toEqual(first.contract.normalizer);

    // The policy right after loading scores exactly what it scored before saving.
    const recipe = evaluationRecipe(experiment, bundle.contract, 'rapier');
    const after = await pools.get(2)!.evaluate(recipe, bundle.contract, bundle.weights, 2);
    expect(after.reduce((sum, score) => sum + score.return, 0) / 2).toBe(seen.at(-1));

    const from = { ...experiment, contract: { ...experiment.contract, normalizer: bundle.contract.normalizer } };
    const resumed = await learn(2, { settings: five, resume: state, from });
    expect(resumed.state).toMatchObject({ iteration: 5, envSteps: 5 * 32 * ENVS });
    expect(resumed.contract.normalizer.count).toBe(5 * 32 * ENVS);
    expect(resumed.state.learner.steps).toBe(5 * 4);
    expect(resumed.state.bestScore).toBeGreaterThanOrEqual(state.bestScore!);

    // Nothing to do is nothing done: resumed at its last iteration, the policy keeps its bytes.
    const idle = await learn(2, { settings: { iterations: 2 }, resume: state, from });
    expect(hash(idle.actor)).toBe(hash(first.actor));
    expect(idle.state.learner).toEqual(state.learner);
  });

  it('does not drop: the first collected rewards are those of the saved policy, not of a new one', async () => {
    // A policy that stands out from a new one by its reward: no torque at all, with hardly any exploration.
    const { layers } = experiment.contract.network;
    const start = await learn(1, { settings: { iterations: 1 } });
    const { learner } = start.state;
    const actorSize = start.actor.length;
    const calm = learner.parameters.slice();
    calm.fill(0, 0, actorSize - layers.at(-1)!).fill(-5, actorSize - layers.at(-1)!, actorSize);
    const torqueOf = async (resume: TrainingState | undefined) => {
      let torque = Number.NaN;
      await train({
        recipe: trainingRecipe(experiment),
        evalRecipe: evaluationRecipe(experiment, experiment.contract, 'rapier'),
        settings: settings({ iterations: 2 }),
        backend: backends.get('wasm')!,
        pool: pools.get(1)!,
        key: keyOf(1),
        clock: systemClock,
        ...(resume === undefined ? {} : { resume }),
        onIteration: ({ rewardTerms }) => {
          torque = rewardTerms[experiment.rewardNames.indexOf('torque')]!;
          return true;
        },
      });
      return torque;
    };
    const resumed = await torqueOf({ ...start.state, learner: { ...learner, parameters: calm } });
    // Torque squared: exp(-10) of the first policy's, whose deviation is 1.
    expect(Math.abs(resumed)).toBeLessThan(1e-3 * Math.abs(await torqueOf(undefined)));
  });
});

describe('a worker that fails', () => {
  it('says which environment, iteration and step, as the error it was', async () => {
    const { layers } = experiment.contract.network;
    const parameters = tensorSizes(layers).reduce((a, b) => a + b) + 1;
    const shape = {
      horizon: 4,
      numEnvs: 3,
      obsDim: layers[0]!,
      criticDim: 0,
      actionDim: 1,
      rewardTerms: 4,
      parameters,
    };
    const collector = await Collector.open(pools.get(2)!, trainingRecipe(experiment), shape, keyOf(1));
    collector.buffer.parameters.fill(Number.NaN);
    collector.buffer.normalizer.fill(1);
    const failing = collector.collect(6, 0);
    await expect(failing).rejects.toThrow(NumericError);
    await expect(failing).rejects.toThrow(/environment 0, iteration 6, step 0: action 0 is NaN/);
    const strange = { ...trainingRecipe(experiment), task: 'pendulun' };
    await expect(Collector.open(pools.get(1)!, strange, shape, keyOf(1))).rejects.toThrow(InputError);
    // The pool is still of use.
    expect((await collectThree(1)).ended).toBeGreaterThan(0);
  });
});

describe('learning', () => {
  it('tells the scenes around watched environments before their frames, whichever worker has them', async () => {
    const channels = channelsOf(experiment.contract, experiment.rewardNames);
    const ring = makeFrameRing({ capacity: 128, numEnvs: 5, nJoints: 1, channels, dt: 0.01 });
    const told: SceneChange[] = [];
    const onScene = (change: SceneChange) => {
      expect(openFrameRing(ring).published).toBe(0);
      told.push(change);
    };
    await learn(2, { settings: { iterations: 2 }, ring, onScene });
    // The pendulum's surroundings never change.
    expect(told.sort((a, b) => a.env - b.env)).toEqual(
      [0, 1, 2, 3, 4].map((env) => ({ env, frame: 0, scene: EMPTY_SCENE })),
    );
    expect(openFrameRing(ring).published).toBe(64);
  });

  it('learns to save torque when only that is asked for', async () => {
    // An identity-like task: the best action is known (0), so a few thousand steps must find it.
    const only = experiment.rewardNames.map((name) => (name === 'torque' ? -100 : 0));
    const random = new RandomStream(keyOf(4));
    const first = splitTensors(
      initialWeights(experiment.contract.network.layers, 1, keyOf(5)),
      tensorSizes(experiment.contract.network.layers),
    );
    for (const tensor of first) for (let i = 0; i < tensor.length; i++) tensor[i] = tensor[i]! + 0.2 * random.normal();
    const actor = Float32Array.of(...first.flatMap((tensor) => Array.from(tensor)), 0);
    const rewards: number[] = [];
    await train({
      recipe: { ...trainingRecipe(experiment), rewardWeights: only },
      evalRecipe: evaluationRecipe(experiment, experiment.contract, 'rapier'),
      settings: settings({
        iterations: 30,
        horizon: 48,
        ppo: { ...experiment.config.ppo, gamma: 0, lam: 0, learningRate: 3e-3 },
      }),
      backend: backends.get('wasm')!,
      pool: pools.get(2)!,
      key: keyOf(6),
      clock: systemClock,
      initial: actor,
      onIteration: ({ rewardTerms }) => {
        rewards.push(rewardTerms.reduce((a, b) => a + b, 0));
        return false;
      },
    });
    // Three seeds gave a tenth of the first charge or less; noise of the exploration remains.
    expect(rewards.at(-1)! / rewards[0]!).toBeLessThan(0.3);
  });
});
