/**
 * The way from command to motor: a constant delay that need not be a multiple of the physics step. Within a step the
 * torque is the time-weighted mix of the commands that act in it, so its impulse is exact. Knows no engine.
 */

import { effortOf, type JointCommand, makeCommand, type RobotState } from '../core/robot.ts';

/** Commands that can be on their way at once. */
const CAPACITY = 64;

export class CommandDelay {
  readonly #commands: readonly JointCommand[];
  /** When each command starts to act, s. */
  readonly #starts = new Float64Array(CAPACITY);
  /** Slot of the command acting now, and how many newer ones wait behind it. */
  #active = 0;
  #waiting = 0;

  constructor(nJoints: number) {
    this.#commands = Array.from({ length: CAPACITY }, () => makeCommand(nJoints));
  }

  /** Forget everything; until the first command arrives no torque is asked for. */
  reset(): void {
    this.#active = 0;
    this.#waiting = 0;
    this.#starts.fill(0);
    const first = this.#commands[0]!;
    for (const field of [first.q, first.qd, first.effort, first.kp, first.kd]) field.fill(0);
  }

  /** @param start when the command starts to act, s: the time it was given plus the latency */
  push(command: JointCommand, start: number): void {
    if (this.#waiting === CAPACITY - 1) throw new RangeError(`more than ${CAPACITY} commands within the latency`);
    this.#waiting++;
    const slot = (this.#active + this.#waiting) % CAPACITY;
    const copy = this.#commands[slot]!;
    copy.q.set(command.q);
    copy.qd.set(command.qd);
    copy.effort.set(command.effort);
    copy.kp.set(command.kp);
    copy.kd.set(command.kd);
    this.#starts[slot] = start;
  }

  /**
   * The torque asked of each joint over one physics step, averaged over the step, from the state at its start.
   * @param time start of the step, s @param dt its length, s @param out N m or N, [nJoints]
   */
  torques(state: RobotState, time: number, dt: number, limits: ArrayLike<number>, out: Float64Array): void {
    // A command due within a billionth of a step counts as due: times are sums of steps.
    const slack = dt * 1e-9;
    this.#advance(time + slack);
    this.#add(this.#active, 1, state, limits, out, true);
    let covered = this.#active;
    for (let ahead = 1; ahead <= this.#waiting; ahead++) {
      const slot = (this.#active + ahead) % CAPACITY;
      const share = (time + dt - this.#starts[slot]!) / dt;
      if (share <= 1e-9) break;
      // The newer command takes over the rest of the step from the older one.
      this.#add(covered, -share, state, limits, out, false);
      this.#add(slot, share, state, limits, out, false);
      covered = slot;
    }
  }

  /** Make the newest command whose start has come the active one. */
  #advance(time: number): void {
    while (this.#waiting > 0) {
      const next = (this.#active + 1) % CAPACITY;
      if (this.#starts[next]! > time) return;
      this.#active = next;
      this.#waiting--;
    }
  }

  #add(
    slot: number,
    weight: number,
    state: RobotState,
    limits: ArrayLike<number>,
    out: Float64Array,
    first: boolean,
  ): void {
    const command = this.#commands[slot]!;
    for (let j = 0; j < out.length; j++) {
      const limit = limits[j]!;
      const asked = effortOf(command, state, j);
      const torque = asked > limit ? limit : asked < -limit ? -limit : asked;
      out[j] = (first ? 0 : out[j]!) + weight * torque;
    }
  }
}
