/** Networks on tfjs: orthogonal first weights, the forward pass against the plain one, gradients against differences. */

import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyOf, RandomStream } from '../../core/rng.ts';
import { type Backend, openBackend } from '../../policy/backend.ts';
import { Mlp, splitTensors, tensorShapes, tensorSizes } from '../../policy/mlp.ts';
import { forward, initialWeights } from '../../policy/network.ts';

const seed = Number(process.env.LANDFALL_TEST_SEED ?? 1);

describe('initialWeights', () => {
  it.each([
    [[5, 64, 64, 1], 0.01],
    [[64, 5], 1],
    [[5, 64], 2],
  ])('is orthogonal with the gain of its place: layers %j, head %f', (layers, headGain) => {
    const tensors = splitTensors(initialWeights(layers, headGain, keyOf(seed)), tensorSizes(layers));
    for (let l = 0; l + 1 < layers.length; l++) {
      const [rows, cols] = [layers[l]!, layers[l + 1]!];
      const gain = l + 2 === layers.length ? headGain : Math.SQRT2;
      const w = tensors[2 * l]!;
      const count = Math.min(rows, cols);
      const at = (i: number, k: number) => (rows < cols ? w[i * cols + k]! : w[k * cols + i]!);
      for (let i = 0; i < count; i++) {
        for (let j = 0; j <= i; j++) {
          let dot = 0;
          for (let k = 0; k < Math.max(rows, cols); k++) dot += at(i, k) * at(j, k);
          // Float32 entries.
          expect(Math.abs(dot / gain ** 2 - (i === j ? 1 : 0))).toBeLessThan(1e-6);
        }
      }
      expect(tensors[2 * l + 1]!.every((value) => value === 0)).toBe(true);
    }
  });

  it('follows from its key', () => {
    expect(initialWeights([5, 8, 1], 1, keyOf(1))).toEqual(initialWeights([5, 8, 1], 1, keyOf(1)));
    expect(initialWeights([5, 8, 1], 1, keyOf(1))).not.toEqual(initialWeights([5, 8, 1], 1, keyOf(2)));
  });
});

describe.each(['cpu', 'wasm'] as const)('forward on %s', (name) => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await openBackend(name);
  });
  afterAll(() => backend.close());

  it.each(['tanh', 'elu', 'relu'] as const)('equals the plain forward pass: %s', async (activation) => {
    const layers = [5, 32, 16, 3];
    const random = new RandomStream(keyOf(seed));
    const sizes = tensorSizes(layers);
    const flat = Float32Array.from({ length: sizes.reduce((a, b) => a + b) }, () => 0.4 * random.normal());
    const weights = splitTensors(flat, sizes);
    const batch = 20;
    const input = Float32Array.from({ length: batch * 5 }, () => 2 * random.normal());
    const shapes = tensorShapes(layers);
    const out = tf.tidy(() =>
      forward(
        weights.map((data, i) => tf.tensor(Float32Array.from(data), shapes[i]!)),
        activation,
        tf.tensor2d(input, [batch, 5]),
      ),
    );
    const found = await out.data();
    out.dispose();
    const mlp = new Mlp(layers, activation);
    const row = new Float32Array(3);
    for (let i = 0; i < batch; i++) {
      mlp.forward(weights, input.subarray(5 * i, 5 * i + 5), row);
      for (let j = 0; j < 3; j++)
        expect(Math.abs(found[3 * i + j]! - row[j]!)).toBeLessThan(1e-5 * Math.max(1, Math.abs(row[j]!)));
    }
  });

  it('has the gradients of the differences it makes', async () => {
    // tanh is smooth, so a central difference of 1e-2 is good to about 1e-3 in Float32.
    const layers = [3, 4, 2];
    const random = new RandomStream(keyOf(seed));
    const shapes = tensorShapes(layers);
    const weights = tensorSizes(layers).map((size) => Float32Array.from({ length: size }, () => 0.5 * random.normal()));
    const input = Float32Array.from({ length: 6 * 3 }, () => random.normal());
    const loss = (...tensors: tf.Tensor[]) =>
      tf.mean(tf.square(forward(tensors, 'tanh', tf.tensor2d(input, [6, 3])))) as tf.Scalar;
    const valueAt = async (values: readonly Float32Array[]) => {
      const out = tf.tidy(() => loss(...values.map((data, i) => tf.tensor(data, shapes[i]!))));
      const [value] = await out.data();
      out.dispose();
      return value!;
    };
    const { value, grads } = tf.tidy(() =>
      tf.valueAndGrads(loss)(weights.map((data, i) => tf.tensor(data, shapes[i]!))),
    );
    const gradients = await Promise.all(grads.map((g) => g.data()));
    tf.dispose([value, ...grads]);
    for (const [i, data] of weights.entries()) {
      expect(grads[i]!.shape).toEqual(shapes[i]);
      for (let k = 0; k < data.length; k++) {
        const moved = (step: number) =>
          valueAt(weights.map((other, j) => (j === i ? other.map((x, m) => (m === k ? x + step : x)) : other)));
        const difference = ((await moved(1e-2)) - (await moved(-1e-2))) / 2e-2;
        expect(Math.abs(gradients[i]![k]! - difference)).toBeLessThan(2e-3);
      }
    }
  });
});
