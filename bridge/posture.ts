/**
 * What the robot is told when no policy runs: stopping, as its interface means it, the way to the default pose, holding it.
 * Joint commands with the contract's gains. Joints that cannot be held at a position (wheels, rotors, joints without kp)
 * are stopped instead. Knows no limits (bridge/safety.ts) and no link.
 */

import type { JointContract } from '../core/contract.ts';
import { clamp } from '../core/math.ts';
import { copyState, type JointCommand, makeState, type RobotState } from '../core/robot.ts';
import { type Fault, makeFault } from './faults.ts';
import type { CommandInterface } from './interfaces/command-interface.ts';

/**
 * Speed of the way to the default pose, per second, at most this share of the joint's limit; within how much it has
 * arrived, and within how much it must stay to be at rest: positions tell, because velocity readings of real drives are
 * noisy by more than a slow joint moves.
 */
const APPROACH = { rad: 1, m: 0.1 } as const;
const SPEED_SHARE = 0.5;
const NEAR = { rad: 0.2, m: 0.02 } as const;
const STILL = { rad: 0.1, m: 0.01 } as const;
/** Legs that carry a robot sag by load / kp: hybrid drives are near within this many times that, below what is lost (safety.ts). */
const SAG = 2.25;
/** At the pose and still for this long, s. */
const SETTLED = 0.3;
/** The way may take this much longer than planned, s. */
const PATIENCE = 20;

export class Posture {
  readonly #joints: readonly JointContract[];
  readonly #takes: CommandInterface;
  /** Indices of the joints that have a position to be moved to. */
  readonly #held: readonly number[];
  readonly #from: Float64Array;
  readonly #target: Float64Array;
  /** Where the joints were when they last began to be still. */
  readonly #still: Float64Array;
  /** The state in which the stop began. */
  readonly #stopped: RobotState;
  #begun = 0;
  #duration = 0;
  #settledSince = NaN;

  constructor(joints: readonly JointContract[], takes: CommandInterface) {
    const numbers = () => new Float64Array(joints.length);
    this.#joints = joints;
    this.#takes = takes;
    this.#held = joints.flatMap((joint, j) => (takes.holds(joint) ? [j] : []));
    this.#from = numbers();
    this.#target = numbers();
    this.#still = numbers();
    this.#stopped = makeState(joints.length);
  }

  /** Begin to stop, where the robot is. @param state the last valid one */
  beginStop(state: RobotState): void {
    copyState(state, this.#stopped);
  }

  stop(out: JointCommand): void {
    this.#takes.stop(this.#stopped, this.#joints, out);
  }

  /** Rest before and between episodes. */
  pause(out: JointCommand): void {
    if (this.#takes.pause === undefined) this.stop(out);
    else this.#takes.pause(this.#stopped, this.#joints, out);
  }

  /** Begin the way from the measured pose. @param now s */
  begin(state: RobotState, now: number): void {
    this.#begun = now;
    this.#duration = 0;
    this.#settledSince = NaN;
    copyState(state, this.#stopped);
    for (const j of this.#held) {
      const joint = this.#joints[j]!;
      this.#from[j] = state.q[j]!;
      this.#target[j] = nearestPose(joint, state.q[j]!);
      const speed = Math.min(APPROACH[joint.unit], SPEED_SHARE * (joint.velocity ?? Infinity));
      this.#duration = Math.max(this.#duration, Math.abs(this.#target[j]! - this.#from[j]!) / speed);
    }
  }

  /** The command on the way to the default pose, and at its end that of holding it. */
  approach(now: number, out: JointCommand): void {
    const t = this.#duration === 0 ? 1 : clamp((now - this.#begun) / this.#duration, 0, 1);
    this.stop(out);
    for (const j of this.#held) {
      // q*(t) = from + t (target - from)
      out.q[j] = this.#from[j]! + t * (this.#target[j]! - this.#from[j]!);
      out.qd[j] = 0;
      out.effort[j] = 0;
      out.kp[j] = this.#joints[j]!.kp;
      out.kd[j] = this.#joints[j]!.kd;
    }
  }

  /** True once the robot has been at the pose, at rest, for a while; a fault when it takes too long. */
  arrived(state: RobotState, now: number): boolean | Fault {
    if (this.#held.length === 0) return true;
    const q = (j: number) => state.q[j]!;
    const sag = this.#takes.name === 'hybrid' ? SAG : 1;
    const stray = this.#held.find((j) => Math.abs(q(j) - this.#target[j]!) > sag * NEAR[this.#joints[j]!.unit]);
    const moving = this.#held.find((j) => Math.abs(q(j) - this.#still[j]!) > STILL[this.#joints[j]!.unit]);
    const restless = stray ?? moving;
    if (restless !== undefined || Number.isNaN(this.#settledSince)) {
      this.#still.set(state.q);
      this.#settledSince = now;
    }
    const isSettled = stray === undefined && now - this.#settledSince >= SETTLED;
    if (isSettled && now - this.#begun >= this.#duration) return true;
    if (restless === undefined || now - this.#begun <= this.#duration + PATIENCE) return false;
    const { name, unit } = this.#joints[restless]!;
    const error = (q(restless) - this.#target[restless]!).toFixed(2);
    return makeFault(
      'tracking',
      `joint ${name} did not come to rest at its default pose: ${error} ${unit} away, ${state.qd[restless]!.toFixed(2)} ${unit}/s`,
      'look for an obstacle, a brake, a wrong sign, or gains (kp, kd) that are too small',
    );
  }
}

/** A joint that turns without limit is at its default pose after any number of turns. */
function nearestPose(joint: JointContract, q: number): number {
  if (joint.position !== null || joint.unit !== 'rad') return joint.defaultPosition;
  const turn = 2 * Math.PI;
  return joint.defaultPosition + turn * Math.round((q - joint.defaultPosition) / turn);
}
