/** Parameters on the kernel and their optimiser: Adam, the gradient clipped by its norm, what is frozen left alone. Knows no network. */

import { cos } from '../../core/math.ts';
import type { SimdMemory } from '../simd/simd-memory.ts';

const MAX_NORM = 1;
const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

export interface Schedule {
  readonly steps: number;
  /** Samples a step. */
  readonly batch: number;
  readonly learningRate: number;
  /** Steps until the full rate. */
  readonly warmUp: number;
}

/** lr_t = lr min(1, t / warmUp) (1 + cos(pi t / steps)) / 2 @param step from 0 */
export function rateAt({ steps, learningRate, warmUp }: Schedule, step: number): number {
  const rise = Math.min(1, (step + 1) / Math.max(1, warmUp));
  return (learningRate * rise * (1 + cos((Math.PI * step) / steps))) / 2;
}

export class SimdAdam {
  /** Pointers, [size]. */
  readonly parameters: number;
  readonly gradient: number;
  readonly #memory: SimdMemory;
  readonly #size: number;
  readonly #from: number;
  readonly #m: number;
  readonly #v: number;
  #step = 0;

  /** @param from first parameter that learns */
  constructor(memory: SimdMemory, values: Float32Array, from = 0) {
    this.#memory = memory;
    this.#size = values.length;
    this.#from = from;
    this.parameters = memory.allocate(values.length);
    this.gradient = memory.allocate(values.length);
    this.#m = memory.allocate(values.length);
    this.#v = memory.allocate(values.length);
    memory.floats(this.parameters, values.length).set(values);
  }

  /** A copy. */
  get values(): Float32Array {
    return this.#memory.floats(this.parameters, this.#size).slice();
  }

  clearGradient(): void {
    this.#memory.floats(this.gradient, this.#size).fill(0);
  }

  /** @returns norm of the gradient before clipping; NaN leaves the parameters as they are */
  step(learningRate: number): number {
    const { kernel } = this.#memory;
    const [at, count] = [4 * this.#from, this.#size - this.#from];
    const norm = Math.sqrt(kernel.squaredNorm(this.gradient + at, count));
    if (!Number.isFinite(norm)) return norm;
    this.#step++;
    const [c1, c2] = [1 - BETA1 ** this.#step, 1 - BETA2 ** this.#step];
    kernel.adam(
      ...([this.parameters + at, this.#m + at, this.#v + at, this.gradient + at, count] as const),
      ...([Math.min(1, MAX_NORM / norm), learningRate, BETA1, BETA2, c1, c2, EPSILON] as const),
    );
    return norm;
  }
}
