/**
 * Trains the pair network on the kernel by the squared error of the motion, and predicts with it. Where the pairs come from,
 * simulation or a real building, is the caller's affair. A frozen encoder is neither moved nor computed backwards.
 */

import { SimdMemory } from '../simd/simd-memory.ts';
import { LABEL_SCALE, type PairSpec, POSE } from './pair-spec.ts';
import { SimdAdam } from './simd-adam.ts';
import { SimdPair } from './simd-pair.ts';

/** Pairs computed at once. */
const BLOCK = 16;

/** One pair as the network sees it: features [beams, channels] of both scans; label x, y, m, heading, rad. */
export interface PairSample {
  readonly first: Float32Array;
  readonly second: Float32Array;
  readonly label: ArrayLike<number>;
}

export interface PairPrediction {
  /** m, m, rad, [samples, 3] */
  readonly motion: Float32Array;
  /** What the head saw, [samples, hidden]. */
  readonly hidden: Float32Array;
}

export class PairTrainer {
  readonly network: SimdPair;
  readonly #memory = new SimdMemory();
  readonly #adam: SimdAdam;
  readonly #learnsEncoder: boolean;

  /** @param parameters of `pairTensors` */
  constructor(spec: PairSpec, parameters: Float32Array, learnsEncoder = true) {
    this.network = new SimdPair(this.#memory, spec, BLOCK);
    this.#learnsEncoder = learnsEncoder;
    this.#adam = new SimdAdam(this.#memory, parameters, learnsEncoder ? 0 : this.network.encoder.size);
  }

  /** A copy. */
  get parameters(): Float32Array {
    return this.#adam.values;
  }

  /** @returns mean squared error in units of LABEL_SCALE, summed over x, y, heading */
  step(samples: readonly PairSample[], learningRate: number): number {
    const { network } = this;
    const adam = this.#adam;
    adam.clearGradient();
    network.turn(adam.parameters);
    let loss = 0;
    for (let from = 0; from < samples.length; from += BLOCK) {
      const block = samples.slice(from, from + BLOCK);
      const y = this.#forward(block);
      const { head } = network;
      const dy = this.#memory.floats(head.dy, block.length * head.stride).fill(0);
      for (const [i, { label }] of block.entries()) {
        for (let k = 0; k < POSE; k++) {
          const error = y[i * head.stride + k]! - label[k]! / LABEL_SCALE[k]!;
          loss += error * error;
          dy[i * head.stride + k] = (2 * error) / samples.length;
        }
      }
      network.backward(adam.parameters, adam.gradient, block.length, this.#learnsEncoder);
    }
    adam.step(learningRate);
    return loss / samples.length;
  }

  predict(samples: readonly PairSample[]): PairPrediction {
    const { head, hidden: seen, spec } = this.network;
    const motion = new Float32Array(samples.length * POSE);
    const hidden = new Float32Array(samples.length * spec.hidden);
    for (let from = 0; from < samples.length; from += BLOCK) {
      const block = samples.slice(from, from + BLOCK);
      const y = this.#forward(block);
      const h = this.#memory.floats(seen.y, block.length * seen.stride);
      for (let i = 0; i < block.length; i++) {
        for (let k = 0; k < POSE; k++) motion[(from + i) * POSE + k] = y[i * head.stride + k]! * LABEL_SCALE[k]!;
        hidden.set(h.subarray(i * seen.stride, i * seen.stride + spec.hidden), (from + i) * spec.hidden);
      }
    }
    return { motion, hidden };
  }

  /** Maps of the first scans, [samples, cells, channels]. */
  encode(samples: readonly PairSample[]): Float32Array {
    const { encoder } = this.network;
    const size = encoder.output.cells * encoder.output.channels;
    const maps = new Float32Array(samples.length * size);
    for (let from = 0; from < samples.length; from += BLOCK) {
      const block = samples.slice(from, from + BLOCK);
      this.#forward(block);
      for (let i = 0; i < block.length; i++)
        maps.set(this.#memory.floats(encoder.at(encoder.y, i), size), (from + i) * size);
    }
    return maps;
  }

  /** @returns what the head gave, [pairs, stride] */
  #forward(block: readonly PairSample[]): Float32Array {
    const { encoder, head } = this.network;
    for (const [i, { first, second }] of block.entries()) {
      encoder.features(i).set(first);
      encoder.features(block.length + i).set(second);
    }
    this.network.forward(this.#adam.parameters, block.length);
    return this.#memory.floats(head.y, block.length * head.stride);
  }
}
