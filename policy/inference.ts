/**
 * The forward pass of every network of the contract on plain arrays: what workers, bridge and page run. The same sums in the
 * same order everywhere; holds scratch, allocates nothing per call. `policy/actor-network.ts` is the same on tfjs.
 */

import type { NetworkContract } from '../core/contract.ts';
import {
  bodyLayers,
  currentIndex,
  frameIndex,
  frontCount,
  historyLayers,
  type NetworkOf,
  privilegedLayers,
} from './architecture.ts';
import { GruCell } from './gru-cell.ts';
import { Mlp } from './mlp.ts';
import { TimeConvolutions } from './time-convolutions.ts';

export interface Inference {
  /**
   * @param weights in the order of `tensorsOf`
   * @param input normalised, [layers[0]] @param output the mean action, [last layer]
   * @param state what the actor remembers, [stateSize]: read and written
   */
  forward(weights: readonly Float32Array[], input: Float32Array, output: Float32Array, state: Float32Array): void;
  /** What the body's last hidden layer gave in the last call, reused; no numbers where it has none. */
  readonly features: Float32Array;
}

export function inferenceOf(network: NetworkContract): Inference {
  switch (network.kind) {
    case 'mlp': {
      const mlp = new Mlp(network.layers, network.activation, network.output);
      return {
        forward: (weights, input, output) => mlp.forward(weights, input, output),
        features: mlp.features,
      };
    }
    case 'gru':
      return new GruInference(network);
    case 'history': {
      const { encoder, activation } = network;
      const convolutions = new TimeConvolutions(historyLayers(encoder), activation);
      return new EncodedInference(network, frameIndex(encoder), currentIndex(encoder), convolutions);
    }
    case 'privileged': {
      const { encoder, activation } = network;
      const own = network.layers[0]! - encoder.inputs;
      const known = Array.from({ length: encoder.inputs }, (_, i) => own + i);
      const current = Array.from({ length: own }, (_, i) => i);
      return new EncodedInference(network, known, current, new Mlp(privilegedLayers(encoder), activation));
    }
  }
}

class GruInference implements Inference {
  readonly #cell: GruCell;
  readonly #body: Mlp;

  constructor(network: NetworkOf<'gru'>) {
    this.#cell = new GruCell(network.cell);
    this.#body = new Mlp(bodyLayers(network), network.activation, network.output);
  }

  get features(): Float32Array {
    return this.#body.features;
  }

  forward(weights: readonly Float32Array[], input: Float32Array, output: Float32Array, state: Float32Array): void {
    this.#cell.step(weights, input, state);
    this.#body.forward(weights, state, output, 4);
  }
}

interface Encoder {
  forward(weights: readonly Float32Array[], input: Float32Array, output: Float32Array): void;
}

/** body([what it sees itself, encoder(the rest)]) */
class EncodedInference implements Inference {
  readonly #encoded: Int32Array;
  readonly #current: Int32Array;
  readonly #encoder: Encoder;
  readonly #body: Mlp;
  readonly #front: number;
  readonly #frames: Float32Array;
  readonly #seen: Float32Array;
  readonly #latent: Float32Array;

  constructor(
    network: NetworkOf<'history' | 'privileged'>,
    encoded: readonly number[],
    current: readonly number[],
    encoder: Encoder,
  ) {
    const layers = bodyLayers(network);
    this.#encoded = Int32Array.from(encoded);
    this.#current = Int32Array.from(current);
    this.#encoder = encoder;
    this.#body = new Mlp(layers, network.activation, network.output);
    this.#front = frontCount(network);
    this.#frames = new Float32Array(encoded.length);
    this.#seen = new Float32Array(layers[0]!);
    this.#latent = this.#seen.subarray(current.length);
  }

  get features(): Float32Array {
    return this.#body.features;
  }

  forward(weights: readonly Float32Array[], input: Float32Array, output: Float32Array): void {
    const encoded = this.#encoded;
    const current = this.#current;
    for (let i = 0; i < encoded.length; i++) this.#frames[i] = input[encoded[i]!]!;
    for (let i = 0; i < current.length; i++) this.#seen[i] = input[current[i]!]!;
    this.#encoder.forward(weights, this.#frames, this.#latent);
    this.#body.forward(weights, this.#seen, output, this.#front);
  }
}
