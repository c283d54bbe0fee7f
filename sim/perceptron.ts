/** A multi-layer perceptron that a simulation runs at every step: small, in double precision, nothing allocated. */

import { exp, tanh } from '../core/math.ts';
import type { PerceptronWeights } from './robot-spec.ts';

/** x <- f(W x + b) layer by layer, linear at the end. */
export class Perceptron {
  /** To be written before `forward`, and what it leaves. */
  readonly input: Float64Array;
  readonly output: Float64Array;
  /** Values of each layer after `forward`, the input's first. */
  readonly layers: readonly Float64Array[];
  /** May be changed between calls. */
  readonly weights: Float64Array;
  readonly #activation: PerceptronWeights['activation'];

  constructor({ layers, activation, weights }: PerceptronWeights) {
    this.#activation = activation;
    this.weights = Float64Array.from(weights);
    this.layers = layers.map((width) => new Float64Array(width));
    this.input = this.layers[0]!;
    this.output = this.layers.at(-1)!;
  }

  forward(): void {
    let at = 0;
    for (let l = 1; l < this.layers.length; l++) {
      const from = this.layers[l - 1]!;
      const to = this.layers[l]!;
      const biases = at + from.length * to.length;
      for (let o = 0; o < to.length; o++) {
        let sum = this.weights[biases + o]!;
        for (let i = 0; i < from.length; i++) sum += this.weights[at++]! * from[i]!;
        to[o] = sum;
      }
      at = biases + to.length;
      if (l < this.layers.length - 1) activate(this.#activation, to);
    }
  }
}

/** How many weights and biases. */
export function weightCount(layers: readonly number[]): number {
  let count = 0;
  for (let l = 1; l < layers.length; l++) count += (layers[l - 1]! + 1) * layers[l]!;
  return count;
}

function activate(activation: PerceptronWeights['activation'], x: Float64Array): void {
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!;
    if (activation === 'softsign') x[i] = value / (1 + Math.abs(value));
    else if (activation === 'tanh') x[i] = tanh(value);
    else x[i] = value > 0 ? value : exp(value) - 1;
  }
}
