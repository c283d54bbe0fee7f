/**
 * A quadrotor's controller by hand: position asks for an acceleration, that for a thrust and a direction, attitude and body
 * rates for torques, and a mixer for four thrusts (the geometric controller of T. Lee, M. Leok and N. H. McClamroch, CDC 2010,
 * with integrals for what it does not know: weight, trim). Sees the true state and the rotors' thrusts. Gains were searched.
 */

import { clamp } from '../../core/math.ts';
import { rotateBackAt } from '../../core/rotation.ts';
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
const GRAVITY = 9.81;
/** Rotors from the middle along x and y, m; the air's torque over thrust, m. */
const ARM = 0.032526912;
const TORQUE_RATIO = 0.005964552;
/** Front right, rear right, rear left, front left; 1 turns counter-clockwise, and the air turns the body the other way. */
const X = [1, -1, -1, 1] as const;
const Y = [-1, -1, 1, 1] as const;
const SPIN = [1, -1, 1, -1] as const;

/** Acceleration per m, m s and m/s; the integral learns within this distance, m, and up to this much, m s. */
const POSITION = { p: 2.75, i: 1, d: 2.38, near: 0.5, most: 1 } as const;
/** Largest acceleration aside and up and down, m/s2. */
const ACCELERATION = { aside: 9.4, down: 5, up: 8 } as const;
/** Angular acceleration per rad, rad s and rad/s, of roll and pitch and of yaw. */
const ATTITUDE = { p: 74, i: 167, d: 14.3 } as const;
const YAW = { p: 4.15, d: 3.04 } as const;
/** Rotors are asked for this much more than they lack, which makes them 3.1 times as fast. */
const LEAD = 2.12;

/** Writes one action a rotor. The command is the point to be at, x, y, z, m; heading is kept. */
export function cascade({ offset, scale, most }: CascadeSettings): ReferencePolicy['make'] {
  return () => {
    const wanted = new Float64Array(3);
    const axis = new Float64Array(3);
    const torque = new Float64Array(3);
    /** Integrals of the position's error, m s, and of the attitude's, rad s. */
    const drift = new Float64Array(3);
    const trim = new Float64Array(2);
    return ({ state, command, dt }: StepView, action: Float32Array) => {
      const { base, twist, effort } = state;
      // a = kp e + ki int e - kd v, and gravity is to be carried
      for (let k = 0; k < 3; k++) {
        const error = clamp(command[k]! - base[k]!, -1, 1);
        if (Math.abs(error) < POSITION.near) drift[k] = clamp(drift[k]! + error * dt, -POSITION.most, POSITION.most);
        const a = POSITION.p * error + POSITION.i * drift[k]! - POSITION.d * twist[k]!;
        wanted[k] =
          k === 2
            ? clamp(a, -ACCELERATION.down, ACCELERATION.up) + GRAVITY
            : clamp(a, -ACCELERATION.aside, ACCELERATION.aside);
      }
      // The thrust's direction along the body's axes, and the short way there from z: z x axis = (-ay, ax, 0)
      rotateBackAt(base, 3, wanted, axis);
      const length = Math.sqrt(axis[0]! ** 2 + axis[1]! ** 2 + axis[2]! ** 2);
      const roll = -axis[1]! / length;
      const pitch = axis[0]! / length;
      trim[0] = trim[0]! + roll * dt;
      trim[1] = trim[1]! + pitch * dt;
      // Sine of the heading, while level
      const yaw = 2 * (base[6]! * base[5]! + base[3]! * base[4]!);
      torque[0] = INERTIA[0] * (ATTITUDE.p * roll + ATTITUDE.i * trim[0]! - ATTITUDE.d * twist[3]!);
      torque[1] = INERTIA[1] * (ATTITUDE.p * pitch + ATTITUDE.i * trim[1]! - ATTITUDE.d * twist[4]!);
      torque[2] = INERTIA[2] * (-YAW.p * yaw - YAW.d * twist[5]!);
      const thrust = MASS * Math.max(0, axis[2]!);
      for (let i = 0; i < 4; i++) {
        // F = T / 4 + (y tx - x ty) / (4 d) - s tz / (4 r)
        const share =
          thrust / 4 +
          (Y[i]! * torque[0]! - X[i]! * torque[1]!) / (4 * ARM) -
          (SPIN[i]! * torque[2]!) / (4 * TORQUE_RATIO);
        const asked = share + LEAD * (share - effort[i]!);
        action[i] = clamp((clamp(asked, 0, most) - offset) / scale, -1, 1);
      }
    };
  };
}
