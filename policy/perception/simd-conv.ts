/**
 * A convolution over scans on the kernel, with layer normalisation and ReLU, forward and backward. A scan lies cell after cell
 * with `pad` cells of border at both ends, so a window is a contiguous row and the convolution is one product of overlapping
 * rows; the backward one is the same with the kernel turned round. Folding two cells into one is reading the same memory with
 * twice the channels. Knows no loss.
 */

import type { SimdMemory } from '../simd/simd-memory.ts';
import { KERNEL, NORM_EPSILON } from './conv-layers.ts';

/** Rows of one product: its packed block stays in the second-level cache. */
const CHUNK = 256;
const RELU = 3;
const NONE = 0;

export interface Cells {
  /** Scans in a block. */
  readonly scans: number;
  /** Cells of a scan, and cells of border at each end. */
  readonly cells: number;
  readonly pad: number;
  /** A multiple of 8. */
  readonly channels: number;
}

/** Cells from one scan to the next. */
export function period({ cells, pad }: Cells): number {
  return cells + 2 * pad;
}

/** Memory of a map, with 8 cells of zeros before and after, which windows at its ends read. @returns its pointer */
export function allocateCells(memory: SimdMemory, map: Cells): number {
  return memory.allocate((map.scans * period(map) + 16) * map.channels) + 4 * 8 * map.channels;
}

/** y = x W + b in chunks; see the kernel's `linear`. @param panel of `panelSize(inner)` floats */
export function product(
  memory: SimdMemory,
  y: number,
  ldy: number,
  x: number,
  ldx: number,
  w: number,
  b: number,
  rows: number,
  inner: number,
  cols: number,
  panel: number,
): void {
  for (let row = 0; row < rows; row += CHUNK) {
    const count = Math.min(CHUNK, rows - row);
    memory.kernel.linear(y + 4 * row * ldy, ldy, x + 4 * row * ldx, ldx, w, b, count, inner, cols, panel);
  }
}

export function panelSize(inner: number): number {
  return 8 * (inner + 1) + CHUNK * inner;
}

export class SimdConv {
  readonly input: Cells;
  readonly output: Cells;
  /** Numbers of W [3, inputs, outputs], b, gain, shift. */
  readonly size: number;
  /** Where the output lies. */
  readonly y: number;
  readonly #memory: SimdMemory;
  readonly #code: number;
  readonly #circular: boolean;
  readonly #normalised: number;
  readonly #inverse: number;
  readonly #turned: number;
  readonly #panel: number;

  /** @param input as folded: its period is the output's */
  constructor(memory: SimdMemory, input: Cells, outputs: number, relu: boolean, circular: boolean) {
    this.input = input;
    this.output = { ...input, channels: outputs };
    this.size = KERNEL * input.channels * outputs + 3 * outputs;
    this.#memory = memory;
    this.#code = relu ? RELU : NONE;
    this.#circular = circular;
    const rows = input.scans * period(input);
    this.y = allocateCells(memory, this.output);
    this.#normalised = memory.allocate((rows + 8) * outputs);
    this.#inverse = memory.allocate(rows + 8);
    this.#turned = memory.allocate(KERNEL * input.channels * outputs);
    this.#panel = memory.allocate(panelSize(KERNEL * Math.max(input.channels, outputs)));
  }

  /** @param x a map of `input` @param scans of them */
  forward(parameters: number, x: number, scans: number): void {
    const { kernel } = this.#memory;
    const { channels: inputs } = this.input;
    const { channels: outputs } = this.output;
    const w = parameters;
    const b = w + 4 * KERNEL * inputs * outputs;
    const rows = scans * period(this.input);
    const y = this.y;
    // Row r of the output is the window of rows r - 1 to r + 1.
    product(this.#memory, y, outputs, x - 4 * inputs, inputs, w, b, rows, KERNEL * inputs, outputs, this.#panel);
    const [gain, shift] = [b + 4 * outputs, b + 8 * outputs];
    kernel.layerNorm(y, y, outputs, this.#normalised, this.#inverse, gain, shift, rows, outputs, NORM_EPSILON);
    kernel.activate(this.#code, y, outputs, rows);
    fillBorders(this.#memory, y, this.output, scans, this.#circular);
  }

  /** Once a step, before `backward` with an input's gradient: W with its taps in reverse, each transposed. */
  turn(parameters: number): void {
    const { channels: inputs } = this.input;
    const { channels: outputs } = this.output;
    const from = this.#memory.floats(parameters, KERNEL * inputs * outputs);
    const to = this.#memory.floats(this.#turned, from.length);
    for (let k = 0; k < KERNEL; k++) {
      for (let i = 0; i < inputs; i++) {
        for (let o = 0; o < outputs; o++)
          to[(k * outputs + o) * inputs + i] = from[((KERNEL - 1 - k) * inputs + i) * outputs + o]!;
      }
    }
  }

  /**
   * @param dy gradient of the output, a map of `output` with 8 zero cells before and after, overwritten
   * @param gradient added to; 0 for none @param dx gradient of the input, a map of `input`; 0 for none
   */
  backward(parameters: number, gradient: number, x: number, dy: number, dx: number, scans: number): void {
    const { kernel } = this.#memory;
    const { channels: inputs } = this.input;
    const { channels: outputs } = this.output;
    const rows = scans * period(this.input);
    const weights = KERNEL * inputs * outputs;
    const gain = parameters + 4 * (weights + outputs);
    foldBorders(this.#memory, dy, this.output, scans, this.#circular);
    // What an earlier, larger block left there must not be read by the last window.
    this.#memory.floats(dy + 4 * rows * outputs, outputs).fill(0);
    if (this.#code !== NONE) kernel.activateGradient(this.#code, dy, this.y, outputs, rows);
    const [dGain, dShift] =
      gradient === 0
        ? [this.#panel, this.#panel + 4 * outputs]
        : [gradient + 4 * (weights + outputs), gradient + 4 * (weights + 2 * outputs)];
    kernel.layerNormGradient(dy, outputs, this.#normalised, this.#inverse, gain, dGain, dShift, rows, outputs);
    if (gradient !== 0) {
      for (let row = 0; row < rows; row += CHUNK) {
        const count = Math.min(CHUNK, rows - row);
        kernel.linearWeightGradient(
          ...([gradient, gradient + 4 * weights, x + 4 * (row - 1) * inputs, inputs] as const),
          ...([dy + 4 * row * outputs, outputs, count, KERNEL * inputs, outputs, 1] as const),
        );
      }
    }
    if (dx === 0) return;
    const from = dy - 4 * outputs;
    product(this.#memory, dx, inputs, from, outputs, this.#turned, 0, rows, KERNEL * outputs, inputs, this.#panel);
  }
}

/** Borders of a map: 0, or what lies at the other end. */
export function fillBorders(memory: SimdMemory, map: number, shape: Cells, scans: number, circular: boolean): void {
  const { cells, pad, channels } = shape;
  const [border, inner] = [pad * channels, cells * channels];
  const all = memory.floats(map, scans * (2 * border + inner));
  for (let at = 0; at < all.length; at += 2 * border + inner) {
    if (circular) {
      all.copyWithin(at, at + inner, at + inner + border);
      all.copyWithin(at + border + inner, at + border, at + 2 * border);
    } else {
      all.fill(0, at, at + border);
      all.fill(0, at + border + inner, at + 2 * border + inner);
    }
  }
}

/** The gradient of `fillBorders`: what came to the borders goes where they were copied from; they are 0 then. */
export function foldBorders(memory: SimdMemory, map: number, shape: Cells, scans: number, circular: boolean): void {
  const { cells, pad, channels } = shape;
  const [border, inner] = [pad * channels, cells * channels];
  if (circular) {
    const all = memory.floats(map, scans * (2 * border + inner));
    for (let at = 0; at < all.length; at += 2 * border + inner) {
      for (let k = 0; k < border; k++) {
        all[at + inner + k] = all[at + inner + k]! + all[at + k]!;
        all[at + border + k] = all[at + border + k]! + all[at + border + inner + k]!;
      }
    }
  }
  fillBorders(memory, map, shape, scans, false);
}
