/**
 * The published models of the torque-limited simple pendulum (JOSS 10.21105/joss.03884): the leaderboard's, and the one its
 * authors identified, integrated by Runge & Kutta's fourth order method: what identification is compared with. Starts and torques are those
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

/** qdd, rad/s2, from position, velocity and torque. */
export type PendulumEquation = (q: number, qd: number, tau: number) => number;

/** m l^2 qdd = tau - b qd - c sign(qd) - m g l sin q */
export const leaderboardEquation: PendulumEquation = (q, qd, tau) =>
  (tau - DAMPING * qd - COULOMB * Math.sign(qd) - MASS * GRAVITY * LENGTH * Math.sin(q)) / INERTIA;

/** What the authors identified from `pd_swingup`: J qdd = tau - m c g sin q - Fv qd - Fc atan(100 qd) - offset */
export const identifiedEquation: PendulumEquation = (q, qd, tau) =>
  (tau - 0.1022 * GRAVITY * Math.sin(q) - 0.04707 * qd - 0.1839 * Math.atan(100 * qd) + 0.07586) / 0.06259;

/** (simulated - logged) / deviation at each reading of a window after the first: position, velocity. */
export function publishedResiduals(recording: Recording, window: Window, start: StartVelocity): Float64Array {
  return equationResiduals(leaderboardEquation, recording, window, start);
}

export function equationResiduals(
  equation: PendulumEquation,
  recording: Recording,
  window: Window,
  start: StartVelocity,
): Float64Array {
  const { times, torque, qScale, qdScale } = recording;
  const out = new Float64Array((window.to - window.from) * 2);
  let q = recording.q[window.from]!;
  let qd = (start === 'logged' ? recording.qd : recording.qdSmooth)[window.from]!;
  for (let k = window.from + 1; k <= window.to; k++) {
    const span = times[k]! - times[k - 1]!;
    const steps = Math.ceil(span / STEP - 1e-6);
    for (let i = 0; i < steps; i++) [q, qd] = rungeKutta(equation, q, qd, torque[k - 1]!, span / steps);
    const at = (k - window.from - 1) * 2;
    out[at] = (q - recording.q[k]!) / qScale[0]!;
    out[at + 1] = (qd - recording.qd[k]!) / qdScale[0]!;
  }
  return out;
}

function rungeKutta(acceleration: PendulumEquation, q: number, qd: number, tau: number, h: number): [number, number] {
  const a1 = acceleration(q, qd, tau);
  const v2 = qd + (h / 2) * a1;
  const a2 = acceleration(q + (h / 2) * qd, v2, tau);
  const v3 = qd + (h / 2) * a2;
  const a3 = acceleration(q + (h / 2) * v2, v3, tau);
  const v4 = qd + h * a3;
  const a4 = acceleration(q + h * v3, v4, tau);
  return [q + (h / 6) * (qd + 2 * v2 + 2 * v3 + v4), qd + (h / 6) * (a1 + 2 * a2 + 2 * a3 + a4)];
}
