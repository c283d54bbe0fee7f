/**
 * The equations of motion of acrobot and pendubot, the linear-quadratic regulator that holds them up and the test of what it
 * can catch. Parameters are the nominal robots': configs/robots/acrobot.urdf and pendubot.urdf. Knows no controller.
 */

import { cos, sin, wrapAngle } from '../../core/math.ts';
import type { RobotState } from '../../core/robot.ts';

/** Rotor at the joint, kg m2. The engine adds it to the link that the joint moves. */
const ARMATURE = 0.003577;
/** I1 + m2 l1^2, I2 (about the joints) and m2 l1 r2, kg m2. */
const A1 = 0.0492682 + ARMATURE;
const A2 = 0.0538781 + ARMATURE;
const A3 = 0.2 * 0.181174;
/** Gravity's torques at the horizontal, g (m1 r1 + m2 l1) and g m2 r2, N m. */
const G1 = 9.81 * 0.2411259;
const G2 = 9.81 * 0.181174;

export const doublePendulum = { a1: A1, a2: A2, a3: A3, g1: G1, g2: G2, damping: 0.001 } as const;

/** Of M(q) qdd + n(q, qd) = tau at one state; and energies. Reused from step to step. */
export interface Motion {
  m11: number;
  m12: number;
  m22: number;
  /** Coriolis, centrifugal and gravity torques, N m. */
  n1: number;
  n2: number;
  /** Of the whole robot and of the lower link turning about a resting elbow, J; 0 at the height of the joint. */
  energy: number;
  lowerEnergy: number;
}

export function makeMotion(): Motion {
  return { m11: 0, m12: 0, m22: 0, n1: 0, n2: 0, energy: 0, lowerEnergy: 0 };
}

export function writeMotion({ q, qd }: RobotState, out: Motion): void {
  const q1 = q[0]!;
  const q2 = q[1]!;
  const d1 = qd[0]!;
  const d2 = qd[1]!;
  const c2 = cos(q2);
  const h = A3 * sin(q2);
  out.m11 = A1 + A2 + 2 * A3 * c2;
  out.m12 = A2 + A3 * c2;
  out.m22 = A2;
  const g2 = G2 * sin(q1 + q2);
  out.n1 = -h * (2 * d1 * d2 + d2 * d2) + G1 * sin(q1) + g2;
  out.n2 = h * d1 * d1 + g2;
  const potential2 = -G2 * cos(q1 + q2);
  out.energy = 0.5 * (out.m11 * d1 * d1 + 2 * out.m12 * d1 * d2 + A2 * d2 * d2) - G1 * cos(q1) + potential2;
  out.lowerEnergy = 0.5 * A2 * (d1 + d2) ** 2 + potential2;
}

/** What holds the robot up: tau = -K e with e = (q1 - pi, q2, qd1, qd2), and the cost-to-go e' S e. */
export interface Regulator {
  readonly gains: readonly [number, number, number, number];
  /** S: 11, 12, 13, 14, 22, 23, 24, 33, 34, 44. */
  readonly cost: readonly [number, number, number, number, number, number, number, number, number, number];
}

/** N m on the driven joint. */
export function regulatorTorque({ gains }: Regulator, { q, qd }: RobotState): number {
  return -(gains[0] * wrapAngle(q[0]! - Math.PI) + gains[1] * wrapAngle(q[1]!) + gains[2] * qd[0]! + gains[3] * qd[1]!);
}

/** e' S e: how far the state is from standing, as the regulator counts. */
export function costToGo({ cost: s }: Regulator, { q, qd }: RobotState): number {
  const a = wrapAngle(q[0]! - Math.PI);
  const b = wrapAngle(q[1]!);
  const c = qd[0]!;
  const d = qd[1]!;
  return (
    s[0] * a * a +
    s[4] * b * b +
    s[7] * c * c +
    s[9] * d * d +
    2 * (s[1] * a * b + s[2] * a * c + s[3] * a * d + s[5] * b * c + s[6] * b * d + s[8] * c * d)
  );
}
