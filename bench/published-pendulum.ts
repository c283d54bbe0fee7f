/**
 * The published simulation model of the torque-limited simple pendulum (JOSS 10.21105/joss.03884, leaderboard figures),
 * integrated by Runge & Kutta's fourth order method: what identification is compared with. Starts and torques are those
 * that the simulator under test gets.
 */

import type { StartVelocity } from '../sim/identify/open-loop.ts';
import type { Recording } from '../sim/identify/recording.ts';
import type { Window } from '../sim/identify/windows.ts';

const MASS = 0.57288;
const LENGTH = 0.5;
const DAMPING = 0.1;
const COULOMB = 0.093;
const GRAVITY = 9.81;
const INERTIA = MASS * LENGTH ** 2;
/** Longest integration step, s; the error of the method is far below that of the model. */
const STEP = 0.0025;

/** m l^2 qdd = tau - b qd - c sign(qd) - m g l sin q */
function acceleration(q: number, qd: number, tau: number): number {
  return (tau - DAMPING * qd - COULOMB * Math.sign(qd) - MASS * GRAVITY * LENGTH * Math.sin(q)) / INERTIA;
}

/** (simulated - logged) / deviation at each reading of a window after the first: position, velocity. */
export function publishedResiduals(recording: Recording, window: Window, start: StartVelocity): Float64Array {
  const { times, torque, qScale, qdScale } = recording;
  const out = new Float64Array((window.to - window.from) * 2);
  let q = recording.q[window.from]!;
  let qd = (start === 'logged' ? recording.qd : recording.qdSmooth)[window.from]!;
  for (let k = window.from + 1; k <= window.to; k++) {
    const span = times[k]! - times[k - 1]!;
    const steps = Math.ceil(span / STEP - 1e-6);
    for (let i = 0; i < steps; i++) [q, qd] = rungeKutta(q, qd, torque[k - 1]!, span / steps);
    const at = (k - window.from - 1) * 2;
    out[at] = (q - recording.q[k]!) / qScale[0]!;
    out[at + 1] = (qd - recording.qd[k]!) / qdScale[0]!;
  }
  return out;
}

function rungeKutta(q: number, qd: number, tau: number, h: number): [number, number] {
  const a1 = acceleration(q, qd, tau);
  const v2 = qd + (h / 2) * a1;
  const a2 = acceleration(q + (h / 2) * qd, v2, tau);
  const v3 = qd + (h / 2) * a2;
  const a3 = acceleration(q + (h / 2) * v2, v3, tau);
  const v4 = qd + h * a3;
  const a4 = acceleration(q + h * v3, v4, tau);
  return [q + (h / 6) * (qd + 2 * v2 + 2 * v3 + v4), qd + (h / 6) * (a1 + 2 * a2 + 2 * a3 + a4)];
}
