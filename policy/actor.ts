/**
 * A policy as the robot runs it: normaliser, network, mean action. No tfjs, no node: the same file in worker, bridge
 * and page. Knows no robot.
 */

import { actionDim, type Contract, type NormalizerContract, obsDim } from '../core/contract.ts';
import { InputError } from '../core/errors.ts';
import { sizesOf, stateSize } from './architecture.ts';
import { type Inference, inferenceOf } from './inference.ts';

/** normalised = clip((obs - mean) / sqrt(variance + epsilon), -clip, clip) */
export class ObsNormalizer {
  readonly #mean: Float64Array;
  readonly #invStd: Float64Array;
  readonly #clip: number;

  constructor(normalizer: NormalizerContract) {
    this.#mean = Float64Array.from(normalizer.mean);
    this.#invStd = Float64Array.from(normalizer.variance, (variance) => 1 / Math.sqrt(variance + normalizer.epsilon));
    this.#clip = normalizer.clip;
  }

  /** @param obs read from `offset` on @param out [obsDim] */
  apply(obs: Float32Array, offset: number, out: Float32Array): void {
    const limit = this.#clip;
    for (let i = 0; i < out.length; i++) {
      const x = (obs[offset + i]! - this.#mean[i]!) * this.#invStd[i]!;
      out[i] = x < -limit ? -limit : x > limit ? limit : x;
    }
  }
}

export class Actor {
  readonly #normalizer: ObsNormalizer;
  readonly #network: Inference;
  readonly #weights: readonly Float32Array[];
  readonly #input: Float32Array;
  /** What it remembers from step to step; empty for most networks. */
  readonly #state: Float32Array;

  /**
   * @param weights of the actor, in the order of `tensorsOf`
   * @throws InputError when their sizes are not the contract's, or it needs what only a simulation knows
   */
  constructor(contract: Contract, weights: readonly Float32Array[]) {
    const { layers, kind } = contract.network;
    if (kind === 'privileged') {
      throw new InputError('policy: it is a teacher, whose network needs what only a simulation knows', {
        repair: 'teach a policy that a robot can run: landfall train EXPERIMENT algorithm=distill teacher=RUN',
      });
    }
    const expected = sizesOf(contract.network);
    const found = weights.map((tensor) => tensor.length);
    if (layers[0] !== obsDim(contract) || layers.at(-1) !== actionDim(contract) || expected.join() !== found.join()) {
      throw new InputError(
        `policy: network ${layers.join('-')} needs tensors of ${expected.join(', ')} numbers, found ${found.join(', ')}`,
        {
          repair: 'the checkpoint is damaged or was edited: use another one of the run',
        },
      );
    }
    this.#normalizer = new ObsNormalizer(contract.normalizer);
    this.#network = inferenceOf(contract.network);
    this.#weights = weights;
    this.#input = new Float32Array(layers[0]!);
    this.#state = new Float32Array(stateSize(contract.network));
  }

  /** An episode begins: forget the one before. */
  reset(): void {
    this.#state.fill(0);
  }

  /** What the last hidden layer made of the last observation, reused; no numbers where the network has none. */
  get features(): Float32Array {
    return this.#network.features;
  }

  /** The mean action; once a step. @param obs [obsDim], as the Observer wrote it @param out [actionDim], not clipped */
  act(obs: Float32Array, out: Float32Array): void {
    this.#normalizer.apply(obs, 0, this.#input);
    this.#network.forward(this.#weights, this.#input, out, this.#state);
  }
}
