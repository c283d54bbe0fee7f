/** A dense layer on the kernel whose rows may lie anywhere, at any distance: a head on each cell, or on a whole scan. */

import { type SimdMemory, strideOf } from '../simd/simd-memory.ts';
import { panelSize, product } from './simd-conv.ts';

const CHUNK = 256;

export class SimdDense {
  readonly inputs: number;
  readonly outputs: number;
  /** Numbers of W [inputs, outputs] and b. */
  readonly size: number;
  readonly stride: number;
  /** Where the outputs are, and where the caller puts their gradient: [rows, stride]. */
  readonly y: number;
  readonly dy: number;
  readonly #memory: SimdMemory;
  readonly #panel: number;

  constructor(memory: SimdMemory, rows: number, inputs: number, outputs: number) {
    this.#memory = memory;
    this.inputs = inputs;
    this.outputs = outputs;
    this.size = inputs * outputs + outputs;
    this.stride = strideOf(outputs);
    this.y = memory.allocate(rows * this.stride);
    this.dy = memory.allocate(rows * this.stride);
    this.#panel = memory.allocate(panelSize(Math.max(inputs, outputs)));
  }

  /** @param x first of the rows @param ldx floats from one to the next */
  forward(parameters: number, x: number, ldx: number, rows: number): void {
    const { inputs, outputs, stride, y } = this;
    const bias = parameters + 4 * inputs * outputs;
    product(this.#memory, y, stride, x, ldx, parameters, bias, rows, inputs, outputs, this.#panel);
  }

  /** @param gradient added to; 0 for none @param dx overwritten, rows as those of x; 0 for none */
  backward(parameters: number, gradient: number, x: number, ldx: number, dx: number, lddx: number, rows: number): void {
    const { inputs, outputs, stride, dy } = this;
    const { kernel } = this.#memory;
    for (let row = 0; row < rows; row += CHUNK) {
      const count = Math.min(CHUNK, rows - row);
      const from = dy + 4 * row * stride;
      if (gradient !== 0) {
        const bias = gradient + 4 * inputs * outputs;
        kernel.linearWeightGradient(gradient, bias, x + 4 * row * ldx, ldx, from, stride, count, inputs, outputs, 1);
      }
      if (dx !== 0) {
        const to = dx + 4 * row * lddx;
        kernel.linearInputGradient(to, lddx, from, stride, parameters, count, outputs, inputs, this.#panel);
      }
    }
  }
}
