/**
 * A multi-layer perceptron on the kernel, forward and backward, one block of rows at a time. Parameters and gradients are
 * flat vectors anywhere in the memory, so an ensemble or a target network is another pointer. Knows no loss.
 */

import type { NetworkContract } from '../../core/contract.ts';
import { type SimdMemory, strideOf } from './simd-memory.ts';

type Activation = NetworkContract['activation'];

/** As the kernel numbers them; 0 is none. */
export const ACTIVATION_CODES = { tanh: 1, elu: 2, relu: 3 } as const satisfies Record<Activation, number>;

const LAYER_NORM_EPSILON = 1e-5;

/** Rows in a block: what a block leaves behind for its gradient stays in the second-level cache. */
export const BLOCK_ROWS = 128;

interface Layer {
  readonly inputs: number;
  readonly outputs: number;
  /** Floats from the network's first parameter. */
  readonly weights: number;
  readonly bias: number;
  readonly gain: number;
  readonly shift: number;
  /** Of its outputs, [rows, stride]. */
  readonly stride: number;
  readonly output: number;
  /** Layer normalisation: normalised sums [rows, stride] and 1 / sd [rows]; 0 without. */
  readonly normalised: number;
  readonly inverse: number;
}

export interface MlpOptions {
  /** Normalise each hidden layer before its activation; its tensors are then W, b, gain, shift. @default false */
  readonly layerNorm?: boolean;
  /** @default BLOCK_ROWS */
  readonly rows?: number;
  /** Input of another network that sees the same. @default its own */
  readonly input?: number;
}

/** Holds a block's scratch: one for each thread, not for each set of parameters. */
export class SimdMlp {
  /** Numbers of one set of parameters: W1 [in, out], b1 [out], W2, b2, ... */
  readonly size: number;
  /** Rows that a block can have. */
  readonly rows: number;
  /** Where the caller writes a block's input, [rows, inputStride]. */
  readonly input: number;
  readonly inputStride: number;
  /** Where `forward` leaves the output, [rows, outputStride]; the caller may put its gradient there, in place. */
  readonly output: number;
  readonly outputStride: number;
  readonly #memory: SimdMemory;
  readonly #code: number;
  readonly #layers: readonly Layer[];
  readonly #panel: number;
  readonly #gradients: readonly [number, number];

  /** @param layers its sizes, inputs first; the last layer is linear */
  constructor(memory: SimdMemory, layers: readonly number[], activation: Activation, options: MlpOptions = {}) {
    const { layerNorm = false, rows = BLOCK_ROWS } = options;
    const widest = Math.max(...layers);
    let at = 0;
    const take = (length: number) => {
      at += length;
      return at - length;
    };
    this.#memory = memory;
    this.#code = ACTIVATION_CODES[activation];
    this.rows = rows;
    this.inputStride = strideOf(layers[0]!);
    this.input = options.input ?? memory.allocate(rows * this.inputStride);
    this.#layers = layers.slice(1).map((outputs, l) => {
      const inputs = layers[l]!;
      const stride = strideOf(outputs);
      const norm = layerNorm && l + 2 < layers.length;
      return {
        inputs,
        outputs,
        stride,
        weights: take(inputs * outputs),
        bias: take(outputs),
        gain: norm ? take(outputs) : 0,
        shift: norm ? take(outputs) : 0,
        output: memory.allocate(rows * stride),
        normalised: norm ? memory.allocate(rows * stride) : 0,
        inverse: norm ? memory.allocate(rows) : 0,
      };
    });
    this.size = at;
    const last = this.#layers.at(-1)!;
    this.output = last.output;
    this.outputStride = last.stride;
    this.#panel = memory.allocate((8 + rows) * (widest + 1));
    this.#gradients = [memory.allocate(rows * strideOf(widest)), memory.allocate(rows * strideOf(widest))];
  }

  /** Output of the first `rows` rows of the input. @param parameters pointer to `size` floats */
  forward(parameters: number, rows: number): void {
    const { kernel } = this.#memory;
    const last = this.#layers.length - 1;
    let x = this.input;
    let ldx = this.inputStride;
    for (let l = 0; l <= last; l++) {
      const { inputs, outputs, stride, output, normalised, inverse, weights, bias, gain, shift } = this.#layers[l]!;
      const w = parameters + 4 * weights;
      kernel.linear(output, stride, x, ldx, w, parameters + 4 * bias, rows, inputs, outputs, this.#panel);
      if (normalised !== 0) {
        const [g, s] = [parameters + 4 * gain, parameters + 4 * shift];
        kernel.layerNorm(output, output, stride, normalised, inverse, g, s, rows, outputs, LAYER_NORM_EPSILON);
      }
      if (l < last) kernel.activate(this.#code, output, stride, rows);
      x = output;
      ldx = stride;
    }
  }

  /**
   * Gradient of the parameters at the last `forward`, of the same rows.
   * @param outputGradient [rows, outputStride], such as `output` overwritten
   * @param gradient pointer to `size` floats, overwritten, or added to where `add`; 0 for none
   * @param inputGradient where the input's goes, [rows, inputStride]; 0 for none
   */
  backward(
    parameters: number,
    gradient: number,
    rows: number,
    add: boolean,
    outputGradient = this.output,
    inputGradient = 0,
  ): void {
    const { kernel } = this.#memory;
    let dy = outputGradient;
    for (let l = this.#layers.length - 1; l >= 0; l--) {
      const { inputs, outputs, stride, output, normalised, inverse, weights, bias, gain, shift } = this.#layers[l]!;
      if (l < this.#layers.length - 1) kernel.activateGradient(this.#code, dy, output, stride, rows);
      if (normalised !== 0) {
        // The kernel adds these two; without a gradient wanted they go to scratch.
        const [g, s] = gradient === 0 ? [this.#panel, this.#panel] : [gradient + 4 * gain, gradient + 4 * shift];
        if (gradient !== 0 && !add) this.#memory.floats(g, 2 * outputs).fill(0);
        kernel.layerNormGradient(dy, stride, normalised, inverse, parameters + 4 * gain, g, s, rows, outputs);
      }
      const x = l === 0 ? this.input : this.#layers[l - 1]!.output;
      const ldx = l === 0 ? this.inputStride : this.#layers[l - 1]!.stride;
      if (gradient !== 0) {
        const [dw, db] = [gradient + 4 * weights, gradient + 4 * bias];
        kernel.linearWeightGradient(dw, db, x, ldx, dy, stride, rows, inputs, outputs, add ? 1 : 0);
      }
      const dx = l === 0 ? inputGradient : this.#gradients[l % 2]!;
      if (dx === 0) return;
      kernel.linearInputGradient(dx, ldx, dy, stride, parameters + 4 * weights, rows, outputs, inputs, this.#panel);
      dy = dx;
    }
  }
}
