/**
 * A learner's parameters on tfjs in named parts, each a flat vector with an Adam of its own, and parts that only follow
 * others (target networks). Turns them into one vector for a checkpoint and back. Knows no loss.
 */

import * as tf from '@tensorflow/tfjs';
import { Adam } from './adam.ts';
import type { LearnerState } from './ppo-learner.ts';
import { refuseSize } from './sac-learner.ts';

export class ParameterParts<Name extends string> {
  readonly #names: readonly Name[];
  readonly #sizes: readonly number[];
  readonly #values: Record<Name, tf.Tensor1D>;
  /** Of the parts that learn. */
  readonly #adams: Partial<Record<Name, Adam>>;

  /**
   * @param sizes in the order of the flat vector @param followers the parts that do not learn themselves
   * @param first values of all
   */
  constructor(sizes: Readonly<Record<Name, number>>, followers: readonly NoInfer<Name>[], first: Float32Array) {
    this.#names = Object.keys(sizes) as Name[];
    this.#sizes = this.#names.map((name) => sizes[name]);
    this.#values = this.#cut(first);
    const learn = this.#names.filter((name) => !followers.includes(name));
    this.#adams = Object.fromEntries(learn.map((name) => [name, new Adam(sizes[name])])) as Partial<Record<Name, Adam>>;
  }

  get(name: Name): tf.Tensor1D {
    return this.#values[name];
  }

  /** One step of Adam. @param gradient is disposed @param step counts from 1 */
  step(name: Name, gradient: tf.Tensor1D, learningRate: number, step: number): void {
    this.#values[name] = this.#adams[name]!.step(this.#values[name], gradient, learningRate, step);
    gradient.dispose();
  }

  /** follower = (1 - tau) follower + tau leader */
  follow(leader: Name, follower: Name, tau: number): void {
    const next = tf.tidy(() => tf.add(tf.mul(1 - tau, this.#values[follower]), tf.mul(tau, this.#values[leader])));
    this.#values[follower].dispose();
    this.#values[follower] = next as tf.Tensor1D;
  }

  async read(name: Name): Promise<Float32Array> {
    return Float32Array.from(await this.#values[name].data());
  }

  /** Moments of followers are zeros. */
  async state(steps: number, learningRate: number): Promise<LearnerState> {
    const moment = (k: 0 | 1) =>
      Promise.all(
        this.#names.map((name, i) => this.#adams[name]?.moments[k].data() ?? new Float32Array(this.#sizes[i]!)),
      );
    return {
      parameters: joined(await Promise.all(this.#names.map((name) => this.#values[name].data()))),
      firstMoment: joined(await moment(0)),
      secondMoment: joined(await moment(1)),
      steps,
      learningRate,
    };
  }

  /** @throws LandfallError when the sizes are those of another network */
  load(state: LearnerState): void {
    refuseSize(
      state,
      this.#sizes.reduce((a, b) => a + b, 0),
    );
    const { parameters, firstMoment, secondMoment } = state;
    const values = this.#cut(parameters);
    for (const name of this.#names) {
      this.#values[name].dispose();
      this.#values[name] = values[name];
    }
    for (const [i, name] of this.#names.entries()) {
      const at = this.#sizes.slice(0, i).reduce((a, b) => a + b, 0);
      const end = at + this.#sizes[i]!;
      this.#adams[name]?.load(firstMoment.slice(at, end), secondMoment.slice(at, end));
    }
  }

  dispose(): void {
    for (const name of this.#names) {
      this.#values[name].dispose();
      this.#adams[name]?.dispose();
    }
  }

  #cut(flat: Float32Array): Record<Name, tf.Tensor1D> {
    let at = 0;
    const entries = this.#names.map((name, i) => {
      const size = this.#sizes[i]!;
      at += size;
      return [name, tf.tensor1d(flat.slice(at - size, at))];
    });
    return Object.fromEntries(entries) as Record<Name, tf.Tensor1D>;
  }
}

function joined(arrays: readonly ArrayLike<number>[]): Float32Array {
  const out = new Float32Array(arrays.reduce((sum, array) => sum + array.length, 0));
  let at = 0;
  for (const array of arrays) {
    out.set(array, at);
    at += array.length;
  }
  return out;
}

/** The means over some rows of figures, which are disposed; NaN where there are none. */
export async function meanOf(rows: tf.Tensor1D[], width: number): Promise<number[]> {
  if (rows.length === 0) return new Array<number>(width).fill(Number.NaN);
  const mean = tf.tidy(() => tf.mean(tf.stack(rows), 0));
  tf.dispose(rows);
  const values = Array.from(await mean.data());
  mean.dispose();
  return values;
}
