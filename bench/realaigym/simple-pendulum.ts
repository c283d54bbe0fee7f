/**
 * The simple pendulum of the RealAIGym leaderboard: equation of motion and parameters (F. Wiebe et al., JOSS 2022,
 * doi 10.21105/joss.03884). The motor clips what it is asked for. q = 0 hangs.
 */

import { clamp, sin } from '../../core/math.ts';
import type { Plant } from './plant.ts';

export interface SimplePendulumParameters {
  /** kg */
  readonly mass: number;
  /** m */
  readonly length: number;
  /** kg m2 about the joint */
  readonly inertia: number;
  /** N m s/rad */
  readonly damping: number;
  /** N m */
  readonly coulomb: number;
  /** m/s2 */
  readonly gravity: number;
  /** N m */
  readonly torqueLimit: number;
}

export const leaderboardPendulum: SimplePendulumParameters = {
  mass: 0.57288,
  length: 0.5,
  inertia: 0.57288 * 0.5 * 0.5,
  damping: 0.1,
  coulomb: 0.093,
  gravity: 9.81,
  torqueLimit: 2,
};

export function simplePendulum(p: SimplePendulumParameters): Plant {
  const weight = p.mass * p.gravity * p.length;
  return {
    nJoints: 1,
    torqueLimit: [p.torqueLimit],
    // I qdd = tau - m g l sin q - b qd - c sign(qd)
    derivative(x, tau, out) {
      const torque = clamp(tau[0]!, -p.torqueLimit, p.torqueLimit);
      const velocity = x[1]!;
      out[0] = velocity;
      out[1] = (torque - weight * sin(x[0]!) - p.damping * velocity - Math.sign(velocity) * p.coulomb) / p.inertia;
    },
  };
}
