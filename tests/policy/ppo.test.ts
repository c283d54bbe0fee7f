/** PPO on tfjs and on the SIMD kernel: closed forms, the direction of an update, the frozen body, memory, resuming, one backend against another. */

import { createHash } from 'node:crypto';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError, LandfallError, NumericError } from '../../core/errors.ts';
import { keyOf, RandomStream } from '../../core/rng.ts';
import { type Backend, openBackend } from '../../policy/backend.ts';
import { makePpo } from '../../policy/make-ppo.ts';
import { Mlp, splitTensors, tensorSizes } from '../../policy/mlp.ts';
import { Ppo } from '../../policy/ppo.ts';
import {
  type LearnerState,
  type NetworkSettings,
  type PpoBatch,
  type PpoLearner,
  type PpoSettings,
  steerLearningRate,
} from '../../policy/ppo-learner.ts';

const seed = Number(process.env.LANDFALL_TEST_SEED ?? 1);
const LAYERS = [3, 16, 2];
const ACTIONS = 2;
const network: NetworkSettings = {
  actor: { kind: 'mlp', layers: LAYERS, activation: 'elu' },
  criticHidden: [16],
  initialLogStd: -0.5,
  finalLogStd: -2,
};
const settings: PpoSettings = {
  learningRate: 1e-3,
  minLearningRate: 1e-5,
  maxLearningRate: 1e-2,
  gamma: 0.99,
  lam: 0.95,
  clip: 0.2,
  valueClip: null,
  valueCoef: 0.5,
  entropyCoef: 0,
  maxGradNorm: 1,
  targetKl: null,
  epochs: 1,
  minibatches: 1,
};
const ACTOR_SIZE = tensorSizes(LAYERS).reduce((a, b) => a + b) + ACTIONS;

/** log N(action; mean, exp(logStd)), in double precision. */
function logProbOf(parameters: Float32Array, obs: Float32Array, action: Float32Array, i: number): number {
  const weights = splitTensors(parameters, tensorSizes(LAYERS));
  const logStd = parameters.subarray(ACTOR_SIZE - ACTIONS, ACTOR_SIZE);
  const mean = new Float32Array(ACTIONS);
  new Mlp(LAYERS, 'elu').forward(weights, obs.subarray(3 * i, 3 * i + 3), mean);
  let sum = 0;
  for (let k = 0; k < ACTIONS; k++) {
    const z = (action[ACTIONS * i + k]! - mean[k]!) / Math.exp(logStd[k]!);
    sum += -0.5 * z * z - logStd[k]! - 0.5 * Math.log(2 * Math.PI);
  }
  return sum;
}

/** A batch sampled from the policy of `parameters`: actions towards obs[0] are good ones. */
function batchOf(parameters: Float32Array, size: number, key: number): PpoBatch {
  const random = new RandomStream(keyOf(key));
  const obs = Float32Array.from({ length: 3 * size }, () => random.normal());
  const action = Float32Array.from({ length: ACTIONS * size }, () => random.normal());
  return {
    size,
    obs,
    action,
    logProb: Float32Array.from({ length: size }, (_, i) => logProbOf(parameters, obs, action, i)),
    advantage: Float32Array.from({ length: size }, (_, i) => action[ACTIONS * i]! * obs[3 * i]!),
    target: Float32Array.from({ length: size }, (_, i) => obs[3 * i + 1]!),
    value: new Float32Array(size),
  };
}

/** -E min(r A, clip(r) A) and E[(r - 1) - log r] with normalised advantages, in double precision. */
function surrogate(parameters: Float32Array, batch: PpoBatch) {
  const mean = batch.advantage.reduce((a, b) => a + b) / batch.size;
  const deviation = Math.sqrt(batch.advantage.reduce((sum, a) => sum + (a - mean) ** 2, 0) / batch.size);
  let [loss, kl, clipped] = [0, 0, 0];
  for (let i = 0; i < batch.size; i++) {
    const logRatio = logProbOf(parameters, batch.obs, batch.action, i) - batch.logProb[i]!;
    const ratio = Math.exp(logRatio);
    const advantage = (batch.advantage[i]! - mean) / deviation;
    loss -= Math.min(ratio * advantage, Math.min(1.2, Math.max(0.8, ratio)) * advantage) / batch.size;
    kl += (ratio - 1 - logRatio) / batch.size;
    if (Math.abs(ratio - 1) > 0.2) clipped += 1 / batch.size;
  }
  return { loss, kl, clipped };
}

function hash(values: Float32Array): string {
  return createHash('sha256').update(new Uint8Array(values.slice().buffer)).digest('hex');
}

describe('steerLearningRate', () => {
  const bounds = { minLearningRate: 1e-4, maxLearningRate: 1e-2 };
  it.each([
    ['down above twice the target', 1e-3, 0.021, 1e-3 / 1.5],
    ['up below half of it', 1e-3, 0.0049, 1.5e-3],
    ['keeps it between', 1e-3, 0.02, 1e-3],
    ['keeps it between', 1e-3, 0.005, 1e-3],
    ['down to the lower bound', 1.2e-4, 9, 1e-4],
    ['up to the upper bound', 9e-3, 0, 1e-2],
  ])('%s (%f at KL %f)', (_name, rate, kl, expected) => {
    expect(steerLearningRate(rate, kl, 0.01, bounds)).toBe(expected);
  });
});

describe.each(['cpu', 'wasm', 'simd'] as const)('PPO on %s', (name) => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await openBackend(name);
  });
  afterAll(() => backend.close());

  const make = (changes: Partial<PpoSettings> = {}, trainable: 'all' | 'actor-head' = 'all', net = network) =>
    makePpo(backend, net, { ...settings, ...changes }, keyOf(seed), trainable);

  it('reports log-probabilities, KL, clip fraction and entropy as their closed forms', async () => {
    const ppo = make();
    const { parameters } = await ppo.state();
    // Sampled by a policy that was a little different.
    const older = parameters.map((x, i) => x + 0.1 * Math.sin(i));
    const batch = batchOf(older, 64, 3);
    const expected = surrogate(parameters, batch);
    const stats = await ppo.update(batch, 0);
    expect(expected.kl).toBeGreaterThan(1e-3);
    expect(expected.clipped).toBeGreaterThan(0.05);
    // Float32 ratios over 64 rows.
    expect(Math.abs(stats.policyLoss - expected.loss)).toBeLessThan(1e-4);
    expect(Math.abs(stats.approxKl - expected.kl)).toBeLessThan(1e-4);
    expect(Math.abs(stats.clipFraction - expected.clipped)).toBeLessThan(1e-6);
    // Of the updated log-std: sum of log sigma + log(2 pi e) / 2
    const logStd = (await ppo.state()).parameters.subarray(ACTOR_SIZE - ACTIONS, ACTOR_SIZE);
    const entropy = logStd.reduce((sum, s) => sum + s + 0.5 * Math.log(2 * Math.PI * Math.E), 0);
    expect(stats.entropy).toBeCloseTo(entropy, 5);
    ppo.dispose();
  });

  it('improves the surrogate and the values with every small step', async () => {
    const ppo = make();
    const before = (await ppo.state()).parameters;
    const batch = batchOf(before, 128, 4);
    const valueError = async () => {
      const values = await ppo.values(batch.obs, batch.size);
      return values.reduce((sum, v, i) => sum + (v - batch.target[i]!) ** 2, 0) / batch.size;
    };
    let last = { loss: surrogate(before, batch).loss, error: await valueError() };
    for (let i = 0; i < 5; i++) {
      await ppo.update(batch, i);
      const now = { loss: surrogate((await ppo.state()).parameters, batch).loss, error: await valueError() };
      expect(now.loss).toBeLessThan(last.loss);
      expect(now.error).toBeLessThan(last.error);
      last = now;
    }
    ppo.dispose();
  });

  it('takes a first Adam step of the learning rate in every parameter that has a gradient', async () => {
    // m^ / sqrt(v^) = g / |g| in the first step, whatever the clipping.
    const ppo = make({ maxGradNorm: 1e-3 });
    const before = (await ppo.state()).parameters;
    await ppo.update(batchOf(before, 64, 5), 0);
    const after = (await ppo.state()).parameters;
    const steps = after.map((x, i) => Math.abs(x - before[i]!));
    expect(Math.max(...steps)).toBeLessThan(1.001e-3);
    expect([...steps].sort((a, b) => a - b)[Math.floor(steps.length / 2)]!).toBeGreaterThan(0.9e-3);
    ppo.dispose();
  });

  it('limits how much a value estimate may improve its loss', async () => {
    const free = make();
    const bound = make({ valueClip: 1e-4 });
    const parameters = (await free.state()).parameters;
    const batch = batchOf(parameters, 64, 6);
    // Estimates of now that are far from those of then, on the target's side: beyond the clip there is nothing to gain.
    const values = await free.values(batch.obs, 64);
    const far = { ...batch, value: values.map((v) => v - 1), target: values.map((v) => v + 1) };
    const critic = async (ppo: PpoLearner) => {
      await ppo.update(far, 0);
      return hash((await ppo.state()).parameters.subarray(ACTOR_SIZE));
    };
    expect(await critic(bound)).toBe(hash(parameters.subarray(ACTOR_SIZE)));
    expect(await critic(free)).not.toBe(hash(parameters.subarray(ACTOR_SIZE)));
    free.dispose();
    bound.dispose();
  });

  it("'actor-head' leaves body and log-std to the byte over 50 updates while the head moves", async () => {
    const ppo = make({ learningRate: 1e-2, entropyCoef: 0.01 }, 'actor-head');
    const before = (await ppo.state()).parameters;
    const body = 3 * 16 + 16;
    const head = ACTOR_SIZE - ACTIONS;
    for (let i = 0; i < 50; i++) await ppo.update(batchOf(before, 16, i), i);
    const after = (await ppo.state()).parameters;
    expect(hash(after.subarray(0, body))).toBe(hash(before.subarray(0, body)));
    expect(hash(after.subarray(head, ACTOR_SIZE))).toBe(hash(before.subarray(head, ACTOR_SIZE)));
    for (let i = body; i < head; i++) expect(after[i]).not.toBe(before[i]);
    expect(hash(after.subarray(ACTOR_SIZE))).not.toBe(hash(before.subarray(ACTOR_SIZE)));
    ppo.dispose();
  });

  it('learns values from what only the critic sees, and leaves none of its tensors behind', async () => {
    const none = tf.memory().numTensors;
    const ppo = make({ minibatches: 2 }, 'actor-head', { ...network, criticInputs: 5 });
    const { parameters } = await ppo.state();
    expect(ppo.actorSize).toBe(ACTOR_SIZE);
    expect(parameters.length).toBe(ACTOR_SIZE + 5 * 16 + 16 + 16 + 1);
    const size = 64;
    const random = new RandomStream(keyOf(12));
    const criticObs = Float32Array.from({ length: 5 * size }, () => random.normal());
    // The value is what the actor does not see: the minibatches must take the same rows of both.
    const batch = { ...batchOf(parameters, size, 13), criticObs, target: criticObs.filter((_, i) => i % 5 === 4) };
    const error = async () => {
      const values = await ppo.values(criticObs, size);
      return values.reduce((sum, v, i) => sum + (v - batch.target[i]!) ** 2, 0) / size;
    };
    // The critic's forward pass, on plain arrays.
    const out = new Float32Array(1);
    const weights = splitTensors(parameters.subarray(ACTOR_SIZE), tensorSizes([5, 16, 1]));
    new Mlp([5, 16, 1], 'elu').forward(weights, criticObs.subarray(5, 10), out);
    expect((await ppo.values(criticObs, size))[1]).toBeCloseTo(out[0]!, 5);
    const first = await error();
    await ppo.update(batch, 0);
    const held = tf.memory().numTensors;
    for (let i = 1; i < 150; i++) await ppo.update(batch, i);
    expect(tf.memory().numTensors).toBe(held);
    // Rows of one paired with those of another leave the variance of the target, 1.
    expect(await error()).toBeLessThan(0.3 * Math.min(1, first));
    const after = (await ppo.state()).parameters;
    expect(hash(after.subarray(0, 3 * 16 + 16))).toBe(hash(parameters.subarray(0, 3 * 16 + 16)));
    ppo.dispose();
    expect(tf.memory().numTensors).toBe(none);
  });

  it('keeps no tensor behind, whatever it did', async () => {
    const none = tf.memory().numTensors;
    const ppo = make({ epochs: 2, minibatches: 2, valueClip: 0.2, targetKl: 0.01 }, 'actor-head');
    const batch = batchOf((await ppo.state()).parameters, 32, 7);
    await ppo.update(batch, 0);
    const held = tf.memory().numTensors;
    for (let i = 1; i < 4; i++) {
      await ppo.update(batch, i);
      await ppo.values(batch.obs, 32);
      ppo.load(await ppo.state());
      expect(tf.memory().numTensors).toBe(held);
    }
    ppo.dispose();
    expect(tf.memory().numTensors).toBe(none);
  });

  it('goes on from a saved state as if it had never stopped, to the bit', async () => {
    const changes = { epochs: 2, minibatches: 3, targetKl: 0.005 };
    const whole = make(changes);
    const batches = [0, 1, 2, 3].map((key) => batchOf(SOME, 48, key));
    for (const [i, batch] of batches.entries()) await whole.update(batch, i);
    const first = make(changes);
    for (const [i, batch] of batches.slice(0, 2).entries()) await first.update(batch, i);
    const saved: LearnerState = await first.state();
    const resumed = make(changes);
    resumed.load(saved);
    for (const [i, batch] of batches.slice(2).entries()) await resumed.update(batch, i + 2);
    expect(await resumed.state()).toEqual(await whole.state());
    // Without the optimiser's moments it would be another run.
    const forgetful = make(changes);
    forgetful.loadParameters(saved.parameters);
    for (const [i, batch] of batches.slice(2).entries()) await forgetful.update(batch, i + 2);
    expect(hash((await forgetful.state()).parameters)).not.toBe(hash((await whole.state()).parameters));
    for (const ppo of [whole, first, resumed, forgetful]) ppo.dispose();
  });

  it('moves the learning rate by the divergence it measures', async () => {
    // Sampled by a policy that was a little different: the divergence is far from 0 whatever two small updates do.
    const batch = batchOf(
      SOME.map((x, i) => x + 0.1 * Math.sin(i)),
      64,
      8,
    );
    const after = async (targetKl: number | null) => {
      const ppo = make({ targetKl, learningRate: 2e-3, epochs: 2 });
      ppo.loadParameters(SOME);
      const { approxKl } = await ppo.update(batch, 0);
      const { learningRate } = await ppo.state();
      ppo.dispose();
      return { approxKl, learningRate };
    };
    const free = await after(null);
    expect(free.learningRate).toBe(2e-3);
    expect((await after(free.approxKl)).learningRate).toBe(2e-3);
    expect((await after(free.approxKl / 10)).learningRate).toBeCloseTo(2e-3 / 1.5 ** 2, 12);
    expect((await after(free.approxKl * 10)).learningRate).toBeCloseTo(2e-3 * 1.5 ** 2, 12);
  });

  it('bounds exploration and learning rate as training goes on, but not a frozen log-std', async () => {
    const batch = batchOf(SOME, 32, 10);
    const logStdAt = async (progress: number, trainable: 'all' | 'actor-head' = 'all') => {
      const ppo = make({ learningRate: 1e-2 }, trainable);
      await ppo.update(batch, 0, progress);
      const { parameters, learningRate } = await ppo.state();
      ppo.dispose();
      return { logStd: [...parameters.subarray(ACTOR_SIZE - ACTIONS, ACTOR_SIZE)], learningRate };
    };
    // -0.5 + progress (-2 + 0.5), and 1e-2 (1 - progress)
    const half = await logStdAt(0.5);
    for (const value of half.logStd) expect(value).toBeCloseTo(-1.25, 6);
    expect(half.learningRate).toBeCloseTo(5e-3, 12);
    expect((await logStdAt(1)).learningRate).toBe(1e-5);
    expect((await logStdAt(1, 'actor-head')).logStd).toEqual([-0.5, -0.5]);
  });

  it('starts from a policy alone with a new critic', async () => {
    const ppo = make();
    const fresh = (await ppo.state()).parameters;
    const actor = Float32Array.from({ length: ACTOR_SIZE }, (_, i) => i / 100);
    ppo.loadParameters(actor);
    const { parameters } = await ppo.state();
    expect(parameters.slice(0, ACTOR_SIZE)).toEqual(actor);
    expect(parameters.slice(ACTOR_SIZE)).toEqual(fresh.slice(ACTOR_SIZE));
    ppo.dispose();
  });

  it('stops at a loss that is not finite, and refuses the state of another network', async () => {
    const ppo = make();
    const batch = batchOf((await ppo.state()).parameters, 32, 9);
    batch.logProb[3] = Number.NaN;
    await expect(ppo.update(batch, 7)).rejects.toThrow(NumericError);
    const other = make({}, 'all', { ...network, criticHidden: [8] });
    const state = await other.state();
    expect(() => ppo.load(state)).toThrow(LandfallError);
    expect(() => ppo.load(state)).toThrow(/the checkpoint has \d+ parameters, this network \d+/);
    ppo.dispose();
    other.dispose();
  });
});

/** Some parameters of the network above, the same on every backend. */
const SOME = Float32Array.from({ length: ACTOR_SIZE + 3 * 16 + 16 + 16 + 1 }, (_, i) => 0.3 * Math.sin(1.7 * i));

describe('backends', () => {
  it('wasm and cpu learn the same within 1e-4 over 5 updates', async () => {
    const learned: Float32Array[] = [];
    for (const name of ['cpu', 'wasm'] as const) {
      const backend = await openBackend(name);
      // From SGD's point of view 40 steps of 1e-3. Adam turns rounding of tiny gradients into whole steps where a
      // gradient is 0; none is here.
      const ppo = new Ppo(backend, network, { ...settings, epochs: 2, minibatches: 4 }, keyOf(seed));
      ppo.loadParameters(SOME);
      for (let i = 0; i < 5; i++) await ppo.update(batchOf(SOME, 64, i), i);
      learned.push((await ppo.state()).parameters);
      ppo.dispose();
      backend.close();
    }
    const apart = Math.max(...learned[0]!.map((x, i) => Math.abs(x - learned[1]![i]!)));
    expect(apart).toBeLessThan(1e-4);
  });

  it.each(['tensorflow', 'webgpu', 'wasm', 'cpu'] as const)('%s is used or refused, never replaced', async (name) => {
    try {
      const backend = await openBackend(name);
      expect(backend.name).toBe(name);
      expect(tf.getBackend()).toBe(name);
      backend.close();
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
      expect((error as InputError).message).toContain(`backend ${name} cannot be used`);
    }
  });
});
