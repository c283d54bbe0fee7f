/**
 * What the RealAIGym leaderboards measure on one trajectory (their analysis/leaderboard.py): swing-up time, energy, torque and
 * velocity costs, smoothness. Sums run over the steps between samples. Knows no weights.
 */

import type { Trajectory } from './simulate.ts';

export interface Criteria {
  readonly success: boolean;
  /** Until the pendulum is up to stay, s; the end of the run where it does not stay. */
  readonly swingUpTime: number;
  /** Sum of |tau dq|, J. */
  readonly energy: number;
  /** N m */
  readonly maxTorque: number;
  /** Sum of |tau| dt, N m s. */
  readonly integratedTorque: number;
  /** Sum of tau^2 dt, N2 m2 s. */
  readonly torqueCost: number;
  /** Standard deviation of the torque's change from step to step, N m. */
  readonly torqueSmoothness: number;
  /** Sum of qd^2 dt, rad2/s. */
  readonly velocityCost: number;
}

export interface CriteriaOptions {
  /** Whether the pendulum is up. @param state [2 nJoints] */
  readonly up: (state: Float64Array) => boolean;
  /**
   * Which state belongs to a torque: 'before' its step (double pendulum) or 'after' it (simple pendulum, whose functions also begin
   * to count one sample late and leave the last change of torque out).
   */
  readonly sampled: 'before' | 'after';
}

export function criteriaOf(trajectory: Trajectory, { up, sampled }: CriteriaOptions): Criteria {
  const { dt, steps, nJoints, states, torques } = trajectory;
  const size = 2 * nJoints;
  const shift = sampled === 'after' ? 1 : 0;
  const state = (k: number) => states.subarray((k + shift) * size, (k + shift + 1) * size);
  const end = (steps - 1 + shift) * dt;
  // Up to stay: the first sample from which on all are up.
  let since = steps;
  while (since > 0 && up(state(since - 1))) since--;
  const swingUpTime = Math.min(end, (since + 2 * shift) * dt);
  let energy = 0;
  let maxTorque = 0;
  let integratedTorque = 0;
  let torqueCost = 0;
  let torqueSmoothness = 0;
  let velocityCost = 0;
  for (let j = 0; j < nJoints; j++) {
    let sum = 0;
    let squares = 0;
    const changes = steps - 1 - shift;
    for (let k = 0; k < steps; k++) {
      const tau = torques[k * nJoints + j]!;
      maxTorque = Math.max(maxTorque, Math.abs(tau));
      if (k === steps - 1) break;
      const at = (k + shift) * size;
      energy += Math.abs((states[at + size + j]! - states[at + j]!) * tau);
      integratedTorque += Math.abs(tau) * dt;
      torqueCost += tau * tau * dt;
      velocityCost += states[at + nJoints + j]! ** 2 * dt;
      if (k < changes) {
        const change = torques[(k + 1) * nJoints + j]! - tau;
        sum += change;
        squares += change * change;
      }
    }
    const mean = sum / changes;
    torqueSmoothness += Math.sqrt(Math.max(0, squares / changes - mean * mean));
  }
  return {
    success: swingUpTime < end,
    swingUpTime,
    energy,
    maxTorque,
    integratedTorque,
    torqueCost,
    torqueSmoothness,
    velocityCost,
  };
}
