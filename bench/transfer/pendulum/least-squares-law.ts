/**
 * What a day's work without a simulator gives: the pendulum's equation fitted to logs by ordinary least squares,
 * tau = J qdd + m g l sin q + b qd + c sign(qd) + offset, with qdd from differences of the smoothed velocity.
 */

import { identity, solvePositive } from '../../../core/linear-algebra.ts';
import type { Recording } from '../../../sim/identify/recording.ts';
import type { PendulumEquation } from '../../published-pendulum.ts';

/** Half the span of a difference, s. */
const HALF = 0.02;
/** Slower than this, rad/s, the sign of a velocity is noise. */
const MOVING = 0.05;

/** A recording up to a time, s. */
export interface Stretch {
  readonly recording: Recording;
  readonly until: number;
}

export function leastSquaresLaw(stretches: readonly Stretch[]): PendulumEquation {
  const n = 5;
  const matrix = identity(n).map((one) => 1e-9 * one);
  const right = new Float64Array(n);
  for (const { recording, until } of stretches) {
    const { times, q, qdSmooth, torque } = recording;
    let [before, after] = [0, 0];
    for (let k = 1; k < times.length && times[k]! <= until; k++) {
      while (times[k]! - times[before]! > HALF && before < k - 1) before++;
      while (after + 1 < times.length && times[after]! - times[k]! < HALF) after++;
      if (after <= k) continue;
      const qdd = (qdSmooth[after]! - qdSmooth[before]!) / (times[after]! - times[before]!);
      const qd = qdSmooth[k]!;
      const x = [qdd, Math.sin(q[k]!), qd, signOf(qd), 1];
      for (let a = 0; a < n; a++) {
        right[a] = right[a]! + x[a]! * torque[k]!;
        for (let b = 0; b < n; b++) matrix[a * n + b] = matrix[a * n + b]! + x[a]! * x[b]!;
      }
    }
  }
  const [inertia, gravity, damping, coulomb, offset] = solvePositive(matrix, right, n)! as unknown as number[];
  return (position, velocity, tau) =>
    (tau - gravity! * Math.sin(position) - damping! * velocity - coulomb! * signOf(velocity) - offset!) / inertia!;
}

function signOf(qd: number): number {
  return Math.abs(qd) < MOVING ? qd / MOVING : Math.sign(qd);
}
