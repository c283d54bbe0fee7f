/** The plain forward pass: a small case by hand, and any size against a straightforward loop in double precision. */

import { describe, expect, it } from 'vitest';
import { keyOf, RandomStream } from '../../core/rng.ts';
import { type Activation, Mlp, splitTensors, tensorShapes, tensorSizes } from '../../policy/mlp.ts';

const seed = Number(process.env.LANDFALL_TEST_SEED ?? 1);

const functions: Record<Activation, (x: number) => number> = {
  tanh: Math.tanh,
  elu: (x) => (x < 0 ? Math.expm1(x) : x),
  relu: (x) => Math.max(0, x),
};

/** y = act(x W + b), layer by layer, nothing rounded. */
function oracle(layers: readonly number[], kind: Activation, weights: readonly Float32Array[], input: Float32Array) {
  let x = Array.from(input);
  for (let l = 0; l + 1 < layers.length; l++) {
    const [inputs, outputs] = [layers[l]!, layers[l + 1]!];
    x = Array.from({ length: outputs }, (_, j) => {
      let sum = weights[2 * l + 1]![j]!;
      for (let i = 0; i < inputs; i++) sum += x[i]! * weights[2 * l]![i * outputs + j]!;
      return l + 2 === layers.length ? sum : functions[kind](sum);
    });
  }
  return x;
}

describe('Mlp', () => {
  it('computes a case worked out by hand', () => {
    // W1 [2, 2] = [[1, -1], [2, 0.5]], b1 = [0.5, -0.25], W2 [2, 1] = [[2], [-4]], b2 = [1], x = [1, -0.5]
    // x W1 + b1 = [1 - 1 + 0.5, -1 - 0.25 - 0.25] = [0.5, -1.5]
    const weights = [
      Float32Array.of(1, -1, 2, 0.5),
      Float32Array.of(0.5, -0.25),
      Float32Array.of(2, -4),
      Float32Array.of(1),
    ];
    const out = new Float32Array(1);
    const run = (kind: Activation) => {
      new Mlp([2, 2, 1], kind).forward(weights, Float32Array.of(1, -0.5), out);
      return out[0]!;
    };
    // relu: 2 * 0.5 + 1
    expect(run('relu')).toBe(2);
    // elu: 2 * 0.5 - 4 (exp(-1.5) - 1) + 1 = 6 - 4 exp(-1.5)
    expect(run('elu')).toBeCloseTo(6 - 4 * 0.22313016014843, 6);
    new Mlp([2, 2, 1], 'relu', 'tanh').forward(weights, Float32Array.of(1, -0.5), out);
    expect(out[0]).toBeCloseTo(Math.tanh(2), 6);
    // tanh: 2 * 0.46211715726001 + 4 * 0.90514825364487 + 1
    expect(run('tanh')).toBeCloseTo(0.92423431452002 + 3.62059301457948 + 1, 6);
  });

  it.each([[[3, 1]], [[5, 64, 64, 1]], [[7, 3, 6, 9, 5]], [[48, 128, 128, 12]]])(
    `agrees with a double precision loop: layers %j, seed ${seed}`,
    (layers) => {
      const random = new RandomStream(keyOf(seed));
      for (const kind of ['tanh', 'elu', 'relu'] as const) {
        const flat = Float32Array.from(
          { length: tensorSizes(layers).reduce((a, b) => a + b) },
          () => 0.3 * random.normal(),
        );
        const weights = splitTensors(flat, tensorSizes(layers));
        const mlp = new Mlp(layers, kind);
        const out = new Float32Array(layers.at(-1)!);
        for (let i = 0; i < 5; i++) {
          const input = Float32Array.from({ length: layers[0]! }, () => 2 * random.normal());
          mlp.forward(weights, input, out);
          const expected = oracle(layers, kind, weights, input);
          const scale = Math.max(1, ...expected.map(Math.abs));
          // Hidden values are rounded to Float32 once a layer.
          for (const [j, value] of expected.entries()) expect(Math.abs(out[j]! - value) / scale).toBeLessThan(3e-6);
        }
      }
    },
  );

  it('cuts a flat vector into tensors of the right shapes', () => {
    expect(tensorSizes([5, 4, 2])).toEqual([20, 4, 8, 2]);
    expect(tensorShapes([5, 4, 2])).toEqual([[5, 4], [4], [4, 2], [2]]);
    const views = splitTensors(
      Float32Array.from({ length: 34 }, (_, i) => i),
      [20, 4, 8, 2],
    );
    expect(views.map((view) => view[0])).toEqual([0, 20, 24, 32]);
    expect(views[3]).toEqual(Float32Array.of(32, 33));
  });
});
