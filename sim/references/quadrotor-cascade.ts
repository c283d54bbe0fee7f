/**
 * A quadrotor's controller by hand: position asks for an acceleration, that for a thrust and a direction, attitude and body
 * rates for torques, and a mixer for four thrusts (the geometric controller of T. Lee, M. Leok and N. H. McClamroch, CDC 2010,
 * with proportional gains). It leads the rotors' lag by what its rates and torques will be. Sees the true state.
 */

import { clamp } from '../../core/math.ts';
import { rotateInto } from '../../core/rotation.ts';
import type { ReferencePolicy, StepView } from '../task.ts';

export interface CascadeSettings {
  /** thrust = offset + scale * action, N, 0 to `most`. */
  readonly offset: number;
  readonly scale: number;
  readonly most: number;
}

/** kg, and kg m2 about the body's axes. */
const MASS = 0.027;
const INERTIA = [1.657e-5, 1.666e-5, 2.926e-5] as const;
/** Rotors from the middle along x and y, m; air's torque over thrust, m; their lag, s. */
const ARM = 0.032526912;
const TORQUE_RATIO = 0.005964552;
const LAG = 0.15;
/** Front right, rear right, rear left, front left; 1 turns counter-clockwise, and the air turns the body the other way. */
const X = [1, -1, -1, 1] as const;
const Y = [-1, -1, 1, 1] as const;
const SPIN = [1, -1, 1, -1] as const;

export const G = { kp: 2.75, ki: 1, kd: 2.38, lean: 0.96, kAtt: 74, kRate: 14.3, kiAtt: 167, kYaw: 4.15, kYawRate: 3.04, lead: 2.12 };

/** Writes one action a rotor. */
export function cascade({ offset, scale, most }: CascadeSettings): ReferencePolicy['make'] {
  return () => {
    const wanted = new Float64Array(3);
    const axis = new Float64Array(3);
    const torque = new Float64Array(3);
    const drift = new Float64Array(3);
    const bias = new Float64Array(2);
    return (view: StepView, action: Float32Array) => {
      const { base, twist, effort } = view.state;
      // a = kp (p* - p) - kd v + g, leaning no more than `lean` of g
      for (let k = 0; k < 3; k++) {
        const error = clamp(view.command[k]! - base[k]!, -1, 1);
        if (Math.abs(error) < 0.5) drift[k] = clamp(drift[k]! + error * view.dt, -1, 1);
        const a = G.kp * error + G.ki * drift[k]! - G.kd * twist[k]!;
        wanted[k] = k === 2 ? clamp(a, -5, 8) + 9.81 : clamp(a, -G.lean * 9.81, G.lean * 9.81);
      }
      // The thrust's direction along the body's axes: the body's z is to turn there by the short way.
      rotateInto(-base[3]!, -base[4]!, -base[5]!, base[6]!, wanted, axis);
      const length = Math.sqrt(axis[0]! ** 2 + axis[1]! ** 2 + axis[2]! ** 2);
      // z x axis: (-ay, ax, 0); yaw from the quaternion, kept at 0
      const yaw = 2 * (base[6]! * base[5]! + base[3]! * base[4]!);
      const ex = -axis[1]! / length;
      const ey = axis[0]! / length;
      bias[0] = bias[0]! + ex * view.dt;
      bias[1] = bias[1]! + ey * view.dt;
      torque[0] = INERTIA[0] * (G.kAtt * ex + G.kiAtt * bias[0]! - G.kRate * twist[3]!);
      torque[1] = INERTIA[1] * (G.kAtt * ey + G.kiAtt * bias[1]! - G.kRate * twist[4]!);
      torque[2] = INERTIA[2] * (-G.kYaw * yaw - G.kYawRate * twist[5]!);
      const thrust = MASS * Math.max(0, axis[2]!);
      for (let i = 0; i < 4; i++) {
        // F_i = T / 4 + (y_i tx - x_i ty) / (4 d) - s_i tz / (4 r)
        const share =
          thrust / 4 +
          (Y[i]! * torque[0]! - X[i]! * torque[1]!) / (4 * ARM) -
          (SPIN[i]! * torque[2]!) / (4 * TORQUE_RATIO);
        // A rotor that lags by T is there at once when asked for F + T dF/dt; over a step of the controller, in part.
        const lead = G.lead * (share - effort[i]!);
        action[i] = clamp((clamp(share + lead, 0, most) - offset) / scale, -1, 1);
      }
    };
  };
}
