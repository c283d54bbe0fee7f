/**
 * Critics on tfjs: perceptrons to one value, each hidden layer normalised where asked (Ba et al. 2016, 1607.06450: what keeps
 * a critic from believing in actions that no data shows, RLPD section 4.2). Cut from one flat vector.
 */

import * as tf from '@tensorflow/tfjs';
import type { Activation } from './mlp.ts';
import { activations, linear } from './network.ts';
import { criticTensorSizes } from './sac-learner.ts';

/** Of layer normalisation, under the root. */
export const NORM_EPSILON = 1e-5;

/** The tensors of a critic, or of several one after the other. @param flat [critics * size] */
export function criticTensors(flat: tf.Tensor1D, layers: readonly number[], layerNorm: boolean): tf.Tensor[][] {
  const sizes = criticTensorSizes(layers, layerNorm);
  const size = sizes.reduce((a, b) => a + b, 0);
  const critics = Math.round(flat.size / size);
  const shapes = layers
    .slice(1)
    .flatMap((outputs, i) => [
      [layers[i]!, outputs],
      [outputs],
      ...(layerNorm && i + 2 < layers.length ? [[outputs], [outputs]] : []),
    ]);
  const parts = tf.split(flat, Array.from({ length: critics }, () => sizes).flat());
  return Array.from({ length: critics }, (_, c) =>
    shapes.map((shape, t) => tf.reshape(parts[c * shapes.length + t]!, shape)),
  );
}

/** @param x [batch, in] @returns [batch] */
export function criticValue(
  tensors: readonly tf.Tensor[],
  activation: Activation,
  layerNorm: boolean,
  x: tf.Tensor2D,
): tf.Tensor1D {
  let y = x;
  const perLayer = layerNorm ? 4 : 2;
  for (let t = 0; t < tensors.length; t += perLayer) {
    y = linear(y, tensors[t]!, tensors[t + 1]!) as tf.Tensor2D;
    if (t + perLayer > tensors.length || t + 2 === tensors.length) break;
    if (layerNorm) y = normalise(y, tensors[t + 2]!, tensors[t + 3]!);
    y = activations[activation](y);
  }
  return tf.reshape(y, [-1]);
}

/** gain (x - mean(x)) / sqrt(var(x) + eps) + shift, over each row. */
function normalise(x: tf.Tensor2D, gain: tf.Tensor, shift: tf.Tensor): tf.Tensor2D {
  const centred = tf.sub(x, tf.mean(x, 1, true));
  const variance = tf.mean(tf.square(centred), 1, true);
  return tf.add(tf.mul(tf.div(centred, tf.sqrt(tf.add(variance, NORM_EPSILON))), gain), shift);
}
