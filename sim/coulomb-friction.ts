/**
 * Dry friction of joints that sticks: a stiff spring with a damper whose torque is bounded by the Coulomb limit, one for
 * each joint. Below the limit the spring holds, above it the joint slides under the full limit. The elasto-plastic model of
 * Dupont, Armstrong and Hayward (ACC 2000) with an immediate transition. Knows no engine.
 */

/** Share of the joint's velocity that the damper takes away in one step, while the joint sticks. Stable below 2. */
const DAMPING_RATIO = 0.5;

/** Stiffness as a share of I / dt^2. With the damper above: 0.8 of critical damping. */
const STIFFNESS_RATIO = 0.1;

export class CoulombFriction {
  /** N m, [nJoints]. */
  readonly #limit: Float64Array;
  /** Of the springs, rad, [nJoints]. */
  readonly #stretch: Float64Array;
  /** N m/rad and N m s/rad, [nJoints]. */
  readonly #stiffness: Float64Array;
  readonly #damping: Float64Array;
  readonly #dt: number;

  /** @param dt of the physics step, s */
  constructor(nJoints: number, dt: number) {
    this.#dt = dt;
    this.#limit = new Float64Array(nJoints);
    this.#stretch = new Float64Array(nJoints);
    this.#stiffness = new Float64Array(nJoints);
    this.#damping = new Float64Array(nJoints);
  }

  /**
   * Joint `j` starts unstretched.
   * @param limit N m
   * @param inertia of what the joint moves about its axis, kg m2; too small is safe, too large is not
   */
  reset(j: number, limit: number, inertia: number): void {
    this.#limit[j] = limit;
    this.#stretch[j] = 0;
    this.#stiffness[j] = (STIFFNESS_RATIO * inertia) / this.#dt ** 2;
    this.#damping[j] = (DAMPING_RATIO * inertia) / this.#dt;
  }

  /** Another limit within an episode, N m. */
  setLimit(j: number, limit: number): void {
    this.#limit[j] = limit;
  }

  /**
   * Add the torques during the coming physics step. To be called once a step.
   * @param qd rad/s, [nJoints] @param torques N m, [nJoints]
   */
  resist(qd: Float64Array, torques: Float64Array): void {
    for (let j = 0; j < this.#limit.length; j++) {
      const limit = this.#limit[j]!;
      if (limit === 0) continue;
      const stiffness = this.#stiffness[j]!;
      // z <- clip(z + qd dt, +-F / k)
      const slack = limit / stiffness;
      const stretch = clip(this.#stretch[j]! + qd[j]! * this.#dt, slack);
      this.#stretch[j] = stretch;
      // tau = -clip(k z + c qd, +-F)
      torques[j] = torques[j]! - clip(stiffness * stretch + this.#damping[j]! * qd[j]!, limit);
    }
  }
}

function clip(value: number, limit: number): number {
  return value > limit ? limit : value < -limit ? -limit : value;
}
