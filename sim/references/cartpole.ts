/**
 * Cart-pole by hand: a linear-quadratic regulator near upright, and to get there the pole's energy pumped by the cart's
 * acceleration, the cart linearised by partial feedback (M. W. Spong, "Energy based control of a class of underactuated
 * mechanical systems", IFAC World Congress, 1996). Knows the nominal robot and the true state.
 */

import { clamp, cos, sin, wrapAngle } from '../../core/math.ts';
import type { ReferencePolicy, StepView } from '../task.ts';

/** configs/robots/cartpole.urdf: cart and pole, kg; the pole's centre, m; its inertia about the hinge, kg m2. */
const CART = 1;
const POLE = 0.1;
const LENGTH = 0.5;
const INERTIA = 0.008333333333 + POLE * LENGTH ** 2;
const GRAVITY = 9.81;
/** N that an action of 1 stands for. */
const FORCE = 10;

/**
 * F = -K (x, tilt, xd, tiltd) in N: of the linearised robot held for 20 ms, cost x^2 + 10 tilt^2 + 0.1 xd^2 + 0.1 tiltd^2 +
 * 0.2 F^2. The Riccati equation is solved in tests/sim/references/gains.test.ts.
 */
export const CARTPOLE_GAINS = [-2.016157028, -35.27469734, -3.235783822, -8.877409634] as const;

/** As a share of the motor's force. */
function regulate({ state: { q, qd } }: StepView): number {
  const k = CARTPOLE_GAINS;
  return -(k[0] * q[0]! + k[1] * wrapAngle(q[1]! - Math.PI) + k[2] * qd[0]! + k[3] * qd[1]!) / FORCE;
}

/** Energy and position gains of the swing-up, 1/(J s), 1/s2, 1/s; largest acceleration it asks for, m/s2. */
const PUMP = 12;
const CENTRE = 3;
const BRAKE = 2;
const ACCELERATION = 6;

function swing({ state: { q, qd } }: StepView): number {
  const s = sin(q[1]!);
  const c = cos(q[1]!);
  const spin = qd[1]!;
  const lever = POLE * LENGTH;
  // E = I qd^2 / 2 - m g l cos q, upright m g l; E' = m l cos(q) qd a
  const missing = lever * GRAVITY * (1 + c) - 0.5 * INERTIA * spin * spin;
  const pump = clamp(PUMP * missing * c * spin, -ACCELERATION, ACCELERATION);
  const a = pump - CENTRE * q[0]! - BRAKE * qd[0]!;
  // (M + m) a - m l cos q qdd + m l sin q qd^2 = F with I qdd = m l cos q a - m g l sin q
  const spinUp = (lever * c * a - lever * GRAVITY * s) / INERTIA;
  return ((CART + POLE) * a - lever * c * spinUp + lever * s * spin * spin) / FORCE;
}

export const cartpoleBalanceReference: ReferencePolicy = {
  doc: 'a linear-quadratic regulator about upright in the middle of the rail',
  make: () => (view, action) => {
    action[0] = regulate(view);
  },
  score: { successRate: 1, meanReturn: 9.981350964419004 },
};

export const cartpoleSwingupReference: ReferencePolicy = {
  doc: 'energy pumped by partial feedback linearisation, then the regulator of cartpole-balance',
  make: () => {
    let caught = false;
    return (view, action) => {
      const tilt = Math.abs(wrapAngle(view.state.q[1]! - Math.PI));
      // It catches what it can hold, and lets go of what has fallen.
      caught = tilt < (caught ? 1 : 0.35) && (caught || Math.abs(view.state.qd[1]!) < 2.5);
      action[0] = caught ? regulate(view) : swing(view);
    };
  },
  score: { successRate: 1, meanReturn: 29.477182084766262 },
};
