/**
 * Torques of what holds a joint beside its motor, in an engine that has no such thing: end stops, and the coupling of a joint
 * that follows another. Each is a spring with a damper as stiff as an explicit step allows for the inertia it moves.
 * Knows no engine.
 */

/** Stiffness as a share of I / dt^2 and damping as a share of I / dt; the step is stable below 4 and 2. */
const STIFFNESS_RATIO = 0.1;
const DAMPING_RATIO = 0.5;

/**
 * N m or N; 0 within the stops.
 * @param applied what else acts on the joint, N m or N: a stop bears what pushes into it
 * @param inertia kg m2 or kg @param dt s
 */
export function stopTorque(
  applied: number,
  q: number,
  qd: number,
  lower: number,
  upper: number,
  inertia: number,
  dt: number,
): number {
  const beyond = q > upper ? q - upper : q < lower ? q - lower : 0;
  if (beyond === 0) return 0;
  const spring = ((STIFFNESS_RATIO * inertia) / dt ** 2) * beyond;
  const damper = ((DAMPING_RATIO * inertia) / dt) * qd;
  // tau = -k (q - stop) - c qd - what pushes in, and never pulling back to the stop
  return beyond > 0
    ? Math.min(0, -spring - damper - Math.max(0, applied))
    : Math.max(0, -spring - damper - Math.min(0, applied));
}

/**
 * Torque that draws a follower to where and how fast it should be, N m or N.
 * @param ahead how fast the leader is being accelerated, times the gear's ratio, rad/s2 or m/s2
 * @param inertia of the error: both ends give way, kg m2 or kg @param dt s
 */
export function couplingTorque(ahead: number, error: number, rate: number, inertia: number, dt: number): number {
  // tau = I qdd* + k (q* - q) + c (qd* - qd)
  return inertia * ahead + ((STIFFNESS_RATIO * inertia) / dt ** 2) * error + ((DAMPING_RATIO * inertia) / dt) * rate;
}
