/**
 * Hybrid drives solved for the end of the step, all of a robot's at once (backward Euler; Tan, Liu and Turk, "Stable
 * proportional-derivative controllers", 2011): what one does moves the joints of the others, and in a chain as stiff as a
 * position-controlled arm drives that are solved one by one blow up. What else acts on the joints is seen from how they moved in
 * the steps before, so that a load sags a joint by load / kp as it should, whatever the step. Knows no engine.
 */

import { InputError } from '../../core/errors.ts';
import { clamp } from '../../core/math.ts';
import type { JointCommand, RobotState } from '../../core/robot.ts';
import type { Drive, DriveParameters } from './drive.ts';

/** Share of the difference by which the load is corrected in a step: slow enough for an inertia that is off. */
const LOAD_GAIN = 0.05;

/** What a robot's joints feel of inertia. */
export interface JointInertia {
  /** Write what `joints` feel together while all others are free, ((M^-1)_jj)^-1, kg m2 or kg, [n * n]. */
  among(joints: ArrayLike<number>, state: RobotState, out: Float64Array): void;
}

export class ImplicitDrives {
  readonly #joints: readonly number[];
  readonly #parameters: DriveParameters;
  /** Of the command acted on last, scaled, [n]. */
  readonly #kp: Float64Array;
  readonly #kd: Float64Array;
  /** [n * n] */
  readonly #inertia: Float64Array;
  readonly #matrix: Float64Array;
  readonly #answer: Float64Array;
  /** Velocity at the step before, its change, and what the drives gave, [n]. */
  readonly #qd: Float64Array;
  readonly #change: Float64Array;
  readonly #torque: Float64Array;
  /** What else acts on each joint, N m or N. */
  readonly #load: Float64Array;
  #source: JointInertia | undefined;
  #isFirst = true;
  #isStale = true;

  /** @param joints that have such a drive */
  constructor(joints: readonly number[], parameters: DriveParameters) {
    const n = joints.length;
    this.#joints = joints;
    this.#parameters = parameters;
    this.#kp = new Float64Array(n);
    this.#kd = new Float64Array(n);
    this.#inertia = new Float64Array(n * n);
    this.#matrix = new Float64Array(n * n);
    this.#answer = new Float64Array(n);
    this.#qd = new Float64Array(n);
    this.#change = new Float64Array(n);
    this.#torque = new Float64Array(n);
    this.#load = new Float64Array(n);
  }

  /** @param source undefined: each feels `parameters.inertia` alone @throws InputError for a joint without an inertia */
  reset(source: JointInertia | undefined): void {
    const n = this.#joints.length;
    this.#source = source;
    this.#inertia.fill(0);
    for (let i = 0; i < n; i++) {
      const j = this.#joints[i]!;
      const of = this.#parameters.inertia[j]!;
      if (!(of > 0)) {
        throw new InputError(`the implicit-pd drive of joint ${j} needs the inertia that it moves, found ${of} kg m2`, {
          repair: 'give the link a mass, or use a pd drive',
        });
      }
      this.#inertia[i * n + i] = of;
    }
    this.#kp.fill(0);
    this.#kd.fill(0);
    this.#load.fill(0);
    this.#isFirst = true;
    this.#isStale = true;
  }

  /** The joints have moved far enough for their inertia to be another. */
  refresh(): void {
    this.#isStale = true;
  }

  /** What answers commands to joint i of these. */
  drive(i: number): Drive {
    const j = this.#joints[i]!;
    const { dt, kpScale, kdScale, encoderBias } = this.#parameters;
    return {
      ask: ({ q, qd, effort, kp, kd }: JointCommand, at: number, state: RobotState, out: Float64Array) => {
        const p = kpScale[j]! * kp[at]!;
        const d = kdScale[j]! * kd[at]!;
        const rate = state.qd[j]!;
        const angle = state.q[j]! + encoderBias[j]!;
        this.#kp[i] = p;
        this.#kd[i] = d;
        // What the law would give at the end of the step if the velocity stayed: kp (q* - q - dt qd) + kd (qd* - qd) + effort
        out[j] = p * (q[at]! - angle - dt * rate) + d * (qd[at]! - rate) + effort[at]!;
      },
    };
  }

  /** @param out holds the answers to the commands, mixed by time: put what the motors give over the step in their place */
  solve(state: RobotState, out: Float64Array): void {
    const n = this.#joints.length;
    if (n === 0) return;
    const { dt, torqueLimit } = this.#parameters;
    if (this.#isStale && this.#source !== undefined) this.#source.among(this.#joints, state, this.#inertia);
    this.#isStale = false;
    this.#seeLoad(state);
    // With qd+ = qd + dt a, q+ = q + dt qd+ and M a = tau + load, tau = kp (q* - q+) + kd (qd* - qd+) + effort gives
    // (M + D) a = answer + load, tau = answer - D a, D = dt kd + dt^2 kp
    const a = this.#matrix;
    const x = this.#answer;
    a.set(this.#inertia);
    for (let i = 0; i < n; i++) {
      a[i * n + i] = a[i * n + i]! + dt * (this.#kd[i]! + dt * this.#kp[i]!);
      x[i] = out[this.#joints[i]!]! + this.#load[i]!;
    }
    solveInPlace(a, x);
    for (let i = 0; i < n; i++) {
      const j = this.#joints[i]!;
      const limit = torqueLimit[j]!;
      out[j] = clamp(out[j]! - dt * (this.#kd[i]! + dt * this.#kp[i]!) * x[i]!, -limit, limit);
      this.#torque[i] = out[j]!;
    }
  }

  #seeLoad({ qd }: RobotState): void {
    const n = this.#joints.length;
    const { dt, torqueLimit } = this.#parameters;
    for (let i = 0; i < n; i++) {
      const now = qd[this.#joints[i]!]!;
      this.#change[i] = now - this.#qd[i]!;
      this.#qd[i] = now;
    }
    if (this.#isFirst) {
      this.#isFirst = false;
      return;
    }
    for (let i = 0; i < n; i++) {
      let pushed = 0;
      for (let k = 0; k < n; k++) pushed += this.#inertia[i * n + k]! * this.#change[k]!;
      const limit = torqueLimit[this.#joints[i]!]!;
      // M (qd - qd') / dt = tau' + load; an impact is no load, and more than the motor's limit it could not hold
      const seen = clamp(pushed / dt - this.#torque[i]!, -limit, limit);
      this.#load[i] = this.#load[i]! + LOAD_GAIN * (seen - this.#load[i]!);
    }
  }
}

/** x <- a^-1 x, by Gauss. @param a symmetric positive definite, overwritten, [n * n] */
function solveInPlace(a: Float64Array, x: Float64Array): void {
  const n = x.length;
  for (let p = 0; p < n; p++) {
    for (let row = p + 1; row < n; row++) {
      const factor = a[row * n + p]! / a[p * n + p]!;
      if (factor === 0) continue;
      for (let k = p; k < n; k++) a[row * n + k] = a[row * n + k]! - factor * a[p * n + k]!;
      x[row] = x[row]! - factor * x[p]!;
    }
  }
  for (let p = n - 1; p >= 0; p--) {
    for (let k = p + 1; k < n; k++) x[p] = x[p]! - a[p * n + k]! * x[k]!;
    x[p] = x[p]! / a[p * n + p]!;
  }
}
