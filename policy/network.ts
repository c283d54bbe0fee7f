/**
 * Networks for learning, on tfjs: initial weights and forward passes whose gradients every backend computes fast.
 * Parameters are one flat vector cut into tensors, so an optimiser, a checkpoint or a freeze is one array operation.
 */

import * as tf from '@tensorflow/tfjs';
import type { NetworkContract } from '../core/contract.ts';
import { type Key, RandomStream, split } from '../core/rng.ts';
import { tensorSizes } from './mlp.ts';

export type Activation = NetworkContract['activation'];

/**
 * Orthogonal weights (Saxe et al. 2014), zero biases.
 * @param headGain of the last layer; the hidden ones have sqrt(2)
 * @returns W1, b1, W2, b2, ... in one vector
 */
export function initialWeights(layers: readonly number[], headGain: number, key: Key): Float32Array {
  const sizes = tensorSizes(layers);
  const flat = new Float32Array(sizes.reduce((a, b) => a + b, 0));
  const keys = split(key, layers.length - 1);
  let at = 0;
  for (let l = 0; l + 1 < layers.length; l++) {
    const gain = l + 2 === layers.length ? headGain : Math.SQRT2;
    flat.set(orthogonal(layers[l]!, layers[l + 1]!, gain, keys[l]!), at);
    at += sizes[2 * l]! + sizes[2 * l + 1]!;
  }
  return flat;
}

/** A [rows, cols] matrix whose shorter side is orthonormal, times gain: Gram-Schmidt on a normal matrix. */
export function orthogonal(rows: number, cols: number, gain: number, key: Key): Float32Array {
  const random = new RandomStream(key);
  const [count, length] = rows < cols ? [rows, cols] : [cols, rows];
  const vectors: Float64Array[] = [];
  for (let i = 0; i < count; i++) {
    const vector = Float64Array.from({ length }, () => random.normal());
    // Twice is enough (Kahan): the second pass removes what rounding left.
    for (let pass = 0; pass < 2; pass++) {
      for (const other of vectors) {
        let dot = 0;
        for (let k = 0; k < length; k++) dot += vector[k]! * other[k]!;
        for (let k = 0; k < length; k++) vector[k] = vector[k]! - dot * other[k]!;
      }
    }
    const norm = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
    vectors.push(vector.map((x) => x / norm));
  }
  const out = new Float32Array(rows * cols);
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < length; k++) out[rows < cols ? i * cols + k : k * cols + i] = gain * vectors[i]![k]!;
  }
  return out;
}

/**
 * y = x W + b with explicit transposes in the gradient: on wasm the transposed product misses the fast path and costs
 * six times as much.
 */
const linearGrad = tf.customGrad((x, w, b, save) => {
  (save as tf.GradSaveFunc)([x as tf.Tensor, w as tf.Tensor]);
  return {
    value: tf.add(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D), b as tf.Tensor1D),
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [input, weights] = saved as [tf.Tensor2D, tf.Tensor2D];
      return [
        tf.matMul(dy as tf.Tensor2D, tf.transpose(weights)),
        tf.matMul(tf.transpose(input), dy as tf.Tensor2D),
        // A product with a row of ones: the sum over the batch without the transpose that tf.sum(dy, 0) makes.
        tf.reshape(tf.matMul(tf.ones([1, dy.shape[0]!]), dy as tf.Tensor2D), [-1]),
      ];
    },
  };
});

/** @param x [batch, in] @param w [in, out] @param b [out] @returns [batch, out] */
export function linear(x: tf.Tensor, w: tf.Tensor, b: tf.Tensor): tf.Tensor2D {
  return linearGrad(x, w, b) as tf.Tensor2D;
}

export const activations = { tanh: tf.tanh, elu: tf.elu, relu: tf.relu } as const satisfies Record<Activation, unknown>;

/** @param x [batch, in] @param tensors W1, b1, W2, b2, ... @returns [batch, out]; the last layer is linear */
export function forward(tensors: readonly tf.Tensor[], activation: Activation, x: tf.Tensor2D): tf.Tensor2D {
  let y = x;
  for (let i = 0; i < tensors.length; i += 2) {
    y = linear(y, tensors[i]!, tensors[i + 1]!);
    if (i + 2 < tensors.length) y = activations[activation](y);
  }
  return y;
}
