/**
 * The hybrid drive solved for the end of the step (backward Euler; Tan, Liu and Turk, "Stable proportional-derivative
 * controllers", 2011). The torque that else acts on the joint is seen from how it moved in the steps before, so that a
 * load sags the joint by load / kp as it should, whatever the step. One joint is stable for any gains while the inertia it
 * is told is between 0.15 and 1.25 of the true one. In a chain each is solved alone: gains that reach across it within a
 * step still blow up, the later the closer the inertia told is to 1 / (M^-1)_jj, what moves while the others are free.
 */

import { InputError } from '../../core/errors.ts';
import { clamp } from '../../core/math.ts';
import type { Drive, DriveParameters } from './drive.ts';

/** Share of the difference by which the load is corrected in a step: slow enough for an inertia that is off. */
const LOAD_GAIN = 0.05;

/** @throws InputError at a reset without an inertia */
export function implicitPdDrive(j: number, parameters: DriveParameters): Drive {
  const { dt, kpScale, kdScale, encoderBias, torqueLimit, inertia } = parameters;
  // qd and torque of the step before (qd NaN where there was none), and the load, N m.
  const past = new Float64Array(3);
  const [QD, TORQUE, LOAD] = [0, 1, 2] as const;
  return {
    reset() {
      const of = inertia[j]!;
      if (!(of > 0)) {
        throw new InputError(`the implicit-pd drive of joint ${j} needs the inertia that it moves, found ${of} kg m2`, {
          repair: 'give the link a mass, or use a pd drive',
        });
      }
      past.fill(0);
      past[QD] = NaN;
    },
    begin(state) {
      const qd = state.qd[j]!;
      if (!Number.isNaN(past[QD]!)) {
        const limit = torqueLimit[j]!;
        // I (qd - qd') / dt = tau' + load; an impact is no load, and more than the motor's limit it could not hold
        const seen = clamp((inertia[j]! * (qd - past[QD]!)) / dt - past[TORQUE]!, -limit, limit);
        past[LOAD] = past[LOAD]! + LOAD_GAIN * (seen - past[LOAD]!);
      }
      past[QD] = qd;
    },
    ask({ q, qd, effort, kp, kd }, at, state, out) {
      const p = kpScale[j]! * kp[at]!;
      const d = kdScale[j]! * kd[at]!;
      const rate = state.qd[j]!;
      const angle = state.q[j]! + encoderBias[j]!;
      const others = effort[at]! + past[LOAD]!;
      // D = dt kd / I + dt^2 kp / I
      const share = (dt * (d + dt * p)) / inertia[j]!;
      // With qd+ = qd + dt (tau + load) / I and q+ = q + dt qd+, tau = kp (q* - q+) + kd (qd* - qd+) + effort gives
      // tau = (kp (q* - q - dt qd) + kd (qd* - qd) - D (effort + load)) / (1 + D) + effort
      const solved = (p * (q[at]! - angle - dt * rate) + d * (qd[at]! - rate) - share * others) / (1 + share);
      const limit = torqueLimit[j]!;
      out[j] = clamp(solved + effort[at]!, -limit, limit);
    },
    finish(out) {
      past[TORQUE] = out[j]!;
    },
  };
}
