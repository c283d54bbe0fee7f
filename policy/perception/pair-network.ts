/** The network of `pair-spec.ts` on tfjs: what the kernel's version is held against, and what any backend can train. */

import * as tf from '@tensorflow/tfjs';
import { encoderTensors } from './conv-layers.ts';
import { convolve, encodeWith, fold, unpack } from './encoder-network.ts';
import { COSTS, type PairSpec, pairTensors, REACH } from './pair-spec.ts';

/**
 * @param flat of `pairTensors` @param first,second features, [n, 1, beams, channels]
 * @returns motion in units of LABEL_SCALE, [n, 3]
 */
export function pairMotion(spec: PairSpec, flat: tf.Tensor1D, first: tf.Tensor4D, second: tf.Tensor4D): tf.Tensor2D {
  const tensors = unpack(flat, pairTensors(spec));
  const count = encoderTensors(spec.encoder).length;
  const [encoder, body] = [tensors.slice(0, count), tensors.slice(count)];
  const map = encodeWith(spec.encoder, encoder, first);
  const [n, , cells, channels] = map.shape;
  const a = tf.reshape(map, [n, cells, channels]);
  const b = tf.reshape(encodeWith(spec.encoder, encoder, second), [n, cells, channels]);
  const likeness = tf.div(tf.matMul(a, b, false, true), Math.sqrt(channels));
  const { near, bands } = reachOf(cells, spec.encoder.circular);
  // p = softmax over the cells near
  const soft = tf.softmax(tf.sub(likeness, tf.mul(tf.sub(1, near), 1e9)));
  const found = tf.matMul(soft, b);
  // Each band of the cost volume is a sum over one matrix's places.
  const costs = tf.stack(
    bands.map((band) => tf.sum(tf.mul(likeness, band), 2)),
    2,
  );
  const rest = tf.zeros([n, cells, COSTS - bands.length]);
  const input = tf.reshape(tf.concat([costs, rest, a, found], 2), [n, 1, cells, COSTS + 2 * channels]);
  const { circular } = spec.encoder;
  const one = convolve(input as tf.Tensor4D, body.slice(0, 4), circular, true);
  const two = convolve(fold(one, [1, 2]), body.slice(4, 8), circular, true);
  const hidden = tf.relu(tf.add(tf.matMul(tf.reshape(two, [n, -1]), body[8]! as tf.Tensor2D), body[9]!));
  return tf.add(tf.matMul(hidden as tf.Tensor2D, body[10]! as tf.Tensor2D), body[11]!);
}

function reachOf(cells: number, circular: boolean): { readonly near: tf.Tensor2D; readonly bands: tf.Tensor2D[] } {
  const near = new Float32Array(cells * cells);
  const bands: tf.Tensor2D[] = [];
  for (let d = -REACH; d <= REACH; d++) {
    const band = new Float32Array(cells * cells);
    for (let i = 0; i < cells; i++) {
      const j = circular ? (i + d + cells) % cells : i + d;
      if (j < 0 || j >= cells) continue;
      band[i * cells + j] = 1;
      near[i * cells + j] = 1;
    }
    bands.push(tf.tensor2d(band, [cells, cells]));
  }
  return { near: tf.tensor2d(near, [cells, cells]), bands };
}
