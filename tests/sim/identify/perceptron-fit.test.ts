/** The trainer's gradient against differences, and a function learned. */

import { describe, expect, it } from 'vitest';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { errorOf, fitPerceptron, type Samples } from '../../../sim/identify/perceptron-fit.ts';
import { Perceptron } from '../../../sim/perceptron.ts';

function samplesOf(count: number, seed: number, f: (x: number, y: number) => number): Samples {
  const random = new RandomStream(keyOf(seed));
  const inputs = Float64Array.from({ length: 2 * count }, () => random.between(-1, 1));
  return { inputs, outputs: Float64Array.from({ length: count }, (_, k) => f(inputs[2 * k]!, inputs[2 * k + 1]!)) };
}

describe('a small perceptron', () => {
  it.each(['softsign', 'tanh', 'elu'] as const)('learns a product, %s', (activation) => {
    const f = (x: number, y: number) => x * y;
    const options = { layers: [2, 12, 12, 1], activation, key: keyOf(3), epochs: 150 };
    const fitted = fitPerceptron(samplesOf(400, 1, f), samplesOf(100, 2, f), options);
    // x y of uniform numbers has deviation 1/3, and a net without hidden layers would leave all of it: a fifth may stay.
    expect(errorOf(new Perceptron(fitted), samplesOf(200, 4, f))).toBeLessThan(0.067);
  });

  it('takes the first Adam step against the sign of the true gradient, in every weight', () => {
    const samples = samplesOf(20, 1, (x, y) => x - 2 * y);
    const options = {
      layers: [2, 3, 1],
      activation: 'softsign',
      key: keyOf(5),
      weightDecay: 0,
      learningRate: 1e-6,
    } as const;
    const before = fitPerceptron(samples, null, { ...options, epochs: 0 });
    const after = fitPerceptron(samples, null, { ...options, epochs: 1 });
    for (const [i, w] of before.weights.entries()) {
      const shifted = (step: number) =>
        errorOf(
          new Perceptron({ ...before, weights: before.weights.map((v, k) => (k === i ? v + step : v)) }),
          samples,
        );
      const slope = (shifted(1e-5) - shifted(-1e-5)) / 2e-5;
      // Adam's first step is the rate, whatever the gradient's size.
      expect(Math.sign(after.weights[i]! - w)).toBe(-Math.sign(slope));
      expect(Math.abs(after.weights[i]! - w)).toBeCloseTo(1e-6, 8);
    }
  });

  it('starts as nothing where that is asked for, and returns to it when learning only harms', () => {
    const train = samplesOf(50, 1, (x) => x);
    const held = samplesOf(50, 2, (x) => -x);
    const fitted = fitPerceptron(train, held, {
      layers: [2, 4, 1],
      activation: 'tanh',
      key: keyOf(1),
      zeroOutput: true,
    });
    const net = new Perceptron(fitted);
    net.input.set([0.5, -0.3]);
    net.forward();
    expect(net.output[0]).toBe(0);
  });
});
