/** The encoder of scans on the kernel, forward and backward, a block of scans at a time. Knows no head and no loss. */

import type { SimdMemory } from '../simd/simd-memory.ts';
import type { EncoderSpec } from './conv-layers.ts';
import { allocateCells, type Cells, fillBorders, period, SimdConv } from './simd-conv.ts';

export class SimdEncoder {
  readonly spec: EncoderSpec;
  /** Numbers of its parameters. */
  readonly size: number;
  /** Map of what comes out, and where it is; where the caller puts its gradient, which is overwritten. */
  readonly output: Cells;
  readonly y: number;
  readonly dy: number;
  readonly #memory: SimdMemory;
  readonly #raw: Cells;
  readonly #x: number;
  readonly #convs: readonly SimdConv[];
  /** Gradients of each layer's output. */
  readonly #gradients: readonly number[];

  /** @param scans most in a block */
  constructor(memory: SimdMemory, spec: EncoderSpec, scans: number) {
    this.spec = spec;
    this.#memory = memory;
    const folds = spec.layers.map(({ fold }) => fold[1]);
    // One cell of border is left after the last fold.
    this.#raw = {
      scans,
      cells: spec.input[1],
      pad: folds.reduce((a, b) => a * b, 1),
      channels: spec.input[2],
    };
    this.#x = allocateCells(memory, this.#raw);
    let map = this.#raw;
    this.#convs = spec.layers.map(({ channels }, l) => {
      const fold = folds[l]!;
      const input = { scans, cells: map.cells / fold, pad: map.pad / fold, channels: map.channels * fold };
      const conv = new SimdConv(memory, input, channels, l + 1 < spec.layers.length, spec.circular);
      map = conv.output;
      return conv;
    });
    this.#gradients = this.#convs.map(({ output }) => allocateCells(memory, output));
    this.size = this.#convs.reduce((sum, conv) => sum + conv.size, 0);
    this.output = map;
    this.y = this.#convs.at(-1)!.y;
    this.dy = this.#gradients.at(-1)!;
  }

  /** Where the features of a scan of the block go, [cells, channels]. */
  features(scan: number): Float32Array {
    const { cells, pad, channels } = this.#raw;
    return this.#memory.floats(this.#x + 4 * (scan * period(this.#raw) + pad) * channels, cells * channels);
  }

  /** Cells of a scan in a map like the output, without its borders. @returns pointer */
  at(map: number, scan: number): number {
    return map + 4 * (scan * period(this.output) + this.output.pad) * this.output.channels;
  }

  forward(parameters: number, scans: number): void {
    fillBorders(this.#memory, this.#x, this.#raw, scans, this.spec.circular);
    let x = this.#x;
    let at = parameters;
    for (const conv of this.#convs) {
      conv.forward(at, x, scans);
      x = conv.y;
      at += 4 * conv.size;
    }
  }

  /** Once a step, before `backward`. */
  turn(parameters: number): void {
    let at = parameters;
    for (const [l, conv] of this.#convs.entries()) {
      if (l > 0) conv.turn(at);
      at += 4 * conv.size;
    }
  }

  /** Adds the parameters' gradient to `gradient`, from `dy`. */
  backward(parameters: number, gradient: number, scans: number): void {
    let at = this.size;
    for (let l = this.#convs.length - 1; l >= 0; l--) {
      const conv = this.#convs[l]!;
      at -= conv.size;
      const x = l === 0 ? this.#x : this.#convs[l - 1]!.y;
      const dx = l === 0 ? 0 : this.#gradients[l - 1]!;
      conv.backward(parameters + 4 * at, gradient + 4 * at, x, this.#gradients[l]!, dx, scans);
    }
  }
}
