/**
 * An encoder on plain arrays: the inference path of workers, bridge and page. Sums in double precision in a fixed order,
 * rounded to float32 a layer; holds scratch, allocates nothing per call. Knows no tfjs and no training.
 */

import { type ConvShape, convShapes, type EncoderSpec, KERNEL, NORM_EPSILON } from './conv-layers.ts';

export class Encoder {
  readonly spec: EncoderSpec;
  readonly #shapes: readonly ConvShape[];
  readonly #folded: readonly Float32Array[];
  readonly #maps: readonly Float32Array[];
  readonly #sums: Float64Array;

  constructor(spec: EncoderSpec) {
    this.spec = spec;
    this.#shapes = convShapes(spec);
    this.#folded = this.#shapes.map(({ height, width, inputs }) => new Float32Array(height * width * inputs));
    this.#maps = this.#shapes.map(({ height, width, outputs }) => new Float32Array(height * width * outputs));
    this.#sums = new Float64Array(Math.max(...this.#shapes.map(({ outputs }) => outputs)));
  }

  /**
   * @param tensors W, b, gain, shift of each layer @param input [height, width, channels]
   * @returns the map [height, width, channels]; overwritten by the next call
   */
  encode(tensors: readonly Float32Array[], input: Float32Array): Float32Array {
    let map = input;
    for (let l = 0; l < this.#shapes.length; l++) {
      const shape = this.#shapes[l]!;
      fold(map, shape, this.spec.layers[l]!.fold, this.#folded[l]!);
      convolve(this.#folded[l]!, shape, this.spec.circular, tensors, 4 * l, this.#maps[l]!, this.#sums);
      map = this.#maps[l]!;
    }
    return map;
  }
}

/** Cells joined, by rows. @param shape after folding */
function fold(
  x: Float32Array,
  { height, width, inputs }: ConvShape,
  [rows]: readonly [number, number],
  out: Float32Array,
): void {
  if (rows === 1) {
    out.set(x);
    return;
  }
  const part = inputs / rows;
  for (let y = 0; y < height; y++) {
    for (let c = 0; c < width; c++) {
      for (let r = 0; r < rows; r++) {
        const from = ((y * rows + r) * width + c) * part;
        for (let k = 0; k < part; k++) out[(y * width + c) * inputs + r * part + k] = x[from + k]!;
      }
    }
  }
}

/** @param at of the layer's W in `tensors` @param sums scratch, [outputs] or more */
export function convolve(
  x: Float32Array,
  { height, width, inputs, outputs, taps, isLast }: ConvShape,
  circular: boolean,
  tensors: readonly Float32Array[],
  at: number,
  out: Float32Array,
  sums: Float64Array,
): void {
  const [weight, bias, gain, shift] = [tensors[at]!, tensors[at + 1]!, tensors[at + 2]!, tensors[at + 3]!];
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      for (let o = 0; o < outputs; o++) sums[o] = bias[o]!;
      for (let tap = 0; tap < taps; tap++) {
        const y = taps === KERNEL ? row : row + Math.floor(tap / KERNEL) - 1;
        let u = column + (tap % KERNEL) - 1;
        if (circular) u = (u + width) % width;
        if (y < 0 || y >= height || u < 0 || u >= width) continue;
        const from = (y * width + u) * inputs;
        for (let i = 0; i < inputs; i++) {
          const value = x[from + i]!;
          if (value === 0) continue;
          const w = (tap * inputs + i) * outputs;
          for (let o = 0; o < outputs; o++) sums[o] = sums[o]! + value * weight[w + o]!;
        }
      }
      let mean = 0;
      for (let o = 0; o < outputs; o++) mean += sums[o]!;
      mean /= outputs;
      let variance = 0;
      for (let o = 0; o < outputs; o++) variance += (sums[o]! - mean) ** 2;
      const scale = 1 / Math.sqrt(variance / outputs + NORM_EPSILON);
      const to = (row * width + column) * outputs;
      for (let o = 0; o < outputs; o++) {
        const y = gain[o]! * (sums[o]! - mean) * scale + shift[o]!;
        out[to + o] = !isLast && y < 0 ? 0 : y;
      }
    }
  }
}
