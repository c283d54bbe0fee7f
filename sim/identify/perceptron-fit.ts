/**
 * Trains a small perceptron to given outputs: Adam (Kingma & Ba 2015) with decoupled weight decay (Loshchilov & Hutter
 * 2019) on mean squared error, the best weights on a held-out part kept. In double precision and in one thread: for nets of
 * a few thousand weights, where a tensor library is no faster. Knows no robot.
 */

import { cos } from '../../core/math.ts';
import { foldIn, type Key, RandomStream } from '../../core/rng.ts';
import { Perceptron, weightCount } from '../perceptron.ts';
import type { PerceptronWeights } from '../robot-spec.ts';

/** Row-major, [rows * inputs] and [rows * outputs]. */
export interface Samples {
  readonly inputs: Float64Array;
  readonly outputs: Float64Array;
}

export interface PerceptronFitOptions {
  readonly layers: readonly number[];
  readonly activation: PerceptronWeights['activation'];
  readonly key: Key;
  /** @default 200 */
  readonly epochs?: number;
  /** @default 3e-3 */
  readonly learningRate?: number;
  /** @default 1e-3 */
  readonly weightDecay?: number;
  /** Begin at zero output: the network starts as if it were not there. @default false */
  readonly zeroOutput?: boolean;
}

const BATCH = 64;

export interface PerceptronFit extends PerceptronWeights {
  /** Root mean squares over all outputs of the held-out part. */
  readonly error: number;
}

/** @param held what the weights are chosen on; null to take the last */
export function fitPerceptron(train: Samples, held: Samples | null, options: PerceptronFitOptions): PerceptronFit {
  const { layers, activation, key } = options;
  const epochs = options.epochs ?? 200;
  const rate = options.learningRate ?? 3e-3;
  const decay = options.weightDecay ?? 1e-3;
  const nIn = layers[0]!;
  const nOut = layers.at(-1)!;
  const rows = train.inputs.length / nIn;
  const net = new Perceptron({ layers, activation, weights: firstWeights(options) });
  const { weights } = net;
  const gradient = new Float64Array(weights.length);
  const first = new Float64Array(weights.length);
  const second = new Float64Array(weights.length);
  const back = layers.map((width) => new Float64Array(width));
  const random = new RandomStream(foldIn(key, 2));
  const order = Int32Array.from({ length: rows }, (_, i) => i);
  let best = weights.slice();
  let least = held === null ? Infinity : errorOf(net, held);
  let t = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    shuffle(order, random);
    // From the rate to a hundredth of it, along half a cosine.
    const step = rate * (0.01 + 0.99 * 0.5 * (1 + cos((Math.PI * epoch) / epochs)));
    for (let from = 0; from < rows; from += BATCH) {
      const to = Math.min(rows, from + BATCH);
      gradient.fill(0);
      for (let k = from; k < to; k++) {
        const row = order[k]!;
        net.input.set(train.inputs.subarray(row * nIn, (row + 1) * nIn));
        net.forward();
        const error = back.at(-1)!;
        for (let o = 0; o < nOut; o++) error[o] = (net.output[o]! - train.outputs[row * nOut + o]!) / (to - from);
        backward(net, activation, back, gradient);
      }
      t++;
      for (let i = 0; i < weights.length; i++) {
        const g = gradient[i]!;
        first[i] = 0.9 * first[i]! + 0.1 * g;
        second[i] = 0.999 * second[i]! + 0.001 * g * g;
        const m = first[i]! / (1 - 0.9 ** t);
        const v = second[i]! / (1 - 0.999 ** t);
        // w <- w - step (m / (sqrt(v) + eps) + decay w)
        weights[i] = weights[i]! - step * (m / (Math.sqrt(v) + 1e-8) + decay * weights[i]!);
      }
    }
    if (held === null || (epoch % 5 !== 4 && epoch !== epochs - 1)) continue;
    const error = errorOf(net, held);
    if (error < least) [least, best] = [error, weights.slice()];
  }
  if (held === null) best = weights.slice();
  weights.set(best);
  return { layers: [...layers], activation, weights: Array.from(best), error: errorOf(net, held ?? train) };
}

/** Root mean square of a network's departure from the samples. */
export function errorOf(net: Perceptron, { inputs, outputs }: Samples): number {
  const nIn = net.input.length;
  const nOut = net.output.length;
  const rows = inputs.length / nIn;
  let sum = 0;
  for (let row = 0; row < rows; row++) {
    net.input.set(inputs.subarray(row * nIn, (row + 1) * nIn));
    net.forward();
    for (let o = 0; o < nOut; o++) sum += (net.output[o]! - outputs[row * nOut + o]!) ** 2;
  }
  return Math.sqrt(sum / Math.max(1, rows * nOut));
}

/** Uniform within sqrt(6 / (in + out)) of 0 (Glorot & Bengio 2010), biases 0. */
function firstWeights({ layers, key, zeroOutput }: PerceptronFitOptions): number[] {
  const random = new RandomStream(foldIn(key, 1));
  const weights = new Array<number>(weightCount(layers)).fill(0);
  let at = 0;
  for (let l = 1; l < layers.length; l++) {
    const [from, to] = [layers[l - 1]!, layers[l]!];
    const bound = zeroOutput === true && l === layers.length - 1 ? 0 : Math.sqrt(6 / (from + to));
    for (let i = 0; i < from * to; i++) weights[at++] = random.between(-bound, bound);
    at += to;
  }
  return weights;
}

/** Adds to `gradient` what the error at the output, in the last of `back`, makes of every weight. */
function backward(
  { layers, weights }: Perceptron,
  activation: PerceptronWeights['activation'],
  back: readonly Float64Array[],
  gradient: Float64Array,
): void {
  let end = weights.length;
  for (let l = layers.length - 1; l > 0; l--) {
    const from = layers[l - 1]!;
    const to = layers[l]!;
    const biases = end - to.length;
    const start = biases - from.length * to.length;
    const below = back[l - 1]!;
    below.fill(0);
    for (let o = 0; o < to.length; o++) {
      const e = back[l]![o]!;
      gradient[biases + o] = gradient[biases + o]! + e;
      const row = start + o * from.length;
      for (let i = 0; i < from.length; i++) {
        gradient[row + i] = gradient[row + i]! + e * from[i]!;
        below[i] = below[i]! + e * weights[row + i]!;
      }
    }
    if (l > 1) for (let i = 0; i < from.length; i++) below[i] = below[i]! * slope(activation, from[i]!);
    end = start;
  }
}

/** f'(x) from y = f(x). */
function slope(activation: PerceptronWeights['activation'], y: number): number {
  switch (activation) {
    case 'softsign':
      return (1 - Math.abs(y)) ** 2;
    case 'tanh':
      return 1 - y * y;
    case 'elu':
      return y > 0 ? 1 : y + 1;
  }
}

function shuffle(order: Int32Array, random: RandomStream): void {
  for (let k = order.length - 1; k > 0; k--) {
    const other = random.below(k + 1);
    const held = order[k]!;
    order[k] = order[other]!;
    order[other] = held;
  }
}
