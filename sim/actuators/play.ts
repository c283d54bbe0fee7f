/**
 * Play in the gears (Nordin and Gutman, "Controlling mechanical systems with backlash", 2002): the motor's rotor, of the
 * joint's armature, is free against the joint between the two ends of the play. Torque passes only at an end and only
 * towards it; a reversal first sends the rotor across, which is the hysteresis, and it lands with a plastic blow, which
 * hands over the momentum it gained: no impulse is lost. Encoders sit on the joint. Knows no engine.
 */

import { InputError } from '../../core/errors.ts';
import type { RobotState } from '../../core/robot.ts';

export class Play {
  readonly #dt: number;
  /** Half the play, rad, and the rotor's inertia, kg m2, [nJoints]. */
  readonly #half: Float64Array;
  readonly #inertia: Float64Array;
  /** Rotor minus joint, rad, and the rotor's velocity, rad/s, [nJoints]. NaN: as the joint's. */
  readonly #offset: Float64Array;
  readonly #velocity: Float64Array;

  /** @param widths of the play from end to end, rad, [nJoints] @param dt of the physics step, s */
  constructor(widths: readonly number[], dt: number) {
    this.#dt = dt;
    this.#half = Float64Array.from(widths, (width) => width / 2);
    this.#inertia = new Float64Array(widths.length);
    this.#offset = new Float64Array(widths.length);
    this.#velocity = new Float64Array(widths.length);
  }

  /**
   * Every rotor starts in the middle of its play and moves with its joint.
   * @param armature kg m2, [nJoints] @throws InputError where there is play and no rotor
   */
  reset(armature: ArrayLike<number>): void {
    this.#inertia.set(armature);
    this.#offset.fill(0);
    this.#velocity.fill(NaN);
    const bad = this.#half.findIndex((half, j) => half > 0 && !(armature[j]! > 0));
    if (bad < 0) return;
    throw new InputError(
      `joint ${bad} has ${2 * this.#half[bad]!} rad of play and a rotor without inertia, which would cross it at once`,
      { repair: "set the joint's armature, the reflected inertia of its rotor, kg m2" },
    );
  }

  /** @param torques of the motors, N m; in their place comes what reaches the joints in the coming step, [nJoints] */
  pass(state: RobotState, torques: Float64Array): void {
    const dt = this.#dt;
    for (let j = 0; j < torques.length; j++) {
      const half = this.#half[j]!;
      if (half === 0) continue;
      const inertia = this.#inertia[j]!;
      const joint = state.qd[j]!;
      const before = this.#offset[j]!;
      // At an end the rotor moves with the joint, of whose inertia it is part.
      const together = Number.isNaN(this.#velocity[j]!) || Math.abs(before) === half;
      // w <- w + dt tau / J,  x <- x + dt (w - qd)
      const velocity = (together ? joint : this.#velocity[j]!) + (dt * torques[j]!) / inertia;
      const offset = before + dt * (velocity - joint);
      if (Math.abs(offset) < half) {
        this.#offset[j] = offset;
        this.#velocity[j] = velocity;
        torques[j] = 0;
        continue;
      }
      this.#offset[j] = offset > 0 ? half : -half;
      this.#velocity[j] = joint;
      // J (w - qd) / dt: the torque itself where the rotor already was at this end
      if (before !== this.#offset[j]!) torques[j] = (inertia * (velocity - joint)) / dt;
    }
  }
}
