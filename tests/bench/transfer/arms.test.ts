/** The arms with the real parts behind them, for one iteration: what each may touch, and what it must not. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ArmSource, loggedArms, onlineArms } from '../../../bench/transfer/arms.ts';
import { Ledger } from '../../../bench/transfer/ledger.ts';
import { normaliserArm } from '../../../bench/transfer/normaliser-arm.ts';
import { shuffled } from '../../../bench/transfer/sources.ts';
import { judgeOn } from '../../../bench/transfer/targets.ts';
import { experimentNamed } from '../../../configs/index.ts';
import { applyOverrides } from '../../../configs/schema.ts';
import type { Episode } from '../../../core/episode.ts';
import { keyOf } from '../../../core/rng.ts';
import { evaluationRecipe, openExperiment } from '../../../loop/experiment.ts';
import { sizesOf } from '../../../policy/architecture.ts';
import { type Bundle, bundleParameters } from '../../../policy/checkpoint.ts';
import { WorkerPool } from '../../../policy/collector.ts';
import { initialWeights } from '../../../policy/initial-weights.ts';
import { splitTensors } from '../../../policy/mlp.ts';
import { bodyHash, bodySize } from '../../../policy/transfer/body.ts';

let source: ArmSource;
let pool: WorkerPool;

beforeAll(async () => {
  const experiment = await openExperiment(applyOverrides(experimentNamed('pendulum'), ['seed=1', 'train.horizon=16']));
  const { contract } = experiment;
  const { network } = contract;
  const bundle: Bundle = {
    contract,
    // An action that counts, so that a change of the head shows.
    weights: splitTensors(initialWeights(network.layers, 1, keyOf(5)), sizesOf(network)),
    logStd: Float32Array.of(-1),
    path: 'policy.safetensors',
  };
  pool = new WorkerPool(1);
  source = { bundle, learned: null, experiment, pool, seed: 1, iterations: 1 };
});

afterAll(() => pool.close());

const fitted = async () => ({ dynamics: source.experiment.dynamics, error: 0, nominalError: 0 });

const episodeOf = (...obs: number[][]) =>
  ({ steps: obs.map((o) => ({ obs: Float32Array.from(o) })) }) as unknown as Episode;

describe('the registry', () => {
  it('has a name and words for each arm', () => {
    const arms = [...loggedArms, ...onlineArms];
    expect(new Set(arms.map(({ name }) => name)).size).toBe(arms.length);
    expect(arms.every(({ doc }) => doc.length > 10)).toBe(true);
  });
});

describe('the normaliser', () => {
  it('is taken anew from the episodes, and nothing else', async () => {
    const { contract, actor } = await normaliserArm.run({
      ...source,
      fitted,
      episodes: [episodeOf([0, 1, 2, 0, 0], [2, 1, 2, 0, 0]), episodeOf([4, 1, 5, 0, 0])],
    });
    // 0, 2, 4: mean 2, variance 8/3; 2, 2, 5: mean 3, variance 2
    expect(contract.normalizer.mean.slice(0, 3)).toEqual([2, 1, 3]);
    expect(contract.normalizer.variance[0]).toBeCloseTo(8 / 3, 6);
    expect(contract.normalizer.variance[2]).toBeCloseTo(2, 6);
    expect(contract.normalizer.count).toBe(3);
    expect(actor).toEqual(bundleParameters(source.bundle));
  });
});

describe('in the fitted simulator', () => {
  it('the head learns and the body keeps its bytes', async () => {
    const head = loggedArms.find(({ name }) => name === 'head')!;
    const before = bundleParameters(source.bundle);
    const { contract, actor } = await head.run({ ...source, fitted, episodes: [] });
    expect(bodyHash(contract, actor)).toBe(bodyHash(source.bundle.contract, before));
    const at = bodySize(contract.network);
    expect(actor.slice(at, -1)).not.toEqual(before.slice(at, -1));
  }, 60_000);

  it('the whole policy learns with all of it', async () => {
    const full = loggedArms.find(({ name }) => name === 'full')!;
    const before = bundleParameters(source.bundle);
    const { contract, actor } = await full.run({ ...source, fitted, episodes: [] });
    expect(bodyHash(contract, actor)).not.toBe(bodyHash(source.bundle.contract, before));
    // Exploration is put back, and the statistics belong to another arm.
    expect(actor.at(-1)).toBe(-1);
    expect(contract.normalizer).toEqual(source.bundle.contract.normalizer);
  }, 60_000);
});

describe('on the target', () => {
  it('an arm gives a policy for each budget, that runs', async () => {
    // A task whose critic would see more than a robot shows.
    const experiment = await openExperiment(applyOverrides(experimentNamed('cartpole-balance'), ['seed=1']));
    const { contract } = experiment;
    const weights = splitTensors(initialWeights(contract.network.layers, 1, keyOf(5)), sizesOf(contract.network));
    const bundle: Bundle = { ...source.bundle, contract, weights };
    const robot = { ...evaluationRecipe(experiment, contract, 'rapier', 3), randomization: 0 };
    for (const arm of onlineArms) {
      const policies = await arm.run({ ...source, experiment, bundle, robot, budgets: [1, 2] });
      expect(policies.length).toBe(2);
      expect(policies[0]!.actor).not.toEqual(policies[1]!.actor);
      const { returns } = await judgeOn(robot, policies[1]!, pool, 1);
      expect(returns.every(Number.isFinite)).toBe(true);
    }
  }, 120_000);
});

describe('what keeps a study', () => {
  it('shuffles within tensors and leaves the exploration', () => {
    const before = { contract: source.bundle.contract, actor: bundleParameters(source.bundle) };
    const { actor } = shuffled(before, 1);
    const sizes = sizesOf(before.contract.network);
    const sorted = (values: Float32Array) => Array.from(values).sort((a, b) => a - b);
    for (const [i, tensor] of splitTensors(actor, sizes).entries()) {
      expect(sorted(tensor)).toEqual(sorted(splitTensors(before.actor, sizes)[i]!));
    }
    expect(actor).not.toEqual(before.actor);
    expect(actor.at(-1)).toBe(before.actor.at(-1));
  });

  it('measures once, also after a restart', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'landfall-ledger-'));
    try {
      let measured = 0;
      const measure = async () => ({ value: ++measured });
      const first = await Ledger.open(join(folder, 'ledger.json'));
      expect(await first.once('a', measure)).toEqual({ value: 1 });
      expect(await first.once('a', measure)).toEqual({ value: 1 });
      const second = await Ledger.open(join(folder, 'ledger.json'));
      expect(await second.once('a', measure)).toEqual({ value: 1 });
      expect(await second.once('b', measure)).toEqual({ value: 2 });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
