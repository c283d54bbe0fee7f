/**
 * Encoders on tfjs, for gradients on any backend: a convolution is its windows side by side (im2col) and one matrix product, as
 * tfjs's own convolution has no gradient on wasm and is slow on cpu. `encoder.ts` is the same without tfjs. Knows no loss.
 */

import * as tf from '@tensorflow/tfjs';
import { convShapes, type EncoderSpec, KERNEL, NORM_EPSILON, type TensorShape } from './conv-layers.ts';

/** Tensors by their places in a flat vector, differentiable. @param at first number of the first */
export function unpack(flat: tf.Tensor1D, tensors: readonly TensorShape[], at = 0): tf.Tensor[] {
  return tensors.map(({ shape }) => {
    const size = shape.reduce((a, b) => a * b, 1);
    at += size;
    return tf.reshape(tf.slice(flat, at - size, size), [...shape]);
  });
}

/** Neighbouring cells joined: [n, h, w, c] to [n, h / rows, w / columns, rows columns c]. */
export function fold(x: tf.Tensor4D, [rows, columns]: readonly [number, number]): tf.Tensor4D {
  const [n, h, w, c] = x.shape;
  if (rows === 1) return tf.reshape(x, [n, h, w / columns, columns * c]);
  const parts = tf.reshape(x, [n, h / rows, rows, w / columns, columns * c]);
  return tf.reshape(tf.transpose(parts, [0, 1, 3, 2, 4]), [n, h / rows, w / columns, rows * columns * c]);
}

/** Convolution, bias, layer normalisation and, where asked, ReLU. @param tensors W [taps, in, out], b, gain, shift */
export function convolve(
  x: tf.Tensor4D,
  [weight, bias, gain, shift]: readonly tf.Tensor[],
  circular: boolean,
  relu: boolean,
): tf.Tensor4D {
  const [n, h, w, c] = x.shape;
  const [taps, , outputs] = weight!.shape as [number, number, number];
  const left = circular ? tf.slice(x, [0, 0, w - 1, 0], [n, h, 1, c]) : tf.zeros<tf.Rank.R4>([n, h, 1, c]);
  const right = circular ? tf.slice(x, [0, 0, 0, 0], [n, h, 1, c]) : tf.zeros<tf.Rank.R4>([n, h, 1, c]);
  let wide = tf.concat([left, x, right], 2);
  const isFlat = taps === KERNEL;
  if (!isFlat)
    wide = tf.pad(wide, [
      [0, 0],
      [1, 1],
      [0, 0],
      [0, 0],
    ]);
  const windows: tf.Tensor4D[] = [];
  for (let row = 0; row < (isFlat ? 1 : KERNEL); row++)
    for (let column = 0; column < KERNEL; column++) windows.push(tf.slice(wide, [0, row, column, 0], [n, h, w, c]));
  const columns = tf.reshape(tf.concat(windows, 3), [n * h * w, taps * c]);
  const sums = tf.add(tf.matMul(columns, tf.reshape(weight!, [taps * c, outputs])), bias!);
  const { mean, variance } = tf.moments(sums, 1, true);
  const normal = tf.div(tf.sub(sums, mean), tf.sqrt(tf.add(variance, NORM_EPSILON)));
  const y = tf.add(tf.mul(normal, gain!), shift!);
  return tf.reshape(relu ? tf.relu(y) : y, [n, h, w, outputs]);
}

/** @param x [n, height, width, channels] @param tensors of `encoderTensors` @returns map [n, height, width, channels] */
export function encodeWith(spec: EncoderSpec, tensors: readonly tf.Tensor[], x: tf.Tensor4D): tf.Tensor4D {
  let map = x;
  for (const [l, { isLast }] of convShapes(spec).entries())
    map = convolve(fold(map, spec.layers[l]!.fold), tensors.slice(4 * l, 4 * l + 4), spec.circular, !isLast);
  return map;
}
