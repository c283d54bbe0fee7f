/**
 * The double pendulum of the RealAIGym leaderboards: equations of motion, energy and height of the tip, and the parameters of design
 * C.1, model 1.0 (F. Wiebe et al., IEEE RAM 31(2), 2024, doi 10.1109/MRA.2023.3341257). Inertias are about the joints. q = 0 hangs.
 */

import { atan2, cos, sin } from '../../core/math.ts';
import type { Plant } from './plant.ts';

/** Of shoulder and elbow, or of the upper and lower link. */
type Pair = readonly [number, number];

export interface DoublePendulumParameters {
  /** kg */
  readonly mass: Pair;
  /** m */
  readonly length: Pair;
  /** Of the centres of mass from their joints, m. */
  readonly com: Pair;
  /** About the links' own joints, kg m2. */
  readonly inertia: Pair;
  /** N m s/rad */
  readonly damping: Pair;
  /** Coulomb friction: tau = c atan(100 qd), so that c is not its size: that is c pi/2, N m. */
  readonly coulomb: Pair;
  /** kg m2, of each rotor before its gear. */
  readonly rotor: number;
  readonly gear: number;
  /** m/s2 */
  readonly gravity: number;
  /** N m; a joint with 0 has no motor, and nothing else acts on it either, perturbations included. */
  readonly torqueLimit: Pair;
}

/** The leaderboards' model: no friction, no rotors. */
export const C1: Omit<DoublePendulumParameters, 'torqueLimit'> = {
  mass: [0.5234602302310271, 0.6255677234174437],
  length: [0.2, 0.3],
  com: [0.2, 0.25569305436052964],
  inertia: [0.031887199591513114, 0.05086984812807257],
  damping: [0, 0],
  coulomb: [0, 0],
  rotor: 0,
  gear: 6,
  gravity: 9.81,
};

/** The motor's limit on the driven joint, N m. */
const TORQUE = 6;

export const leaderboardModels = {
  acrobot: { ...C1, torqueLimit: [0, TORQUE] },
  pendubot: { ...C1, torqueLimit: [TORQUE, 0] },
} as const satisfies Record<string, DoublePendulumParameters>;

/** (atan of 100 qd) */
const slip = (velocity: number) => atan2(100 * velocity, 1);

export function doublePendulum(p: DoublePendulumParameters): Plant {
  const [m1, m2] = p.mass;
  const [l1] = p.length;
  const [r1, r2] = p.com;
  const [i1, i2] = p.inertia;
  const [b1, b2] = p.damping;
  const [c1, c2] = p.coulomb;
  const { gravity: g, gear, rotor } = p;
  const a3 = m2 * l1 * r2;
  const upper = i1 + i2 + m2 * l1 * l1 + gear * gear * rotor + rotor;
  const coupled = i2 - gear * rotor;
  const lower = i2 + gear * gear * rotor;
  const g1 = g * (m1 * r1 + m2 * l1);
  const g2 = g * m2 * r2;
  const drives: Pair = [p.torqueLimit[0] === 0 ? 0 : 1, p.torqueLimit[1] === 0 ? 0 : 1];
  return {
    nJoints: 2,
    torqueLimit: p.torqueLimit,
    // M(q) qdd + C(q, qd) qd = G(q) + B tau - b qd - c atan(100 qd)
    derivative(x, tau, out) {
      const q1 = x[0]!;
      const q2 = x[1]!;
      const v1 = x[2]!;
      const v2 = x[3]!;
      const cos2 = cos(q2);
      const h = a3 * sin(q2);
      const m11 = upper + 2 * a3 * cos2;
      const m12 = coupled + a3 * cos2;
      const lift = g2 * sin(q1 + q2);
      let f1 = drives[0] * tau[0]! + h * v2 * (2 * v1 + v2) - g1 * sin(q1) - lift - b1 * v1;
      let f2 = drives[1] * tau[1]! - h * v1 * v1 - lift - b2 * v2;
      if (c1 !== 0) f1 -= c1 * slip(v1);
      if (c2 !== 0) f2 -= c2 * slip(v2);
      const determinant = m11 * lower - m12 * m12;
      out[0] = v1;
      out[1] = v2;
      out[2] = (lower * f1 - m12 * f2) / determinant;
      out[3] = (m11 * f2 - m12 * f1) / determinant;
    },
  };
}

/** Kinetic and potential, J; 0 at rest with the links at the shoulder's height. @param x [4] */
export function energyOf(p: DoublePendulumParameters, x: ArrayLike<number>): number {
  const [q1, q2, v1, v2] = [x[0]!, x[1]!, x[2]!, x[3]!];
  const a3 = p.mass[1] * p.length[0] * p.com[1] * cos(q2);
  const rotors = p.gear * p.gear * p.rotor;
  const m11 = p.inertia[0] + p.inertia[1] + p.mass[1] * p.length[0] ** 2 + 2 * a3 + rotors + p.rotor;
  const m12 = p.inertia[1] + a3 - p.gear * p.rotor;
  const m22 = p.inertia[1] + rotors;
  const y1 = -p.com[0] * cos(q1);
  const y2 = -p.length[0] * cos(q1) - p.com[1] * cos(q1 + q2);
  return 0.5 * (m11 * v1 * v1 + 2 * m12 * v1 * v2 + m22 * v2 * v2) + p.gravity * (p.mass[0] * y1 + p.mass[1] * y2);
}

/** Of the tip over the shoulder, m. */
export function tipHeight([l1, l2]: Pair, q1: number, q2: number): number {
  return -l1 * cos(q1) - l2 * cos(q1 + q2);
}
