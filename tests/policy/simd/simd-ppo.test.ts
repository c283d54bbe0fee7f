/** PPO on the SIMD kernel against the tfjs reference, gradient by gradient and over whole updates; the same bits from any team. */

import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NetworkContract } from '../../../core/contract.ts';
import { InputError } from '../../../core/errors.ts';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { type Backend, openBackend } from '../../../policy/backend.ts';
import { Mlp, splitTensors, tensorSizes } from '../../../policy/mlp.ts';
import { Ppo } from '../../../policy/ppo.ts';
import type { LearnerState, NetworkSettings, PpoBatch, PpoLearner, PpoSettings } from '../../../policy/ppo-learner.ts';
import { SimdPpo } from '../../../policy/simd/simd-ppo.ts';

const seed = Number(process.env.LANDFALL_TEST_SEED ?? 1);
const settings: PpoSettings = {
  learningRate: 1e-3,
  minLearningRate: 1e-5,
  maxLearningRate: 1e-2,
  gamma: 0.99,
  lam: 0.95,
  clip: 0.2,
  valueClip: 0.3,
  valueCoef: 0.7,
  entropyCoef: 0.01,
  // Nothing is clipped: the first moment after one step is 0.1 times the gradient.
  maxGradNorm: 1e9,
  targetKl: null,
  epochs: 1,
  minibatches: 1,
};

/** No size is a multiple of what the kernel takes at a time. */
function networkOf(activation: NetworkContract['activation'], criticInputs?: number): NetworkSettings {
  return {
    actor: { kind: 'mlp', layers: [7, 21, 18, 3], activation },
    criticHidden: [19, 10],
    initialLogStd: -0.5,
    finalLogStd: -2,
    ...(criticInputs === undefined ? {} : { criticInputs }),
  };
}

/** Values on both sides of their clip. */
function batchOf(size: number, key: number, criticInputs?: number): PpoBatch {
  const random = new RandomStream(keyOf(key));
  const normal = (length: number, scale = 1) => Float32Array.from({ length }, () => scale * random.normal());
  return {
    size,
    obs: normal(7 * size),
    ...(criticInputs === undefined ? {} : { criticObs: normal(criticInputs * size) }),
    action: normal(3 * size, 0.6),
    logProb: normal(size, 0.3).map((x) => x - 2.6),
    advantage: normal(size),
    target: normal(size),
    value: normal(size, 0.5),
  };
}

/** As if sampled by a policy that was a little different: ratios on both sides of the clip. */
function nearby(batch: PpoBatch, { actor }: NetworkSettings, parameters: Float32Array): PpoBatch {
  const sizes = tensorSizes(actor.layers);
  const weights = splitTensors(parameters, sizes);
  const logStd = parameters.subarray(sizes.reduce((a, b) => a + b));
  const mlp = new Mlp(actor.layers, actor.activation);
  const mean = new Float32Array(3);
  const logProb = batch.logProb.map((noise, i) => {
    mlp.forward(weights, batch.obs.subarray(7 * i, 7 * i + 7), mean);
    let sum = noise + 2.6;
    for (let k = 0; k < 3; k++) {
      const z = (batch.action[3 * i + k]! - mean[k]!) / Math.exp(logStd[k]!);
      sum += -0.5 * z * z - logStd[k]! - 0.5 * Math.log(2 * Math.PI);
    }
    return sum;
  });
  return { ...batch, logProb };
}

function hash(...arrays: readonly Float32Array[]): string {
  const sum = createHash('sha256');
  for (const array of arrays) sum.update(new Uint8Array(array.slice().buffer));
  return sum.digest('hex');
}

const digest = ({ parameters, firstMoment, secondMoment }: LearnerState) => hash(parameters, firstMoment, secondMoment);

/** Weights that nothing saturates, the head's as large as the others'. */
async function spread(ppo: PpoLearner): Promise<void> {
  const random = new RandomStream(keyOf(99));
  const { parameters } = await ppo.state();
  ppo.loadParameters(parameters.map(() => 0.3 * random.normal()));
}

let reference: Backend;
beforeAll(async () => {
  reference = await openBackend('cpu');
});
afterAll(() => reference.close());

describe('against the tfjs reference', () => {
  // Two float32 sums over at most 203 rows, in different orders: 203 * 6e-8 of the largest term at worst.
  it.each([
    ['tanh', undefined, 203],
    ['elu', undefined, 64],
    ['relu', 5, 203],
    ['elu', 5, 3],
  ] as const)('%s, critic inputs %s, %i rows: every gradient', async (activation, criticInputs, rows) => {
    const network = networkOf(activation, criticInputs);
    const slow = new Ppo(reference, network, settings, keyOf(seed));
    const fast = new SimdPpo(network, settings, keyOf(seed));
    expect((await fast.state()).parameters).toEqual((await slow.state()).parameters);
    await spread(slow);
    await spread(fast);
    const batch = nearby(batchOf(rows, seed, criticInputs), network, (await slow.state()).parameters);
    const expected = await slow.update(batch, 0);
    const found = await fast.update(batch, 0);
    // Some rows are clipped, some are not.
    if (rows > 3) {
      expect(expected.clipFraction).toBeGreaterThan(0.2);
      expect(expected.clipFraction).toBeLessThan(0.9);
    }
    for (const name of Object.keys(expected) as (keyof typeof expected)[]) {
      expect(Math.abs(found[name]! - expected[name]!)).toBeLessThan(2e-5 * Math.max(1, Math.abs(expected[name]!)));
    }
    const [a, b] = [(await slow.state()).firstMoment, (await fast.state()).firstMoment];
    const largest = Math.max(...a.map(Math.abs));
    expect(largest).toBeGreaterThan(1e-3);
    expect(Math.max(...a.map((g, i) => Math.abs(g - b[i]!)))).toBeLessThan(2e-5 * largest);
    slow.dispose();
    fast.dispose();
  });

  it('several updates, with clipping, Adam and the adaptive rate: parameters and figures', async () => {
    const changes = { epochs: 3, minibatches: 4, maxGradNorm: 0.5, targetKl: 0.01 };
    const slow = new Ppo(reference, networkOf('elu'), { ...settings, ...changes }, keyOf(seed));
    const fast = new SimdPpo(networkOf('elu'), { ...settings, ...changes }, keyOf(seed), 'all', 2);
    await spread(slow);
    await spread(fast);
    for (let i = 0; i < 4; i++) {
      const batch = nearby(batchOf(150, i), networkOf('elu'), (await slow.state()).parameters);
      const expected = await slow.update(batch, i, i / 4);
      const found = await fast.update(batch, i, i / 4);
      expect(found.learningRate).toBe(expected.learningRate);
      expect(Math.abs(found.approxKl - expected.approxKl)).toBeLessThan(1e-3 * Math.abs(expected.approxKl));
      expect(found.entropy).toBeCloseTo(expected.entropy, 4);
    }
    const [a, b] = [await slow.state(), await fast.state()];
    expect(b.steps).toBe(48);
    // 48 steps of at most 1e-3: a wrong term moves parameters by 1e-2; rounding where a gradient is nearly 0 by a few 1e-5.
    expect(Math.max(...a.parameters.map((p, i) => Math.abs(p - b.parameters[i]!)))).toBeLessThan(2e-4);
    const values = await slow.values(batchOf(300, 5).obs, 300);
    const found = await fast.values(batchOf(300, 5).obs, 300);
    expect(Math.max(...values.map((v, i) => Math.abs(v - found[i]!)))).toBeLessThan(2e-3);
    slow.dispose();
    fast.dispose();
  });

  it('the frozen body: the same head', async () => {
    const slow = new Ppo(reference, networkOf('tanh'), settings, keyOf(seed), 'actor-head');
    const fast = new SimdPpo(networkOf('tanh'), settings, keyOf(seed), 'actor-head');
    const [expected, found] = [await slow.update(batchOf(64, 1), 0), await fast.update(batchOf(64, 1), 0)];
    // The norm is of what learns alone.
    expect(Math.abs(found.gradNorm - expected.gradNorm)).toBeLessThan(1e-5 * expected.gradNorm);
    const [a, b] = [(await slow.state()).firstMoment, (await fast.state()).firstMoment];
    expect(Math.max(...a.map((g, i) => Math.abs(g - b[i]!)))).toBeLessThan(2e-5 * Math.max(...a.map(Math.abs)));
    slow.dispose();
    fast.dispose();
  });
});

describe('any team', () => {
  it('of 1, 2, 4 or 8 threads learns the same bytes, and a second run does', async () => {
    const changes = { epochs: 2, minibatches: 3, maxGradNorm: 0.5, targetKl: 0.01 };
    const digests: string[] = [];
    for (const threads of [1, 2, 4, 8, 2]) {
      const ppo = new SimdPpo(networkOf('elu', 5), { ...settings, ...changes }, keyOf(seed), 'all', threads);
      const figures: unknown[] = [];
      // Growing, then smaller: memory is used again.
      for (const [i, size] of [100, 700, 300].entries()) figures.push(await ppo.update(batchOf(size, i, 5), i));
      const values = await ppo.values(batchOf(300, 4, 5).criticObs!, 300);
      digests.push(digest(await ppo.state()) + hash(values) + JSON.stringify(figures));
      ppo.dispose();
    }
    expect(new Set(digests).size).toBe(1);
    const other = new SimdPpo(networkOf('elu', 5), { ...settings, ...changes }, keyOf(seed + 1));
    await other.update(batchOf(100, 0, 5), 0);
    expect(digest(await other.state())).not.toBe(digests[0]!.slice(0, 64));
    other.dispose();
  });

  it('leaves the event loop free while it learns', async () => {
    const ppo = new SimdPpo(networkOf('elu'), { ...settings, epochs: 20, minibatches: 4 }, keyOf(seed));
    await ppo.update(batchOf(8, 1), 0);
    let beats = 0;
    const timer = setInterval(() => beats++, 1);
    await ppo.update(batchOf(8192, 1), 1);
    clearInterval(timer);
    expect(beats).toBeGreaterThan(5);
    ppo.dispose();
  });
});

it('refuses a kind of network it does not have, by name; auto trains it with another backend', async () => {
  const recurrent = { ...networkOf('elu'), actor: { ...networkOf('elu').actor, kind: 'gru' as 'mlp' } };
  expect(() => new SimdPpo(recurrent, settings, keyOf(1))).toThrow(/no networks of kind gru/);
  await expect(openBackend('simd', recurrent.actor.kind)).rejects.toThrow(InputError);
  const backend = await openBackend('auto', recurrent.actor.kind);
  expect(backend.name).not.toBe('simd');
  backend.close();
  const usual = await openBackend('auto');
  expect(['tensorflow', 'webgpu', 'simd']).toContain(usual.name);
  usual.close();
  reference = await openBackend('cpu');
});
