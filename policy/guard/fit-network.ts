/**
 * Fits a small perceptron to given outputs by least squares on tfjs: Adam over random minibatches, its rate falling to nothing.
 * Knows no guard.
 */

import * as tf from '@tensorflow/tfjs';
import { NumericError } from '../../core/errors.ts';
import { type Key, RandomStream } from '../../core/rng.ts';
import { Adam } from '../adam.ts';
import { type Activation, tensorShapes, tensorSizes } from '../mlp.ts';
import { forward } from '../network.ts';

export interface FitSettings {
  /** At most; fewer where that would be more than EPOCHS passes over the data. */
  readonly updates: number;
  readonly batch: number;
  /** At the start; falls with half a cosine. */
  readonly learningRate: number;
}

export interface Fitted {
  /** W1, b1, W2, b2, ... in one vector. */
  readonly parameters: Float32Array;
  /** Mean squared error of the first and the last minibatches. */
  readonly firstLoss: number;
  readonly lastLoss: number;
}

const EPOCHS = 100;
/** Minibatches that a reported loss is the mean of. */
const REPORTED = 20;

/** @param inputs [n, layers[0]] @param outputs [n, last layer] */
export async function fitNetwork(
  layers: readonly number[],
  activation: Activation,
  first: Float32Array,
  inputs: Float32Array,
  outputs: Float32Array,
  { updates: most, batch, learningRate }: FitSettings,
  key: Key,
): Promise<Fitted> {
  const [wide, deep] = [layers[0]!, layers.at(-1)!];
  const n = inputs.length / wide;
  const size = Math.min(batch, n);
  const updates = Math.min(most, Math.ceil((EPOCHS * n) / size));
  const order = new Int32Array(n);
  const random = new RandomStream(key);
  const x = new Float32Array(size * wide);
  const y = new Float32Array(size * deep);
  const adam = new Adam(first.length);
  let parameters = tf.tensor1d(first);
  const losses: tf.Scalar[] = [];
  const kept: number[] = [];
  for (let step = 0, next = n; step < updates; step++) {
    if (next + size > n) {
      random.permutation(order);
      next = 0;
    }
    for (let i = 0; i < size; i++, next++) {
      const row = order[next]!;
      x.set(inputs.subarray(row * wide, (row + 1) * wide), i * wide);
      y.set(outputs.subarray(row * deep, (row + 1) * deep), i * deep);
    }
    const [loss, gradient] = tf.tidy(() => {
      const [seen, wanted] = [tf.tensor2d(x, [size, wide]), tf.tensor2d(y, [size, deep])];
      const { value, grad } = tf.valueAndGrad((flat: tf.Tensor1D) =>
        tf.losses.meanSquaredError(wanted, forward(cut(flat, layers), activation, seen)).asScalar(),
      )(parameters);
      return [value as tf.Scalar, grad as tf.Tensor1D];
    }) as [tf.Scalar, tf.Tensor1D];
    const rate = (learningRate * (1 + Math.cos((Math.PI * step) / updates))) / 2;
    parameters = adam.step(parameters, gradient, rate, step + 1);
    gradient.dispose();
    if (step < REPORTED || step >= updates - REPORTED) losses.push(loss);
    else loss.dispose();
  }
  for (const loss of losses) kept.push((await loss.data())[0]!);
  const result = Float32Array.from(await parameters.data());
  tf.dispose([parameters, ...losses]);
  adam.dispose();
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  const lastLoss = mean(kept.slice(-REPORTED));
  if (!Number.isFinite(lastLoss) || result.some((value) => !Number.isFinite(value))) {
    throw new NumericError('the guard did not learn: its loss is not finite', {
      repair: 'look for numbers that are not finite in the episodes',
    });
  }
  return { parameters: result, firstLoss: mean(kept.slice(0, REPORTED)), lastLoss };
}

/** The flat vector as tensors. */
function cut(flat: tf.Tensor1D, layers: readonly number[]): tf.Tensor[] {
  const shapes = tensorShapes(layers);
  return tf.split(flat, tensorSizes(layers)).map((part, i) => tf.reshape(part, shapes[i]!));
}
