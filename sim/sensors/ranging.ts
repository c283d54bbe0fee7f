/**
 * Errors of everything that measures by rays: one bias for all rays (it sits in the timing, not in the ray), noise for each,
 * rays that never return. Where nothing is hit there is nothing to be noisy. Knows no geometry.
 */

import { clamp } from '../../core/math.ts';
import type { RandomStream } from '../../core/rng.ts';
import type { SensorQuality } from '../robot-spec.ts';
import { ReadingError } from './reading-error.ts';

const draw = new Float64Array(1);

export class RangingError {
  readonly #error: ReadingError;
  /** Lowest and highest reading, m: in an array, as a number is boxed where it may be one of several. */
  readonly #limits: Float64Array;
  readonly #dropout: number;

  /** @param near lowest reading, m @param far highest, which stands for no return, m @param dropout share of rays lost */
  constructor({ parts }: SensorQuality, near: number, far: number, dropout: number) {
    this.#error = new ReadingError(parts?.reading, 1);
    this.#limits = Float64Array.of(near, far);
    this.#dropout = dropout;
  }

  begin(random: RandomStream): void {
    this.#error.begin(random);
  }

  /** @param exact m, [rays] @param dt since the last reading, s @param out m, [rays] */
  corrupt(exact: Float64Array, dt: number, random: RandomStream, out: Float64Array): void {
    out.set(exact);
    this.#error.apply(out, 0, out.length, dt, random);
    const limits = this.#limits;
    for (let i = 0; i < out.length; i++) {
      const isLost = exact[i]! >= limits[1]! || this.#drops(random);
      out[i] = isLost ? limits[1]! : clamp(out[i]!, limits[0]!, limits[1]!);
    }
  }

  #drops(random: RandomStream): boolean {
    if (this.#dropout === 0) return false;
    random.uniforms(draw, 1);
    return draw[0]! < this.#dropout;
  }
}
