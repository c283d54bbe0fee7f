/**
 * The way from command to drive: a constant delay for each joint that need not be a multiple of the physics step. Within
 * a step the torque is the time-weighted mix of the answers to the commands that act in it, so its impulse is exact.
 * Knows no kind of drive.
 */

import { type JointCommand, makeCommand, type RobotState } from '../../core/robot.ts';
import type { Drive } from './drive.ts';

/** Commands that can be on their way at once: a quarter of a second at 1 kHz. */
const CAPACITY = 256;

export class CommandQueue {
  readonly #nJoints: number;
  readonly #dt: number;
  /** All commands one after another, [CAPACITY, nJoints]. */
  readonly #commands: JointCommand;
  /** When each command starts to act on a joint without lateness, s. */
  readonly #starts = new Float64Array(CAPACITY);
  /** Beyond that, s, [nJoints]. */
  readonly #lateness: Float64Array;
  /** Slot of the newest command, and how many commands after the acting one wait for each joint. */
  #newest = 0;
  readonly #waiting: Int32Array;
  /** Slot of the stand-in for the command before the first, to which no drive answers; -1 once overwritten. */
  #silent = 0;
  readonly #answer: Float64Array;

  /** @param lateness of each joint beyond the start that comes with a command, s @param dt of the physics step, s */
  constructor(lateness: readonly number[], dt: number) {
    this.#dt = dt;
    this.#nJoints = lateness.length;
    this.#commands = makeCommand(CAPACITY * this.#nJoints);
    this.#lateness = Float64Array.from(lateness);
    this.#waiting = new Int32Array(this.#nJoints);
    this.#answer = new Float64Array(this.#nJoints);
  }

  /** Forget everything; until the first command arrives no torque is asked for. */
  reset(): void {
    this.#newest = 0;
    this.#silent = 0;
    this.#waiting.fill(0);
  }

  /** @param start when the command starts to act, s: the time it was given plus the latency; never before the last one's */
  push(command: JointCommand, start: number): void {
    for (let j = 0; j < this.#nJoints; j++) {
      if (this.#waiting[j] === CAPACITY - 1) {
        throw new RangeError(`more than ${CAPACITY} commands within the latency of joint ${j}`);
      }
    }
    const slot = (this.#newest + 1) % CAPACITY;
    const commands = this.#commands;
    for (let j = 0; j < this.#nJoints; j++) {
      const at = slot * this.#nJoints + j;
      commands.q[at] = command.q[j]!;
      commands.qd[at] = command.qd[j]!;
      commands.effort[at] = command.effort[j]!;
      commands.kp[at] = command.kp[j]!;
      commands.kd[at] = command.kd[j]!;
      this.#waiting[j] = this.#waiting[j]! + 1;
    }
    this.#starts[slot] = start;
    if (slot === this.#silent) this.#silent = -1;
    this.#newest = slot;
  }

  /**
   * The torque asked of each joint over one physics step, averaged over the step, from the state at its start.
   * @param out N m or N, [nJoints]
   */
  torques(state: RobotState, drives: readonly Drive[], out: Float64Array): void {
    const { time } = state;
    const dt = this.#dt;
    // A command due within a billionth of a step counts as due: times are sums of steps.
    const due = time + dt * 1e-9;
    const answer = this.#answer;
    for (let j = 0; j < out.length; j++) {
      const drive = drives[j]!;
      const late = this.#lateness[j]!;
      let waiting = this.#waiting[j]!;
      // The newest command whose start has come is the acting one.
      while (waiting > 0 && !(this.#starts[this.#slot(waiting - 1)]! + late > due)) waiting--;
      this.#waiting[j] = waiting;
      this.#ask(drive, this.#slot(waiting), j, state);
      let torque = 0 + answer[j]!;
      while (waiting > 0) {
        const slot = this.#slot(--waiting);
        const share = (time + dt - (this.#starts[slot]! + late)) / dt;
        if (share <= 1e-9) break;
        // The newer command takes over the rest of the step from the older one.
        torque -= share * answer[j]!;
        this.#ask(drive, slot, j, state);
        torque += share * answer[j]!;
      }
      out[j] = torque;
    }
  }

  /** Of the command that `behind` newer ones follow. */
  #slot(behind: number): number {
    return (this.#newest + CAPACITY - behind) % CAPACITY;
  }

  #ask(drive: Drive, slot: number, j: number, state: RobotState): void {
    if (slot === this.#silent) this.#answer[j] = 0;
    else drive.ask(this.#commands, slot * this.#nJoints + j, state, this.#answer);
  }
}
