/**
 * What the tfjs learner needs of a fine-tuning plan on its device: rates, pull, and an adapter, which is stepped on plain arrays
 * (one read-back a minibatch). Without a plan every method leaves its argument as it is. Knows no loss.
 */

import * as tf from '@tensorflow/tfjs';
import type { Key } from '../core/rng.ts';
import { adapterRate } from './fine-tune-plan.ts';
import type { NetworkSettings, Rehearsal, Trainable } from './ppo-learner.ts';
import { type AdapterState, adapterSize, expand, identityOf, pullBack, stepAdapter } from './transfer/adapter.ts';
import { headRates } from './transfer/rates.ts';

/** What is not to be forgotten, uploaded. */
export interface DeviceRehearsal {
  readonly coefficient: number;
  readonly obs: tf.Tensor2D;
  readonly mean: tf.Tensor2D;
  readonly logStd: tf.Tensor1D;
}

export function uploadRehearsal({ coefficient, size, obs, mean, logStd }: Rehearsal): DeviceRehearsal {
  return {
    coefficient,
    obs: tf.tensor2d(obs, [size, obs.length / size]),
    mean: tf.tensor2d(mean, [size, mean.length / size]),
    logStd: tf.tensor1d(logStd),
  };
}

/** Minibatch k's share of the states; the caller disposes of it. */
export function partOf(rehearsal: DeviceRehearsal, k: number, minibatches: number): DeviceRehearsal {
  const rows = Math.floor(rehearsal.obs.shape[0] / minibatches);
  const part = (whole: tf.Tensor2D) => tf.slice(whole, [k * rows, 0], [rows, whole.shape[1]]);
  return { ...rehearsal, obs: part(rehearsal.obs), mean: part(rehearsal.mean) };
}

export class PlanOnDevice {
  readonly #trainable: Trainable;
  readonly #key: Key;
  readonly #pull: { readonly anchor: tf.Tensor1D; readonly stiffness: tf.Tensor1D } | null;
  readonly #headRates: Float32Array | null;
  #adapter: { readonly state: AdapterState; readonly base: Float32Array } | null = null;
  #adapterRate = 0;
  #rates: { readonly values: Float32Array; readonly onDevice: tf.Tensor1D; readonly mask: tf.Tensor1D } | null = null;

  /** @param key of an adapter's first numbers */
  constructor(trainable: Trainable, network: NetworkSettings, key: Key) {
    this.#trainable = trainable;
    this.#key = key;
    this.#headRates = trainable === 'actor-head' ? headRates(network) : null;
    const pull = typeof trainable === 'string' ? undefined : trainable.pull;
    this.#pull =
      pull === undefined ? null : { anchor: tf.tensor1d(pull.anchor), stiffness: tf.tensor1d(pull.stiffness) };
  }

  /** New weights: an adapter does nothing yet. */
  restart(parameters: Float32Array): void {
    const spec = this.#spec;
    if (spec === null) return;
    const length = adapterSize(spec);
    const [firstMoment, secondMoment] = [new Float32Array(length), new Float32Array(length)];
    this.#adapter = {
      state: { theta: identityOf(spec, this.#key), firstMoment, secondMoment },
      base: parameters.slice(),
    };
  }

  /** An iteration begins. */
  setRates(iteration: number): void {
    if (this.#trainable === 'all') return;
    const values = this.#trainable === 'actor-head' ? this.#headRates! : this.#trainable.rates(iteration);
    if (typeof this.#trainable !== 'string') this.#adapterRate = adapterRate(this.#trainable, iteration);
    this.#disposeRates();
    const mask = values.map((rate) => (rate === 0 ? 0 : 1));
    this.#rates = { values, onDevice: tf.tensor1d(values), mask: tf.tensor1d(mask) };
  }

  /** The optimiser starts anew. */
  forgetMoments(): void {
    this.#adapter?.state.firstMoment.fill(0);
    this.#adapter?.state.secondMoment.fill(0);
  }

  /** Whether a number learns in this iteration. */
  learns(index: number): boolean {
    return this.#rates === null || this.#rates.values[index] !== 0;
  }

  /** The gradient of what learns, with the pull's. To be called within a tidy. */
  gradient(flat: tf.Tensor1D, parameters: tf.Tensor1D): tf.Tensor1D {
    const pull = this.#pull;
    const pulled = pull === null ? flat : tf.add(flat, tf.mul(pull.stiffness, tf.sub(parameters, pull.anchor)));
    return this.#rates === null ? (pulled as tf.Tensor1D) : tf.mul(pulled, this.#rates.mask);
  }

  /** A step as long as each number's rate says. To be called within a tidy. */
  change(step: tf.Tensor): tf.Tensor {
    return this.#rates === null ? step : tf.mul(step, this.#rates.onDevice);
  }

  /** The adapter's gradient; null without one, or while it rests. @param flat of the weights, all of them */
  async pullBack(flat: tf.Tensor1D): Promise<Float32Array | null> {
    const [spec, adapter] = [this.#spec, this.#adapter];
    if (spec === null || adapter === null || this.#adapterRate === 0) return null;
    const out = new Float32Array(adapterSize(spec));
    pullBack(spec, adapter.state.theta, adapter.base, (await flat.data()) as Float32Array, out);
    return out;
  }

  /** The adapter's step, merged. @param parameters are disposed @param scale of the gradient @returns the parameters after it */
  async stepAdapter(
    parameters: tf.Tensor1D,
    gradient: Float32Array,
    scale: tf.Scalar,
    learningRate: number,
    step: number,
  ): Promise<tf.Tensor1D> {
    const { state, base } = this.#adapter!;
    stepAdapter(state, gradient, (await scale.data())[0]!, learningRate * this.#adapterRate, step);
    const merged = Float32Array.from(await parameters.data());
    expand(this.#spec!, state.theta, base, merged);
    parameters.dispose();
    return tf.tensor1d(merged);
  }

  dispose(): void {
    this.#disposeRates();
    if (this.#pull !== null) tf.dispose([this.#pull.anchor, this.#pull.stiffness]);
  }

  get #spec() {
    return typeof this.#trainable === 'string' ? null : (this.#trainable.adapter ?? null);
  }

  #disposeRates(): void {
    if (this.#rates !== null) tf.dispose([this.#rates.onDevice, this.#rates.mask]);
    this.#rates = null;
  }
}
