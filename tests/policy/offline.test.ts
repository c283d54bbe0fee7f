/**
 * Learning from logged transitions: likelihoods and losses against closed forms, and a problem of one step whose best action
 * is known, which cloning cannot find and implicit Q-learning must.
 */

import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LandfallError, NumericError } from '../../core/errors.ts';
import { keyOf, RandomStream } from '../../core/rng.ts';
import { type Backend, openBackend } from '../../policy/backend.ts';
import { BehaviourCloning } from '../../policy/bc.ts';
import { advantageWeight, expectileLoss, Iql } from '../../policy/iql.ts';
import { Mlp, splitTensors, tensorSizes } from '../../policy/mlp.ts';
import type { OfflineNetworks, OfflineSettings } from '../../policy/offline-learner.ts';
import { makeTransitions, type Transitions } from '../../policy/replay-buffer.ts';
import { seed } from './sac-cases.ts';

const LAYERS = [2, 16, 1];
const networks: OfflineNetworks = {
  actor: { kind: 'mlp', layers: LAYERS, activation: 'tanh', output: 'tanh' },
  criticHidden: [32],
  initialLogStd: -0.5,
};
const settings: OfflineSettings = {
  learningRate: 3e-3,
  batchSize: 128,
  updates: 1,
  heldOut: 0,
  gamma: 0.9,
  tau: 0.05,
  expectile: 0.7,
  sharpness: 2,
};

let backend: Backend;
beforeAll(async () => {
  backend = await openBackend('wasm');
});
afterAll(() => backend.close());

/** The best action is 0.8 tanh(s_0), and what is done is anything: r = -(a - a*)^2, and it is over. */
function oneStep(update: number): Transitions {
  const random = new RandomStream(keyOf(1000 * seed + update));
  const batch = makeTransitions({ obsDim: 2, criticDim: 0, actionDim: 1 }, settings.batchSize);
  for (let i = 0; i < settings.batchSize; i++) {
    const s = random.normal();
    const a = random.between(-1, 1);
    batch.obs.set([s, random.normal()], 2 * i);
    batch.action[i] = a;
    batch.reward[i] = -((a - 0.8 * Math.tanh(s)) ** 2);
  }
  return batch;
}

/** Root mean square error of a policy's mean from the best action. */
async function errorOf(learner: BehaviourCloning | Iql): Promise<number> {
  const actor = await learner.actor();
  const mlp = new Mlp(LAYERS, 'tanh', 'tanh');
  const weights = splitTensors(actor.subarray(0, -1), tensorSizes(LAYERS));
  const { obs } = oneStep(99_999);
  const out = new Float32Array(1);
  let sum = 0;
  for (let i = 0; i < settings.batchSize; i++) {
    mlp.forward(weights, obs.subarray(2 * i, 2 * i + 2), out);
    sum += (out[0]! - 0.8 * Math.tanh(obs[2 * i]!)) ** 2;
  }
  return Math.sqrt(sum / settings.batchSize);
}

describe('BehaviourCloning', () => {
  it('has the likelihood of its definition: a Gaussian about tanh of the network', async () => {
    const learner = new BehaviourCloning(backend, networks, settings, keyOf(seed));
    const state = await learner.state();
    const random = new RandomStream(keyOf(3));
    for (let i = 0; i < state.parameters.length; i++) state.parameters[i] = 0.5 * random.normal();
    learner.load(state);
    const batch = oneStep(5);
    const mlp = new Mlp(LAYERS, 'tanh');
    const weights = splitTensors(state.parameters.subarray(0, -1), tensorSizes(LAYERS));
    const out = new Float32Array(1);
    const std = Math.exp(state.parameters.at(-1)!);
    let expected = 0;
    for (let i = 0; i < settings.batchSize; i++) {
      mlp.forward(weights, batch.obs.subarray(2 * i, 2 * i + 2), out);
      const z = (batch.action[i]! - Math.tanh(out[0]!)) / std;
      expected -= Math.log(Math.exp(-0.5 * z * z) / (std * Math.sqrt(2 * Math.PI))) / settings.batchSize;
    }
    expect(await learner.cloningLoss(batch.obs, batch.action)).toBeCloseTo(expected, 4);
    const stats = await learner.update(1, () => batch);
    expect(stats.policyLoss).toBeCloseTo(expected, 4);
    expect(stats.std).toBeCloseTo(Math.exp((await learner.actor()).at(-1)!), 6);
    learner.dispose();
  });

  it('finds the mean and the spread of what was done', async () => {
    const learner = new BehaviourCloning(backend, networks, { ...settings, learningRate: 1e-2 }, keyOf(seed));
    // a = 0.5 sin(s_0) with a standard deviation of 0.1
    const draw = (update: number) => {
      const random = new RandomStream(keyOf(update));
      const batch = oneStep(update);
      for (let i = 0; i < settings.batchSize; i++)
        batch.action[i] = 0.5 * Math.sin(batch.obs[2 * i]!) + 0.1 * random.normal();
      return batch;
    };
    await learner.update(400, draw);
    const { obs, action } = draw(99_999);
    // Of the truth: log(0.1 sqrt(2 pi e)); what is left to learn costs a little.
    const entropy = Math.log(0.1 * Math.sqrt(2 * Math.PI * Math.E));
    expect(await learner.cloningLoss(obs, action)).toBeLessThan(entropy + 0.2);
    expect(Math.exp((await learner.actor()).at(-1)!)).toBeCloseTo(0.1, 1);
    learner.dispose();
  });
});

describe('IQL', () => {
  it('has the expectile loss and the weights of their definitions', () => {
    const u = tf.tensor1d([2, -1, 0.5]);
    // 0.7 * 4, 0.3 * 1, 0.7 * 0.25
    expect(expectileLoss(u, 0.7).dataSync()[0]).toBeCloseTo((2.8 + 0.3 + 0.175) / 3, 6);
    // dL/du = 2 |tau - 1(u < 0)| u / n
    const gradient = tf
      .grad((x) => expectileLoss(x as tf.Tensor1D, 0.7))(u)
      .dataSync();
    for (const [i, expected] of [2.8, -0.6, 0.7].entries()) expect(gradient[i]).toBeCloseTo(expected / 3, 6);
    // The minimum over v of the loss of x - v is the expectile: of {0, 1} at 0.7, 0.7.
    const of = (v: number) => expectileLoss(tf.tensor1d([0 - v, 1 - v]), 0.7).dataSync()[0]!;
    expect(of(0.7)).toBeLessThan(Math.min(of(0.6), of(0.8)));
    // sd of {-1, 1} is 1
    const weights = advantageWeight(tf.tensor1d([-1, 1]), 2).dataSync();
    expect(weights[0]).toBeCloseTo(Math.exp(-2), 5);
    expect(weights[1]).toBeCloseTo(Math.exp(2), 4);
    expect(advantageWeight(tf.tensor1d([-1, 1]), 50).dataSync()[1]).toBe(100);
    expect([...advantageWeight(tf.tensor1d([-3, 5]), 0).dataSync()]).toEqual([1, 1]);
  });

  it('finds the best of what was done where cloning finds its mean, and leaves no tensor behind', async () => {
    const cloning = new BehaviourCloning(backend, networks, { ...settings, learningRate: 1e-2 }, keyOf(seed));
    await cloning.update(300, oneStep);
    const iql = new Iql(backend, networks, { ...settings, sharpness: 3, learningRate: 1e-2 }, keyOf(seed));
    await iql.update(1, oneStep);
    const held = tf.memory().numTensors;
    await iql.update(299, oneStep);
    expect(tf.memory().numTensors).toBe(held);
    // The mean of what was done is 0: as far from the best as the best is large.
    expect(await errorOf(cloning)).toBeGreaterThan(0.4);
    expect(await errorOf(iql)).toBeLessThan(0.15);
    cloning.dispose();
    iql.dispose();
  });

  it('carries values back from what comes next, and not over an end', async () => {
    const learner = new Iql(
      backend,
      networks,
      { ...settings, expectile: 0.5, tau: 0.2, learningRate: 1e-2 },
      keyOf(seed),
    );
    // Two states: s = 1 goes to s = -1 for nothing, s = -1 ends with 1. Q(1) = gamma, Q(-1) = 1.
    const draw = (update: number) => {
      const batch = oneStep(update);
      for (let i = 0; i < settings.batchSize; i++) {
        const first = i % 2 === 0;
        batch.obs.set([first ? 1 : -1, 0], 2 * i);
        batch.nextObs.set([-1, 0], 2 * i);
        batch.reward[i] = first ? 0 : 1;
        batch.bootstrap[i] = first ? 1 : 0;
      }
      return batch;
    };
    await learner.update(200, draw);
    const { qValue } = await learner.update(1, draw);
    // The mean of gamma and 1.
    expect(Math.abs(qValue - 0.95)).toBeLessThan(0.03);
    learner.dispose();
  });
});

describe.each([
  ['bc', BehaviourCloning],
  ['iql', Iql],
] as const)('%s', (_, Learner) => {
  it('goes on from a saved state to the bit, and another seed is another policy', async () => {
    const whole = new Learner(backend, networks, settings, keyOf(seed));
    await whole.update(5, oneStep);
    const first = new Learner(backend, networks, settings, keyOf(seed));
    await first.update(3, oneStep);
    const resumed = new Learner(backend, networks, settings, keyOf(seed + 1));
    expect(await resumed.actor()).not.toEqual(await new Learner(backend, networks, settings, keyOf(seed)).actor());
    resumed.load(await first.state());
    await resumed.update(2, oneStep);
    expect(await resumed.state()).toEqual(await whole.state());
  });

  it('stops at a loss that is not finite, and refuses the state of another network', async () => {
    const learner = new Learner(backend, networks, settings, keyOf(seed));
    const broken = () => ({
      ...oneStep(1),
      reward: new Float32Array(settings.batchSize).fill(Number.NaN),
      action: new Float32Array(settings.batchSize).fill(Number.NaN),
    });
    await expect(learner.update(1, broken)).rejects.toThrow(NumericError);
    const state = await learner.state();
    expect(() => learner.load({ ...state, parameters: state.parameters.slice(1) })).toThrow(LandfallError);
  });
});
