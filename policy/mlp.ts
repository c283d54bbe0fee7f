/**
 * The forward pass of a multi-layer perceptron on plain arrays: the one inference path of workers, bridge and page.
 * Weights are Float32, sums are Float64 in a fixed order, so the result has the same bits in every engine.
 */

import type { NetworkContract } from '../core/contract.ts';
import { eluEach, tanh } from '../core/math.ts';

export type Activation = NetworkContract['activation'];
export type Output = NonNullable<NetworkContract['output']>;

/** x = act(x), elementwise, in place. */
export function activate(kind: Activation, x: Float32Array): void {
  switch (kind) {
    case 'tanh':
      for (let i = 0; i < x.length; i++) x[i] = tanh(x[i]!);
      return;
    case 'elu':
      eluEach(x);
      return;
    case 'relu':
      for (let i = 0; i < x.length; i++) if (x[i]! < 0) x[i] = 0;
      return;
    default:
      kind satisfies never;
  }
}

/** Numbers in each tensor of a network, in order: W1 [in, out], b1 [out], W2, b2, ... */
export function tensorSizes(layers: readonly number[]): number[] {
  return layers.slice(1).flatMap((outputs, i) => [layers[i]! * outputs, outputs]);
}

/** [in, out] of each weight and [out] of each bias, in order. */
export function tensorShapes(layers: readonly number[]): number[][] {
  return layers.slice(1).flatMap((outputs, i) => [[layers[i]!, outputs], [outputs]]);
}

/** Views of consecutive tensors in one flat array. */
export function splitTensors(flat: Float32Array, sizes: readonly number[]): Float32Array[] {
  const views: Float32Array[] = [];
  let at = 0;
  for (const size of sizes) {
    views.push(flat.subarray(at, at + size));
    at += size;
  }
  return views;
}

const NOTHING = new Float32Array(0);

/** Holds scratch for one network; allocates nothing per call. */
export class Mlp {
  readonly #layers: readonly number[];
  readonly #activation: Activation;
  readonly #output: Output;
  readonly #hidden: readonly Float32Array[];

  constructor(layers: readonly number[], activation: Activation, output: Output = 'linear') {
    this.#layers = layers;
    this.#activation = activation;
    this.#output = output;
    this.#hidden = layers.slice(1, -1).map((size) => new Float32Array(size));
  }

  /** What the last hidden layer gave in the last call, reused; no numbers where there is none. */
  get features(): Float32Array {
    return this.#hidden.at(-1) ?? NOTHING;
  }

  /**
   * @param weights W1 [in, out] row-major, b1 [out], W2, b2, ...
   * @param input [layers[0]] @param output [last layer]
   * @param first where W1 is among the weights
   */
  forward(weights: readonly Float32Array[], input: Float32Array, output: Float32Array, first = 0): void {
    let x = input;
    const last = this.#layers.length - 2;
    for (let l = 0; l <= last; l++) {
      const y = l === last ? output : this.#hidden[l]!;
      linear(weights[first + 2 * l]!, weights[first + 2 * l + 1]!, x, y);
      if (l < last) activate(this.#activation, y);
      x = y;
    }
    if (this.#output === 'tanh') activate('tanh', output);
  }
}

/** y = x W + b, eight columns at a time so that their sums stay in registers. */
export function linear(w: Float32Array, b: Float32Array, x: Float32Array, y: Float32Array): void {
  const inputs = x.length;
  const outputs = y.length;
  let j = 0;
  for (; j + 7 < outputs; j += 8) {
    let s0 = b[j]!;
    let s1 = b[j + 1]!;
    let s2 = b[j + 2]!;
    let s3 = b[j + 3]!;
    let s4 = b[j + 4]!;
    let s5 = b[j + 5]!;
    let s6 = b[j + 6]!;
    let s7 = b[j + 7]!;
    for (let i = 0, at = j; i < inputs; i++, at += outputs) {
      const v = x[i]!;
      s0 += v * w[at]!;
      s1 += v * w[at + 1]!;
      s2 += v * w[at + 2]!;
      s3 += v * w[at + 3]!;
      s4 += v * w[at + 4]!;
      s5 += v * w[at + 5]!;
      s6 += v * w[at + 6]!;
      s7 += v * w[at + 7]!;
    }
    y[j] = s0;
    y[j + 1] = s1;
    y[j + 2] = s2;
    y[j + 3] = s3;
    y[j + 4] = s4;
    y[j + 5] = s5;
    y[j + 6] = s6;
    y[j + 7] = s7;
  }
  for (; j < outputs; j++) {
    let s = b[j]!;
    for (let i = 0, at = j; i < inputs; i++, at += outputs) s += x[i]! * w[at]!;
    y[j] = s;
  }
}
