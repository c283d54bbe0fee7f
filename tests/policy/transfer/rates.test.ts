/** Rates by hand: the slanted triangle, the decay down the layers, which layer opens when, relative gradient norms; and in a learner. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Backend, openBackend } from '../../../policy/backend.ts';
import { runsOf } from '../../../policy/fine-tune-plan.ts';
import { prepareArm } from '../../../policy/transfer/fine-tune.ts';
import { parameterLayers } from '../../../policy/transfer/parameter-layers.ts';
import {
  discriminativeRates,
  gradientNormRates,
  gradualRates,
  layerRates,
  slantedTriangle,
  unfrozenGroups,
} from '../../../policy/transfer/rates.ts';
import { armSettings, batchOf, learnerOf, sourceOf } from './learner-cases.ts';

const source = sourceOf();
const layers = parameterLayers(source.network);

describe('slantedTriangle', () => {
  // cut = 10: half of the way up at 5, half of the way down at 10 + 45.
  it.each([
    [0, 1 / 32],
    [5, (1 + 0.5 * 31) / 32],
    [10, 1],
    [55, (1 + 0.5 * 31) / 32],
    [100, 1 / 32],
  ])('at %i of 100 is %f of the largest rate', (t, expected) => {
    expect(slantedTriangle(t, 100)).toBeCloseTo(expected, 12);
  });

  it('of a training too short for a rise only falls after its first step', () => {
    const rates = [0, 1, 2, 3, 4].map((t) => slantedTriangle(t, 5));
    expect(rates[1]).toBe(1);
    expect(rates.slice(1)).toEqual([...rates.slice(1)].sort((a, b) => b - a));
    expect(rates.every((rate) => rate >= 1 / 32)).toBe(true);
  });
});

describe('layers', () => {
  it('learn slower by 2.6 with each step down', () => {
    const rates = discriminativeRates(layers);
    expect(rates.head).toBe(1);
    expect(rates['body.1']).toBeCloseTo(1 / 2.6, 12);
    expect(rates['body.0']).toBeCloseTo(1 / 2.6 ** 2, 12);
    expect(rates['critic.0']).toBe(1);
    expect(rates['log-std']).toBeUndefined();
  });

  it('open from the top, one more with every share of the iterations', () => {
    // 3 groups in 40 iterations: at 0, 10 and 20.
    expect([0, 9, 10, 19, 20, 39].map((t) => unfrozenGroups(t, 40, 3))).toEqual([1, 1, 2, 2, 3, 3]);
    const rates = gradualRates(layers, 40);
    const open = (t: number) => layers.filter(({ from }) => rates(t)[from] !== 0).map(({ name }) => name);
    expect(open(0)).toEqual(['head', 'critic.0', 'critic.1']);
    expect(open(10)).toEqual(['body.1', 'head', 'critic.0', 'critic.1']);
    expect(open(39)).toEqual(['body.0', 'body.1', 'head', 'critic.0', 'critic.1']);
    // At the triangle's top: 4 of 40.
    expect(rates(4)[180]).toBe(1);
    expect(rates(39)[200]).toBe(1);
  });

  it('learn as their relative gradient asks for', () => {
    const parameters = layerRates(layers, { 'body.0': 2, 'body.1': 1, head: 0.5, 'critic.0': 9 });
    const gradient = layerRates(layers, { 'body.0': 1, 'body.1': 1, head: 2, 'critic.0': 9 });
    const rates = gradientNormRates(layers, parameters, gradient);
    // Ratios 1/2, 1 and 4.
    expect(rates).toMatchObject({ head: 1, 'critic.0': 1, 'critic.1': 1 });
    expect(rates['body.0']).toBeCloseTo(1 / 8, 6);
    expect(rates['body.1']).toBeCloseTo(1 / 4, 6);
  });

  it('of equal rates are one piece, frozen ones none', () => {
    expect(runsOf(Float32Array.of(0, 1, 1, 0.5, 0, 0, 2))).toEqual([
      [1, 3, 1],
      [3, 4, 0.5],
      [6, 7, 2],
    ]);
  });
});

describe.each(['cpu', 'simd'] as const)('on %s', (name) => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await openBackend(name);
  });
  afterAll(() => backend.close());

  it('a step is as long as its layer is asked to go: 2.6 times shorter with each layer down', async () => {
    const prepared = prepareArm('l2sp', source, { ...armSettings, l2sp: 0 }, { exploration: -0.5 });
    const learner = learnerOf(backend, prepared);
    await learner.update(batchOf(1), 0);
    const { parameters, firstMoment, secondMoment } = await learner.state();
    learner.dispose();
    // Adam's first step is the rate times sign(g), whatever g: as plain descent with equal gradients.
    const length = ({ from, to }: (typeof layers)[number]) => {
      const steps = Array.from({ length: to - from }, (_, k) => from + k)
        .filter((i) => Math.abs(firstMoment[i]!) > 1e-6)
        .map((i) => Math.abs(parameters[i]! - prepared.initial[i]!));
      expect(steps.length).toBeGreaterThan(5);
      return steps.reduce((a, b) => a + b) / steps.length;
    };
    const [first, second, head] = layers.map((layer) => (layer.name === 'log-std' ? 0 : length(layer)));
    // Steps of 1e-2 in float32 numbers of 1: 6e-6 of them.
    expect(head! / second!).toBeCloseTo(2.6, 2);
    expect(second! / first!).toBeCloseTo(2.6, 2);
    expect(secondMoment[185]).toBe(0);
  });
});
