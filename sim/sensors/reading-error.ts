/**
 * How the numbers of one part of a reading depart from the truth: white noise, a bias drawn once an episode that walks at
 * random from there, and the step of the digital output. Knows no sensor and no clock.
 */

import type { RandomStream } from '../../core/rng.ts';
import type { SensorNoise } from '../robot-spec.ts';

export class ReadingError {
  /** Step of the digital output, in the reading's unit; 0 for none. */
  readonly quantum: number;
  /** Whether there is neither noise nor bias. */
  readonly isExact: boolean;
  readonly #noise: number;
  readonly #spread: number;
  readonly #drift: number;
  readonly #bias: Float64Array;
  /** Room for the normals of a reading. */
  #white = new Float64Array(0);

  /** @param biases how many there are: one for each number of the part, or a single one that all share */
  constructor(spec: SensorNoise | undefined, biases: number) {
    this.#noise = spec?.noise ?? 0;
    this.#spread = spec?.bias ?? 0;
    this.#drift = spec?.biasDrift ?? 0;
    this.quantum = spec?.quantum ?? 0;
    this.isExact = this.#noise === 0 && this.#spread === 0 && this.#drift === 0;
    this.#bias = new Float64Array(biases);
  }

  /** A new episode. */
  begin(random: RandomStream): void {
    this.#bias.fill(0);
    if (this.#spread === 0) return;
    for (let i = 0; i < this.#bias.length; i++) this.#bias[i] = this.#spread * random.normal();
  }

  /**
   * Add noise and bias to `values[from]` up to `values[to - 1]`.
   * @param dt since the last reading, over which the bias has walked, s
   */
  add(values: Float64Array, from: number, to: number, dt: number, random: RandomStream): void {
    if (this.isExact) return;
    const bias = this.#bias;
    if (this.#drift > 0 && dt > 0) {
      // b(t + dt) = b(t) + drift sqrt(dt) n
      const step = this.#drift * Math.sqrt(dt);
      const white = this.#draw(bias.length, random);
      for (let i = 0; i < bias.length; i++) bias[i] = bias[i]! + step * white[i]!;
    }
    const isShared = bias.length === 1;
    for (let i = from; i < to; i++) values[i] = values[i]! + bias[isShared ? 0 : i - from]!;
    if (this.#noise === 0) return;
    const white = this.#draw(to - from, random);
    for (let i = from; i < to; i++) values[i] = values[i]! + this.#noise * white[i - from]!;
  }

  /** Round to the digital output's steps. */
  quantise(values: Float64Array, from: number, to: number): void {
    const { quantum } = this;
    if (quantum === 0) return;
    for (let i = from; i < to; i++) values[i] = Math.round(values[i]! / quantum) * quantum;
  }

  #draw(count: number, random: RandomStream): Float64Array {
    if (this.#white.length < count) this.#white = new Float64Array(count);
    random.normals(this.#white, count);
    return this.#white;
  }

  /** Both. */
  apply(values: Float64Array, from: number, to: number, dt: number, random: RandomStream): void {
    this.add(values, from, to, dt, random);
    this.quantise(values, from, to);
  }
}
