/** The strongest property there is: the same seed gives the same bytes for any number of workers, rollouts and weights. */

import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { evaluationRecipe, openExperiment, trainingRecipe } from '../../cli/experiment.ts';
import { experimentNamed } from '../../configs/index.ts';
import { applyOverrides } from '../../configs/schema.ts';
import { ManualClock } from '../../core/clock.ts';
import { keyOf } from '../../core/rng.ts';
import { openBackend } from '../../policy/backend.ts';
import { Collector, WorkerPool } from '../../policy/collector.ts';
import { initialWeights } from '../../policy/network.ts';
import type { RolloutBuffer } from '../../policy/rollout-buffer.ts';
import { type Snapshot, train } from '../../policy/runner.ts';

const SMALL = [
  'train.numEnvs=8',
  'train.horizon=24',
  'train.iterations=4',
  'train.evalEvery=100',
  'train.evalEpisodes=2',
  'ppo.minibatches=2',
  'ppo.epochs=2',
];

function hashOf(buffer: RolloutBuffer): string {
  const hash = createHash('sha256');
  const { obs, finalObs, action, logProb, reward, terminated, truncated, endedReturn, endedLength } = buffer;
  for (const view of [obs, finalObs, action, logProb, reward, terminated, truncated, endedReturn, endedLength]) {
    hash.update(new Uint8Array(view.slice().buffer));
  }
  return hash.digest('hex');
}

async function rollouts(workers: number): Promise<{ hashes: string[]; ended: number }> {
  const experiment = await openExperiment(applyOverrides(experimentNamed('pendulum'), SMALL));
  const { layers } = experiment.contract.network;
  const weights = initialWeights(layers, 0.5, keyOf(3));
  const pool = new WorkerPool(workers);
  const shape = {
    horizon: 300,
    numEnvs: 8,
    obsDim: layers[0]!,
    actionDim: 1,
    rewardTerms: experiment.rewardNames.length,
    parameters: weights.length + 1,
  };
  const collector = await Collector.open(pool, trainingRecipe(experiment), shape, keyOf(4));
  collector.buffer.parameters.set(weights);
  collector.buffer.normalizer.fill(1, shape.obsDim);
  const hashes: string[] = [];
  let ended = 0;
  for (let iteration = 0; iteration < 2; iteration++) {
    await collector.collect(iteration, 0);
    hashes.push(hashOf(collector.buffer));
    ended += collector.buffer.endedLength.filter((length) => length > 0).length;
  }
  await pool.close();
  return { hashes, ended };
}

async function trained(workers: number): Promise<Snapshot> {
  const config = applyOverrides(experimentNamed('pendulum'), SMALL);
  const experiment = await openExperiment(config);
  const backend = await openBackend('wasm');
  const pool = new WorkerPool(workers);
  try {
    return await train({
      recipe: trainingRecipe(experiment),
      evalRecipe: evaluationRecipe(experiment, experiment.contract, 'rapier'),
      settings: { ...config.train, ppo: config.ppo, network: experiment.network },
      backend,
      pool,
      key: keyOf(config.seed),
      clock: new ManualClock(),
    });
  } finally {
    await pool.close();
    backend.close();
  }
}

describe('collecting', () => {
  it('gives identical rollout bytes with 1, 2 and 4 workers, over episode ends', async () => {
    const one = await rollouts(1);
    expect(one.ended).toBeGreaterThan(0);
    expect(one.hashes[0]).not.toBe(one.hashes[1]);
    expect(await rollouts(2)).toEqual(one);
    expect(await rollouts(4)).toEqual(one);
  });

  it('gives identical trained weights and statistics with 1, 2 and 4 workers', async () => {
    const one = await trained(1);
    for (const workers of [2, 4]) {
      const other = await trained(workers);
      expect(other.actor).toEqual(one.actor);
      expect(other.state.learner).toEqual(one.state.learner);
      expect(other.contract.normalizer).toEqual(one.contract.normalizer);
    }
  });

  it('gives other bytes with another seed', async () => {
    const experiment = await openExperiment(applyOverrides(experimentNamed('pendulum'), [...SMALL, 'seed=2']));
    expect(trainingRecipe(experiment).key).not.toEqual(
      trainingRecipe(await openExperiment(applyOverrides(experimentNamed('pendulum'), SMALL))).key,
    );
  });
});
