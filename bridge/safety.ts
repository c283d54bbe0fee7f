/**
 * The last look at everything before it moves a motor, independent of the policy and its action terms: what the state
 * may be, and what effort may be sent. Limits are the contract's. Knows no link and no loop.
 */

import type { Contract, JointContract } from '../core/contract.ts';
import { clamp } from '../core/math.ts';
import { effortOf, type JointCommand, type RobotState } from '../core/robot.ts';
import { type Fault, makeFault } from './faults.ts';

/** A joint this far from where it is commanded, for this long, does not follow. */
const TRACKING = { rad: 0.5, m: 0.1, seconds: 0.5 } as const;

/** null when the state is one in which the robot may be driven. */
export function checkState(state: RobotState, joints: readonly JointContract[]): Fault | null {
  for (let j = 0; j < joints.length; j++) {
    const joint = joints[j]!;
    const q = state.q[j]!;
    const qd = state.qd[j]!;
    if (!Number.isFinite(q) || !Number.isFinite(qd)) {
      return makeFault('not-finite', `joint ${joint.name}: q ${q}, qd ${qd}`, 'look into the sensor and its driver');
    }
    if (joint.position !== null && (q < joint.position[0] || q > joint.position[1])) {
      const [lower, upper] = joint.position;
      return makeFault(
        'position-limit',
        `joint ${joint.name} is at ${q.toFixed(3)} ${joint.unit}, its range is ${lower} to ${upper}`,
        'move it back by hand; if the range is wrong, correct the robot description and train again',
      );
    }
    if (joint.velocity !== null && Math.abs(qd) > joint.velocity) {
      return makeFault(
        'velocity-limit',
        `joint ${joint.name} moves at ${qd.toFixed(2)} ${joint.unit}/s, its limit is ${joint.velocity}`,
        'train with a penalty on speed, or raise the limit if the robot allows it',
      );
    }
  }
  return null;
}

/** Holds the last effort sent, because the change of effort is limited too. */
export class SafetyGuard {
  /** Commands that had to be changed. */
  clamped = 0;
  /** The effort last sent, N m or N, [nJoints]. */
  readonly lastSent: Float64Array;
  readonly #joints: readonly JointContract[];
  /** Largest change of effort from one command to the next, [nJoints]. */
  readonly #maxStep: Float64Array;
  readonly #lostSince: Float64Array;

  constructor(contract: Pick<Contract, 'joints' | 'actions' | 'control'>) {
    this.#joints = contract.joints;
    this.lastSent = new Float64Array(contract.joints.length);
    this.#lostSince = new Float64Array(contract.joints.length).fill(NaN);
    this.#maxStep = Float64Array.from(contract.joints, (joint) => {
      const rates = contract.actions
        .filter((action) => action.kind === 'effort' && action.joints.includes(joint.name))
        .map((action) => action.rateLimit ?? Infinity);
      return Math.min(Infinity, ...rates) / contract.control.rateHz;
    });
  }

  reset(): void {
    this.lastSent.fill(0);
    this.#lostSince.fill(NaN);
    this.clamped = 0;
  }

  /**
   * The effort that `command` asks for in `state`, within effort and effort-rate limits, as a pure effort command.
   * @returns a fault, and then nothing in `out` may be used
   */
  limit(command: JointCommand, state: RobotState, out: JointCommand): Fault | null {
    let changed = false;
    for (let j = 0; j < this.#joints.length; j++) {
      const wanted = effortOf(command, state, j);
      if (!Number.isFinite(wanted)) {
        return makeFault(
          'not-finite',
          `the effort wanted of joint ${this.#joints[j]!.name} is ${wanted}`,
          'the policy or the state is broken: look at the end of the recording',
        );
      }
      const { effort } = this.#joints[j]!;
      const last = this.lastSent[j]!;
      const step = this.#maxStep[j]!;
      const limited = clamp(clamp(wanted, last - step, last + step), -effort, effort);
      if (limited !== wanted) changed = true;
      out.effort[j] = limited;
      out.q[j] = out.qd[j] = out.kp[j] = out.kd[j] = 0;
    }
    if (changed) this.clamped++;
    return null;
  }

  /** `command` is on its way. @param command as `limit` wrote it */
  sent(command: JointCommand): void {
    this.lastSent.set(command.effort);
  }

  /** A fault when a position-controlled joint has been far from its target for too long. @param now s */
  checkTracking(command: JointCommand, state: RobotState, now: number): Fault | null {
    for (let j = 0; j < this.#joints.length; j++) {
      const { name, unit } = this.#joints[j]!;
      const error = Math.abs(command.q[j]! - state.q[j]!);
      if (!(command.kp[j]! > 0) || error <= TRACKING[unit]) {
        this.#lostSince[j] = NaN;
      } else if (Number.isNaN(this.#lostSince[j]!)) {
        this.#lostSince[j] = now;
      } else if (now - this.#lostSince[j]! > TRACKING.seconds) {
        return makeFault(
          'tracking',
          `joint ${name} has been ${error.toFixed(2)} ${unit} from its target for ${TRACKING.seconds} s`,
          'look for an obstacle, a brake, a wrong sign, or gains that are too small',
        );
      }
    }
    return null;
  }
}
