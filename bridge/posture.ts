/**
 * What the robot is told when no policy runs: damping, the way to the default pose, holding it. Joint commands with the
 * contract's gains. Knows no limits (bridge/safety.ts) and no link.
 */

import type { JointContract } from '../core/contract.ts';
import { clamp } from '../core/math.ts';
import { dampingCommand, type JointCommand, type RobotState } from '../core/robot.ts';
import { type Fault, makeFault } from './faults.ts';

/** Speed of the way to the default pose, per second; within how much it has arrived, and how slow it must be then. */
const APPROACH = { rad: 1, m: 0.1 } as const;
const NEAR = { rad: 0.2, m: 0.02 } as const;
const SLOW = { rad: 0.3, m: 0.03 } as const;
/** At the pose and slow for this long, s. */
const SETTLED = 0.3;
/** The way may take this much longer than planned, s. */
const PATIENCE = 20;

export class Posture {
  readonly #joints: readonly JointContract[];
  readonly #kd: Float64Array;
  readonly #from: Float64Array;
  readonly #target: Float64Array;
  #begun = 0;
  #duration = 0;
  #settledSince = NaN;

  constructor(joints: readonly JointContract[]) {
    this.#joints = joints;
    this.#kd = Float64Array.from(joints, (joint) => joint.kd);
    this.#from = new Float64Array(joints.length);
    this.#target = new Float64Array(joints.length);
  }

  damp(out: JointCommand): void {
    dampingCommand(this.#kd, out);
  }

  /** No effort at all. */
  limp(out: JointCommand): void {
    dampingCommand(this.#kd, out);
    out.kd.fill(0);
  }

  /** Begin the way from the measured pose. @param now s */
  begin(state: RobotState, now: number): void {
    this.#begun = now;
    this.#duration = 0;
    this.#settledSince = NaN;
    for (let j = 0; j < this.#joints.length; j++) {
      const joint = this.#joints[j]!;
      this.#from[j] = state.q[j]!;
      this.#target[j] = nearestPose(joint, state.q[j]!);
      const seconds = Math.abs(this.#target[j]! - this.#from[j]!) / APPROACH[joint.unit];
      this.#duration = Math.max(this.#duration, seconds);
    }
  }

  /** The command on the way to the default pose, and at its end that of holding it. */
  approach(now: number, out: JointCommand): void {
    const t = this.#duration === 0 ? 1 : clamp((now - this.#begun) / this.#duration, 0, 1);
    for (let j = 0; j < this.#joints.length; j++) {
      // q*(t) = from + t (target - from)
      out.q[j] = this.#from[j]! + t * (this.#target[j]! - this.#from[j]!);
      out.qd[j] = 0;
      out.effort[j] = 0;
      out.kp[j] = this.#joints[j]!.kp;
      out.kd[j] = this.#kd[j]!;
    }
  }

  /** True once the robot has been at the pose, at rest, for a while; a fault when it takes too long. */
  arrived(state: RobotState, now: number): boolean | Fault {
    const stray = this.#joints.findIndex(
      ({ unit }, j) => Math.abs(state.q[j]! - this.#target[j]!) > NEAR[unit] || Math.abs(state.qd[j]!) > SLOW[unit],
    );
    if (stray >= 0) {
      this.#settledSince = NaN;
      if (now - this.#begun <= this.#duration + PATIENCE) return false;
      const { name, unit } = this.#joints[stray]!;
      const error = (state.q[stray]! - this.#target[stray]!).toFixed(2);
      return makeFault(
        'tracking',
        `joint ${name} did not come to rest at its default pose: ${error} ${unit} away, ${state.qd[stray]!.toFixed(2)} ${unit}/s`,
        'look for an obstacle, a brake, a wrong sign, or gains (kp, kd) that are too small',
      );
    }
    if (Number.isNaN(this.#settledSince)) this.#settledSince = now;
    return now - this.#settledSince >= SETTLED && now - this.#begun >= this.#duration;
  }
}

/** A joint that turns without limit is at its default pose after any number of turns. */
function nearestPose(joint: JointContract, q: number): number {
  if (joint.position !== null || joint.unit !== 'rad') return joint.defaultPosition;
  const turn = 2 * Math.PI;
  return joint.defaultPosition + turn * Math.round((q - joint.defaultPosition) / turn);
}
