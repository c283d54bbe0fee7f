/**
 * One step of a gated recurrent unit (Cho et al. 2014, in the variant of cuDNN and PyTorch) on plain arrays. Allocates nothing
 * per call.
 */

import { exp, tanh } from '../core/math.ts';
import { linear } from './mlp.ts';

export class GruCell {
  readonly #size: number;
  readonly #fromInput: Float32Array;
  readonly #fromState: Float32Array;

  /** @param size numbers in its state */
  constructor(size: number) {
    this.#size = size;
    this.#fromInput = new Float32Array(3 * size);
    this.#fromState = new Float32Array(3 * size);
  }

  /**
   * @param weights the first four: W [in, 3 size], b [3 size] of the input, U [size, 3 size], c [3 size] of the state; gates
   * in the order reset, update, new
   * @param state h, [size]: read and written
   */
  step(weights: readonly Float32Array[], input: Float32Array, state: Float32Array): void {
    const size = this.#size;
    const [x, h] = [this.#fromInput, this.#fromState];
    linear(weights[0]!, weights[1]!, input, x);
    linear(weights[2]!, weights[3]!, state, h);
    for (let i = 0; i < size; i++) {
      // r = s(x_r + h_r),  z = s(x_z + h_z),  n = tanh(x_n + r h_n),  h' = (1 - z) n + z h
      const r = 1 / (1 + exp(-(x[i]! + h[i]!)));
      const z = 1 / (1 + exp(-(x[size + i]! + h[size + i]!)));
      const n = tanh(x[2 * size + i]! + r * h[2 * size + i]!);
      state[i] = (1 - z) * n + z * state[i]!;
    }
  }
}
