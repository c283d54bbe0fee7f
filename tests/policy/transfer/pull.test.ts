/** Pulls and the Fisher information: closed forms, finite differences, nothing at the source, and back to it in both learners. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../core/errors.ts';
import { type Backend, openBackend } from '../../../policy/backend.ts';
import type { Pull } from '../../../policy/fine-tune-plan.ts';
import { Mlp, splitTensors, tensorSizes } from '../../../policy/mlp.ts';
import { actorOf } from '../../../policy/transfer/arms.ts';
import { prepareArm } from '../../../policy/transfer/fine-tune.ts';
import { gaussianFisher } from '../../../policy/transfer/fisher.ts';
import { parameterLayers } from '../../../policy/transfer/parameter-layers.ts';
import { both, ewc, l2sp } from '../../../policy/transfer/pull.ts';
import { armSettings, batchOf, learnerOf, sourceOf } from './learner-cases.ts';

const source = sourceOf();
const layers = parameterLayers(source.network);
const gradientAt = ({ anchor, stiffness }: Pull, w: Float32Array) => w.map((x, i) => stiffness[i]! * (x - anchor[i]!));

describe('the Fisher information', () => {
  it('of mu = w o + b is E[o^2] / sigma^2, 1 / sigma^2 and 2', () => {
    const network = { kind: 'mlp' as const, layers: [1, 1], activation: 'elu' as const };
    const logStd = -0.7;
    const fisher = gaussianFisher(network, Float32Array.of(3, 1, logStd), Float32Array.of(1, 2, 4));
    const variance = Math.exp(2 * Math.fround(logStd));
    expect(fisher[0]).toBeCloseTo(7 / variance, 4);
    expect(fisher[1]).toBeCloseTo(1 / variance, 5);
    expect(fisher[2]).toBe(2);
  });

  it.each(['elu', 'relu', 'tanh'] as const)('of a network of %s is that of finite differences', (activation) => {
    const { network, parameters, observations } = sourceOf(activation);
    const actor = parameters.slice(0, 186);
    const states = observations!.subarray(0, 5 * 6);
    const fisher = gaussianFisher(network.actor, actor, states);
    const mean = (at: Float32Array, s: number) => {
      const out = new Float32Array(1);
      const mlp = new Mlp(network.actor.layers, activation);
      mlp.forward(splitTensors(at, tensorSizes(network.actor.layers)), states.subarray(5 * s, 5 * s + 5), out);
      return out[0]!;
    };
    const precision = Math.exp(-2 * actor[185]!);
    for (let i = 0; i < 185; i += 4) {
      let expected = 0;
      for (let s = 0; s < 6; s++) {
        const [up, down] = [actor.slice(), actor.slice()];
        up[i] = up[i]! + 4e-3;
        down[i] = down[i]! - 4e-3;
        expected += (((mean(up, s) - mean(down, s)) / (up[i]! - down[i]!)) ** 2 * precision) / 6;
      }
      // Float32 means over 8e-3, and a kink of relu that a difference may straddle.
      expect(Math.abs(fisher[i]! - Math.max(1e-5, expected))).toBeLessThan(0.02 * expected + 2e-4);
    }
  });

  it('is nowhere less than 1e-5, and of perceptrons alone', () => {
    const still = gaussianFisher(source.network.actor, new Float32Array(186), source.observations!);
    expect(Math.min(...still)).toBeCloseTo(1e-5, 12);
    const gru = { kind: 'gru' as const, cell: 3, layers: [5, 8, 1], activation: 'elu' as const };
    expect(() => gaussianFisher(gru, actorOf(source), source.observations!)).toThrow(InputError);
  });
});

describe('a pull', () => {
  const w0 = source.parameters;
  const fisher = gaussianFisher(source.network.actor, actorOf(source), source.observations!);
  const cases = { 'L2-SP': l2sp(layers, w0), EWC: ewc(w0, fisher, 1e4) };

  it.each(Object.entries(cases))('of %s is nothing at the source', (_name, pull) => {
    expect(gradientAt(pull, w0).every((g) => g === 0)).toBe(true);
    const away = gradientAt(
      pull,
      w0.map((w) => w + 1),
    );
    expect(away.slice(0, 185).every((g) => g > 0)).toBe(true);
    // The critic is free.
    expect(away.slice(186).every((g) => g === 0)).toBe(true);
  });

  it('of L2-SP is a (w - w0), of a new head b w', () => {
    const pull = l2sp(layers, w0, { body: 0.5, head: 0.25, isNewHead: true });
    const away = w0.map((w) => w + 2);
    const g = gradientAt(pull, away);
    expect(g[0]).toBeCloseTo(1, 6);
    expect(g[180]).toBeCloseTo(0.25 * away[180]!, 6);
    expect(g[185]).toBe(0);
  });

  it('and another are one', () => {
    const [a, b] = [
      l2sp(layers, w0, { body: 0.5, head: 0.5 }),
      { anchor: w0.map((w) => w + 1), stiffness: w0.map(() => 0.25) },
    ];
    const w = w0.map((x, i) => x + Math.sin(i));
    const [found, first, second] = [both(a, b), a, b].map((pull) => gradientAt(pull, w)) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    for (const [i, g] of found.entries()) expect(g).toBeCloseTo(first[i]! + second[i]!, 5);
  });
});

describe.each(['cpu', 'simd'] as const)('on %s', (name) => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await openBackend(name);
  });
  afterAll(() => backend.close());

  it('nothing moves the policy at the source where nothing is to be gained, and away from it the pull brings it back', async () => {
    const prepared = prepareArm('l2sp', source, { ...armSettings, l2sp: 1 }, { exploration: -0.5 });
    const learner = learnerOf(backend, prepared, { entropyCoef: 0 });
    const indifferent = batchOf(1, 32, 0);
    for (let t = 0; t < 3; t++) await learner.update(indifferent, t);
    const still = (await learner.state()).parameters;
    expect(still.slice(0, 186)).toEqual(prepared.initial.slice(0, 186));
    const distance = (w: Float32Array) =>
      Math.sqrt(w.slice(0, 185).reduce((sum, x, i) => sum + (x - source.parameters[i]!) ** 2, 0));
    learner.loadParameters(prepared.initial.map((w, i) => (i < 185 ? w + 0.1 : w)));
    const away = distance((await learner.state()).parameters);
    for (let t = 0; t < 20; t++) await learner.update(indifferent, t);
    expect(distance((await learner.state()).parameters)).toBeLessThan(0.7 * away);
    learner.dispose();
  });
});
