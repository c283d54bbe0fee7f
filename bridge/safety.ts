/**
 * The last look at everything before it moves a motor, independent of the policy and its action terms: what the state
 * may be, and what may be sent. Limits are the contract's. Knows no link and no loop.
 */

import type { Contract, JointContract } from '../core/contract.ts';
import { clamp } from '../core/math.ts';
import type { JointCommand, RobotState } from '../core/robot.ts';
import { type Fault, makeFault } from './faults.ts';
import type { CommandInterface } from './interfaces/command-interface.ts';
import { mappingOf } from './mappings/registry.ts';

/** A joint this far from where it is commanded, for this long, does not follow. */
const TRACKING = { rad: 0.5, m: 0.1, seconds: 0.5 } as const;

/** A joint pressed against its stop reads beyond its range by give, play and noise, as of a robot that lies down. */
export const STOP_SLACK = { rad: 0.05, m: 0.005 } as const;

/**
 * null when the state is one in which the robot may be driven.
 * @param slack how far beyond its range a joint may be
 */
export function checkState(
  state: RobotState,
  joints: readonly JointContract[],
  slack: Readonly<Record<JointContract['unit'], number>> = { rad: 0, m: 0 },
): Fault | null {
  for (let j = 0; j < joints.length; j++) {
    const joint = joints[j]!;
    const q = state.q[j]!;
    const qd = state.qd[j]!;
    if (!Number.isFinite(q) || !Number.isFinite(qd)) {
      return makeFault('not-finite', `joint ${joint.name}: q ${q}, qd ${qd}`, 'look into the sensor and its driver');
    }
    const beyond = slack[joint.unit];
    if (joint.position !== null && (q < joint.position[0] - beyond || q > joint.position[1] + beyond)) {
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

/** Holds what was sent last, because its change is limited too. What it limits is the mapping's interface to say. */
export class SafetyGuard {
  /** Commands that had to be changed. */
  clamped = 0;
  /** What was limited of the command last sent: effort, position or velocity, [nJoints]; NaN before the first of a position. */
  readonly lastSent: Float64Array;
  /** As a recording wants it, [nJoints] each: NaN, or no numbers, where the interface does not carry it. */
  readonly effortSent: Float64Array;
  readonly qSent: Float64Array;
  readonly qdSent: Float64Array;
  readonly #joints: readonly JointContract[];
  readonly #takes: CommandInterface;
  /** Of the command that `limit` wrote last. */
  readonly #limited: Float64Array;
  /** Largest change from one command to the next, [nJoints]. */
  readonly #maxStep: Float64Array;
  readonly #lostSince: Float64Array;
  #begun = false;

  constructor(contract: Pick<Contract, 'joints' | 'actions' | 'control' | 'ros'>) {
    const { joints } = contract;
    const n = joints.length;
    this.#joints = joints;
    this.#takes = mappingOf(contract).takes;
    const { carries } = this.#takes;
    this.lastSent = new Float64Array(n);
    this.effortSent = new Float64Array(n).fill(NaN);
    this.qSent = new Float64Array(carries.includes('q') ? n : 0);
    this.qdSent = new Float64Array(carries.includes('qd') ? n : 0);
    this.#limited = new Float64Array(n);
    this.#lostSince = new Float64Array(n).fill(NaN);
    this.#maxStep = Float64Array.from(
      joints,
      (joint) => largestChange(contract, joint, this.#takes) / contract.control.rateHz,
    );
  }

  reset(): void {
    this.lastSent.fill(0);
    this.#begun = false;
    this.#lostSince.fill(NaN);
    this.clamped = 0;
  }

  /**
   * The command within the limits of what the robot takes, and of its change.
   * @returns a fault, and then nothing in `out` may be used
   */
  limit(command: JointCommand, state: RobotState, out: JointCommand): Fault | null {
    let changed = false;
    for (let j = 0; j < this.#joints.length; j++) {
      const joint = this.#joints[j]!;
      const wanted = this.#takes.wanted(command, state, j, joint);
      if (!Number.isFinite(wanted)) {
        return makeFault(
          'not-finite',
          `the ${this.#takes.name} wanted of joint ${joint.name} is ${wanted}`,
          'the policy or the state is broken: look at the end of the recording',
        );
      }
      const [lower, upper] = this.#takes.bounds(joint);
      const last = this.#begun ? this.lastSent[j]! : this.#takes.initial(state, j);
      const step = this.#maxStep[j]!;
      const limited = clamp(clamp(wanted, last - step, last + step), lower, upper);
      if (limited !== wanted) changed = true;
      this.#limited[j] = limited;
      this.#takes.write(command, wanted, limited, j, joint, out);
    }
    if (changed) this.clamped++;
    return null;
  }

  /** What goes out next was not limited: the change of the one after counts from rest, or from the position held. */
  forget(): void {
    if (this.#takes.name === 'position') this.#limited.set(this.lastSent);
    else this.#limited.fill(0);
  }

  /** `command` is on its way. @param command as `limit` wrote it last */
  sent(command: JointCommand): void {
    this.#begun = true;
    this.lastSent.set(this.#limited);
    if (this.#takes.carries.includes('effort')) this.effortSent.set(this.#limited);
    if (this.qSent.length > 0) this.qSent.set(command.q);
    if (this.qdSent.length > 0) this.qdSent.set(command.qd);
  }

  /** A fault when a position-controlled joint has been far from its target for too long. @param now s */
  checkTracking(command: JointCommand, state: RobotState, now: number): Fault | null {
    for (let j = 0; j < this.#joints.length; j++) {
      const { name, unit } = this.#joints[j]!;
      const error = Math.abs(command.q[j]! - state.q[j]!);
      const follows = command.kp[j]! > 0 || this.#takes.name === 'position';
      if (!follows || error <= TRACKING[unit]) {
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

/** Per second, in the unit of what is limited: the contract's rate limits; a position also follows no faster than its joint. */
function largestChange({ actions }: Pick<Contract, 'actions'>, joint: JointContract, takes: CommandInterface): number {
  const own = actions.filter((action) => action.joints.includes(joint.name));
  const rates = own.map(({ kind, rateLimit, drive }) => {
    if (rateLimit === null) return Infinity;
    if (kind === takes.name || (kind === 'effort' && takes.carries.includes('effort'))) return rateLimit;
    // Wheel speeds (v -+ w d / 2) / r: v and w may both change at the limit.
    if (kind === 'twist' && takes.name === 'velocity') return (rateLimit * (1 + drive!.separation / 2)) / drive!.radius;
    return Infinity;
  });
  const follows = takes.name === 'position' ? (joint.velocity ?? Infinity) : Infinity;
  return Math.min(follows, ...rates);
}
