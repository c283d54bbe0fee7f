/**
 * Soft actor-critic, whichever computes it: losses against closed forms in double precision, gradients against finite
 * differences, the temperature's direction, target networks, resuming.
 */

import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LandfallError, NumericError } from '../../core/errors.ts';
import { keyOf, RandomStream } from '../../core/rng.ts';
import { type Backend, openBackend } from '../../policy/backend.ts';
import { makeSac } from '../../policy/make-sac.ts';
import type { LearnerState } from '../../policy/ppo-learner.ts';
import { criticTensorSizes, drawSubset, type SacBatch, type SacSettings, sacLayout } from '../../policy/sac-learner.ts';
import { explorerLayers } from '../../policy/squashed-gaussian.ts';
import { batchOf, networks, perceptron, row, seed, settings } from './sac-cases.ts';

const { activation, layers } = networks.actor;
const layout = sacLayout(networks, settings);
const ACTIONS = layers.at(-1)!;
/** Floats before the critics, the log-temperature, the targets. */
const CRITICS = layout.actorSize;
const TEMPERATURE = CRITICS + settings.critics * layout.criticSize;
const TARGETS = TEMPERATURE + 1;

/** a = tanh(mu + sigma z) and the density of it by the change of variables, in double precision. */
function act(parameters: Float32Array, obs: number[], noise: number[]) {
  const out = perceptron(explorerLayers(layers), parameters.subarray(0, CRITICS), activation, false, obs);
  let logProb = 0;
  const action = noise.map((z, k) => {
    const std = Math.exp(out[ACTIONS + k]!);
    const a = Math.tanh(out[k]! + std * z);
    // p(a) = N(u; mu, sigma) / |da/du|,   da/du = 1 - a^2
    logProb += Math.log(Math.exp(-0.5 * z * z) / (std * Math.sqrt(2 * Math.PI)) / (1 - a * a));
    return a;
  });
  return { action, logProb };
}

function q(parameters: Float32Array, from: number, i: number, obs: number[], action: readonly number[]): number {
  const at = from + i * layout.criticSize;
  const tensors = parameters.subarray(at, at + layout.criticSize);
  return perceptron(layout.criticLayers, tensors, activation, settings.layerNorm, [...obs, ...action])[0]!;
}

/** The critics' loss by its definition, the mean over the ensemble. */
function criticLoss(parameters: Float32Array, batch: SacBatch, { gamma, backupEntropy, critics }: SacSettings): number {
  const rows = batch.reward.length;
  const alpha = backupEntropy ? Math.exp(parameters[TEMPERATURE]!) : 0;
  let loss = 0;
  for (let b = 0; b < rows; b++) {
    const next = act(parameters, row(batch.nextObs, b, rows), row(batch.nextNoise, b, rows));
    const least = Math.min(
      ...Array.from(batch.subset, (i) => q(parameters, TARGETS, i, row(batch.nextCriticObs, b, rows), next.action)),
    );
    const y = batch.reward[b]! + gamma * batch.bootstrap[b]! * (least - alpha * next.logProb);
    for (let i = 0; i < critics; i++) {
      const value = q(parameters, CRITICS, i, row(batch.criticObs, b, rows), row(batch.action, b, rows));
      loss += (value - y) ** 2 / rows / critics;
    }
  }
  return loss;
}

/** The actor's loss and entropy. @param critics parameters whose critics it climbs */
function actorLoss(parameters: Float32Array, critics: Float32Array, batch: SacBatch) {
  const rows = batch.reward.length;
  const alpha = Math.exp(parameters[TEMPERATURE]!);
  let [loss, entropy] = [0, 0];
  for (let b = 0; b < rows; b++) {
    const { action, logProb } = act(parameters, row(batch.obs, b, rows), row(batch.noise, b, rows));
    let value = 0;
    for (let i = 0; i < settings.critics; i++)
      value += q(critics, CRITICS, i, row(batch.criticObs, b, rows), action) / settings.critics;
    loss += (alpha * logProb - value) / rows;
    entropy -= logProb / rows;
  }
  return { loss, entropy };
}

describe.each(['cpu', 'wasm', 'simd'] as const)('SAC on %s', (name) => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await openBackend(name);
  });
  afterAll(() => backend.close());

  const make = (changes: Partial<SacSettings> = {}) =>
    makeSac(backend, networks, { ...settings, ...changes }, keyOf(seed));

  /** A learner whose weights are larger than first ones, and its targets others than its critics. */
  async function stirred(changes: Partial<SacSettings> = {}): Promise<[ReturnType<typeof make>, LearnerState]> {
    const learner = make(changes);
    const state = await learner.state();
    const random = new RandomStream(keyOf(seed + 50));
    for (let i = 0; i < state.parameters.length; i++) {
      if (i !== TEMPERATURE) state.parameters[i] = state.parameters[i]! + 0.2 * random.normal();
    }
    learner.load(state);
    return [learner, state];
  }

  it.each([
    ['with entropy', {}],
    ['without', { backupEntropy: false }],
  ])('has the losses of their definitions, %s in the targets', async (_, changes) => {
    const [learner, { parameters }] = await stirred(changes);
    const batch = batchOf(3);
    const stats = await learner.update(1, () => batch);
    const after = (await learner.state()).parameters;
    // Float32 sums over 32 rows of values of order 1.
    expect(stats.criticLoss).toBeCloseTo(criticLoss(parameters, batch, { ...settings, ...changes }), 4);
    const { loss, entropy } = actorLoss(parameters, after, batch);
    expect(stats.actorLoss).toBeCloseTo(loss, 4);
    expect(stats.entropy).toBeCloseTo(entropy, 4);
    // A mutant that takes another subset, or the ends for no ends, is seen.
    const other = { ...batch, subset: Int32Array.of(batch.subset[0]!) };
    expect(Math.abs(criticLoss(parameters, other, settings) - stats.criticLoss)).toBeGreaterThan(1e-3);
    const endless = { ...batch, bootstrap: batch.bootstrap.map(() => 1) };
    expect(Math.abs(criticLoss(parameters, endless, settings) - stats.criticLoss)).toBeGreaterThan(1e-3);
    learner.dispose();
  });

  it('has the gradients of finite differences: weights, biases, gains and shifts of critics, both halves of the actor', async () => {
    // At no learning rate worth the name, losses are those of the parameters that were loaded.
    const still = { learningRate: 1e-12 };
    const [learner, state] = await stirred(still);
    const batch = batchOf(4);
    await learner.update(1, () => batch);
    const gradient = (await learner.state()).firstMoment.map((m) => 10 * m);
    const lossAt = async (j: number, change: number) => {
      const parameters = state.parameters.slice();
      parameters[j] = parameters[j]! + change;
      learner.load({ ...state, parameters });
      const { criticLoss: critics, actorLoss: actor } = await learner.update(1, () => batch);
      return j < CRITICS ? actor : critics * settings.critics;
    };
    const sizes = criticTensorSizes(layout.criticLayers, true);
    const second = CRITICS + layout.criticSize;
    // One of each tensor of the second critic; of the actor, of each last weight and bias and one of the first layer.
    const critic = sizes.map((size, t) => second + sizes.slice(0, t).reduce((a, b) => a + b, 0) + (size >> 1));
    const actor = [4, ...Array.from({ length: 2 * ACTIONS }, (_, k) => CRITICS - 1 - k), CRITICS - 2 * ACTIONS - 1];
    const h = 2e-2;
    for (const j of [...critic, ...actor]) {
      const numeric = ((await lossAt(j, h)) - (await lossAt(j, -h))) / (2 * h);
      // Truncation is of order h^2; Float32 losses of order 1 leave 1e-7 / h.
      expect(Math.abs(numeric - gradient[j]!), `parameter ${j}`).toBeLessThan(3e-3 + 0.02 * Math.abs(numeric));
    }
    expect(critic.filter((j) => Math.abs(gradient[j]!) > 0.01).length).toBeGreaterThan(critic.length / 2);
    learner.dispose();
  });

  it('cools where there is more entropy than asked for, and warms where there is less', async () => {
    const after = async (targetEntropy: number) => {
      const [learner] = await stirred({ targetEntropy });
      await learner.update(1, () => batchOf(5));
      const { parameters } = await learner.state();
      learner.dispose();
      return parameters[TEMPERATURE]!;
    };
    const first = Math.log(settings.initialTemperature);
    // Adam's first step is the learning rate.
    expect(await after(-50)).toBeCloseTo(first - settings.learningRate, 6);
    expect(await after(50)).toBeCloseTo(first + settings.learningRate, 6);
  });

  it('moves its targets by tau towards the critics', async () => {
    const [learner, { parameters: before }] = await stirred();
    await learner.update(1, () => batchOf(6));
    const { parameters: after } = await learner.state();
    for (let i = TARGETS; i < layout.total; i++) {
      const critic = after[i - TARGETS + CRITICS]!;
      expect(after[i]).toBeCloseTo((1 - settings.tau) * before[i]! + settings.tau * critic, 5);
    }
    learner.dispose();
  });

  it('updates actor and temperature at every third update of the critics', async () => {
    const [learner, { parameters: before }] = await stirred({ actorEvery: 3 });
    const part = async () => {
      const { parameters, steps } = await learner.state();
      return { actor: parameters.slice(0, CRITICS), critics: parameters.slice(CRITICS, TEMPERATURE), steps };
    };
    await learner.update(2, batchOf);
    expect((await part()).actor).toEqual(before.slice(0, CRITICS));
    expect((await part()).critics).not.toEqual(before.slice(CRITICS, TEMPERATURE));
    await learner.update(1, batchOf);
    const third = await part();
    expect(third.steps).toBe(3);
    // Its first step is of the learning rate, not of a third step.
    const moved = third.actor.map((x, i) => Math.abs(x - before[i]!));
    expect(moved.reduce((a, b) => Math.max(a, b), 0)).toBeCloseTo(settings.learningRate, 5);
    learner.dispose();
  });

  it('goes on from a saved state as if it had never stopped, to the bit, and numbers its updates on', async () => {
    const seen: number[] = [];
    const draw = (update: number) => {
      seen.push(update);
      return batchOf(update);
    };
    const whole = make({ actorEvery: 2 });
    await whole.update(5, draw);
    const first = make({ actorEvery: 2 });
    await first.update(3, draw);
    const resumed = make({ actorEvery: 2 });
    resumed.load(await first.state());
    await resumed.update(2, draw);
    expect(seen).toEqual([0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
    expect(await resumed.state()).toEqual(await whole.state());
    const other = makeSac(backend, networks, settings, keyOf(seed + 1));
    expect((await other.state()).parameters).not.toEqual((await make().state()).parameters);
    for (const learner of [whole, first, resumed, other]) learner.dispose();
  });

  it('stops at a loss that is not finite, and refuses the state of another network', async () => {
    const learner = make();
    const broken = { ...batchOf(1), reward: new Float32Array(settings.batchSize).fill(Number.NaN) };
    await expect(learner.update(2, () => broken)).rejects.toThrow(NumericError);
    const state = await learner.state();
    expect(() => learner.load({ ...state, parameters: state.parameters.slice(1) })).toThrow(LandfallError);
    learner.dispose();
  });

  it('says that there are no figures where there was no update, and leaves no tensor behind', async () => {
    const none = tf.memory().numTensors;
    const learner = make();
    expect(await learner.update(0, batchOf)).toMatchObject({ criticLoss: Number.NaN, entropy: Number.NaN });
    await learner.update(1, batchOf);
    const held = tf.memory().numTensors;
    await learner.update(3, batchOf);
    learner.load(await learner.state());
    expect(tf.memory().numTensors).toBe(held);
    learner.dispose();
    expect(tf.memory().numTensors).toBe(none);
  });
});

describe('drawSubset', () => {
  it('draws every pair of an ensemble equally often, in rising order', () => {
    const random = new RandomStream(keyOf(seed));
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const pair = [...drawSubset(random, 4, 2)].join();
      counts.set(pair, (counts.get(pair) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual(['0,1', '0,2', '0,3', '1,2', '1,3', '2,3']);
    // Six times 1000, standard deviation 29: five of them.
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(145);
    expect([...drawSubset(random, 3, 3)]).toEqual([0, 1, 2]);
  });
});
