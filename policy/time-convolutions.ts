/**
 * Convolutions over time on plain arrays: steps lie one after another, oldest first, so each window is a contiguous part that
 * one matrix turns into the channels of one step. Holds scratch, allocates nothing per call.
 */

import type { WindowLayer } from './architecture.ts';
import { type Activation, activate, linear } from './mlp.ts';

export class TimeConvolutions {
  readonly #layers: readonly WindowLayer[];
  readonly #activation: Activation;
  /** Of each layer: where its windows are in what it reads, and its outputs in what it writes. */
  readonly #frames: Float32Array;
  readonly #outputs: readonly Float32Array[];
  readonly #windows: readonly (readonly Float32Array[])[];
  readonly #columns: readonly (readonly Float32Array[])[];

  constructor(layers: readonly WindowLayer[], activation: Activation) {
    this.#layers = layers;
    this.#activation = activation;
    this.#frames = new Float32Array(layers[0]!.inputs * layers[0]!.windows);
    this.#outputs = layers.map(({ outputs, windows }) => new Float32Array(outputs * windows));
    const each = ({ windows }: WindowLayer, part: (w: number) => Float32Array) =>
      Array.from({ length: windows }, (_, w) => part(w));
    this.#windows = layers.map((layer, l) => {
      const read = l === 0 ? this.#frames : this.#outputs[l - 1]!;
      return each(layer, (w) => read.subarray(w * layer.step, w * layer.step + layer.inputs));
    });
    this.#columns = layers.map((layer, l) =>
      each(layer, (w) => this.#outputs[l]!.subarray(w * layer.outputs, (w + 1) * layer.outputs)),
    );
  }

  /**
   * @param weights W [inputs, outputs] and b [outputs] of each layer, first of all
   * @param frames [steps, numbers a step], oldest first @param output [latent]; the last layer is linear
   */
  forward(weights: readonly Float32Array[], frames: Float32Array, output: Float32Array): void {
    this.#frames.set(frames);
    for (let l = 0; l < this.#layers.length; l++) {
      const windows = this.#windows[l]!;
      const columns = this.#columns[l]!;
      for (let w = 0; w < windows.length; w++) linear(weights[2 * l]!, weights[2 * l + 1]!, windows[w]!, columns[w]!);
      if (l + 1 < this.#layers.length) activate(this.#activation, this.#outputs[l]!);
    }
    output.set(this.#outputs.at(-1)!);
  }
}
