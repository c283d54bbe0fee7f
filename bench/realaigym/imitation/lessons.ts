/** What a student has been told so far: features and the teacher's torque, newest over oldest, in the learner's memory. */

import type { SimdMemory } from '../../../policy/simd/simd-memory.ts';
import { FEATURES, writeFeatures } from './student.ts';
import type { Teacher } from './teacher.ts';

/** A lesson at this cost-to-go counts half of one on the trajectory: far away the teacher itself knows little. */
const FAR = 20;
/** How much a lesson counts whose torque is the limit: what was wanted beyond it is not known. */
const CUT = 0.3;
/** How much the swing-up itself counts. */
const NOMINAL = 6;

export class Lessons {
  /** Pointer to the features, [capacity, FEATURES]. */
  readonly features: number;
  /** Share of the motor's limit, and how much it counts, [capacity]. */
  readonly torques: Float32Array;
  readonly weights: Float32Array;
  /** The first so many are the swing-up, which stays. */
  readonly nominal: number;
  readonly #capacity: number;
  readonly #memory: SimdMemory;
  #teacher: Teacher;
  #count: number;
  #at: number;

  constructor(memory: SimdMemory, capacity: number, teacher: Teacher) {
    this.#memory = memory;
    this.#capacity = capacity;
    this.#teacher = teacher;
    this.features = memory.allocate(capacity * FEATURES);
    this.torques = new Float32Array(capacity);
    this.weights = new Float32Array(capacity);
    this.nominal = teacher.torques.length;
    const features = this.#view();
    for (let n = 0; n < this.nominal; n++) {
      writeFeatures(teacher.states.subarray(4 * n, 4 * n + 4), features, n * FEATURES);
      this.torques[n] = teacher.torques[n]! / teacher.limit;
      this.weights[n] = NOMINAL;
    }
    this.#at = this.nominal;
    this.#count = this.nominal;
  }

  get count(): number {
    return this.#count;
  }

  /** Whom `add` asks from now on. */
  set teacher(teacher: Teacher) {
    this.#teacher = teacher;
  }

  /** Ask the teacher. @param x [4] */
  add(x: ArrayLike<number>): void {
    const teacher = this.#teacher;
    const torque = teacher.torque(x);
    writeFeatures(x, this.#view(), this.#at * FEATURES);
    this.torques[this.#at] = torque / teacher.limit;
    this.weights[this.#at] = (Math.abs(torque) >= teacher.limit ? CUT : 1) / (1 + teacher.distance / FAR);
    this.#at++;
    this.#count = Math.max(this.#count, this.#at);
    if (this.#at === this.#capacity) this.#at = this.nominal;
  }

  #view(): Float32Array {
    return this.#memory.floats(this.features, this.#capacity * FEATURES);
  }
}
