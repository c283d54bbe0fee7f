/**
 * A policy as a simulation runs it: any, a teacher too, which sees what the task's critic sees. The bridge cannot make one.
 */

import type { Contract } from '../core/contract.ts';
import { Actor, ObsNormalizer } from './actor.ts';
import type { NetworkOf } from './architecture.ts';
import type { ActingPolicy } from './evaluate.ts';
import { type Inference, inferenceOf } from './inference.ts';

/** @throws InputError when the weights are not the contract's */
export function simulatedActor(contract: Contract, weights: readonly Float32Array[]): ActingPolicy {
  const { network } = contract;
  return network.kind === 'privileged' ? new PrivilegedActor(contract, network, weights) : new Actor(contract, weights);
}

class PrivilegedActor implements ActingPolicy {
  readonly isPrivileged = true;
  readonly #normalizer: ObsNormalizer;
  readonly #knownNormalizer: ObsNormalizer;
  readonly #network: Inference;
  readonly #weights: readonly Float32Array[];
  readonly #input: Float32Array;
  readonly #obs: Float32Array;
  readonly #known: Float32Array;
  readonly #state = new Float32Array(0);

  constructor({ normalizer }: Contract, network: NetworkOf<'privileged'>, weights: readonly Float32Array[]) {
    const inputs = network.layers[0]!;
    this.#normalizer = new ObsNormalizer(normalizer);
    this.#knownNormalizer = new ObsNormalizer(network.encoder.normalizer);
    this.#network = inferenceOf(network);
    this.#weights = weights;
    this.#input = new Float32Array(inputs);
    this.#obs = this.#input.subarray(0, inputs - network.encoder.inputs);
    this.#known = this.#input.subarray(inputs - network.encoder.inputs);
  }

  act(obs: Float32Array, out: Float32Array, known: Float32Array): void {
    this.#normalizer.apply(obs, 0, this.#obs);
    this.#knownNormalizer.apply(known, 0, this.#known);
    this.#network.forward(this.#weights, this.#input, out, this.#state);
  }
}
