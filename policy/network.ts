/**
 * Networks for learning, on tfjs: forward passes whose gradients every backend computes fast.
 * Parameters are one flat vector cut into tensors, so an optimiser, a checkpoint or a freeze is one array operation.
 */

import * as tf from '@tensorflow/tfjs';
import type { NetworkContract } from '../core/contract.ts';

export { initialWeights } from './initial-weights.ts';

export type Activation = NetworkContract['activation'];

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
