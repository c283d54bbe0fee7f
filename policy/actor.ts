/**
 * A policy as the robot runs it: normaliser, network, mean action. No tfjs, no node: the same file in worker, bridge
 * and page. Knows no robot.
 */

import { actionDim, type Contract, type NormalizerContract, obsDim } from '../core/contract.ts';
import { InputError } from '../core/errors.ts';
import { Mlp, tensorSizes } from './mlp.ts';

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
  readonly #mlp: Mlp;
  readonly #weights: readonly Float32Array[];
  readonly #input: Float32Array;

  /**
   * @param weights of the actor: W1 [in, out], b1, W2, b2, ...
   * @throws InputError when their sizes are not the contract's
   */
  constructor(contract: Contract, weights: readonly Float32Array[]) {
    const { layers, activation, output } = contract.network;
    const expected = tensorSizes(layers);
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
    this.#mlp = new Mlp(layers, activation, output);
    this.#weights = weights;
    this.#input = new Float32Array(layers[0]!);
  }

  /** The mean action. @param obs [obsDim], as the Observer wrote it @param out [actionDim], not clipped */
  act(obs: Float32Array, out: Float32Array): void {
    this.#normalizer.apply(obs, 0, this.#input);
    this.#mlp.forward(this.#weights, this.#input, out);
  }
}
