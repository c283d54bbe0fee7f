/**
 * The pendulum by hand: energy shaping with friction compensated (K. J. Åström, K. Furuta, Automatica 36(2), 2000), and
 * near upright a linear-quadratic regulator. Knows the nominal robot and the true state.
 */

import { clamp, cos, wrapAngle } from '../../core/math.ts';
import type { ReferencePolicy } from '../task.ts';

/** configs/robots/pendulum.urdf: inertia about the joint, kg m2; gravity's torque at the horizontal, N m; frictions. */
const INERTIA = 0.57288 * 0.5 ** 2 + 0.000366643;
const GRAVITY = 0.57288 * 9.81 * 0.5;
const DAMPING = 0.04707;
const FRICTION = 0.1839;

/** tau = -K (tilt, tiltd), N m: held for 20 ms, cost 10 tilt^2 + tiltd^2 + tau^2; tests/sim/references/gains.test.ts. */
export const PENDULUM_GAINS = [6.570337879, 1.565352833] as const;

/** Energy gain of the swing-up, s/rad. */
const PUMP = 3;
/** Least speed it pumps as if it had, rad/s: out of the dead points. */
const SLOW = 0.3;
/** Out of rest it pushes one way for so long, a quarter of a swing, s: a late torque would chase its own effect there. */
const KICK_SECONDS = 0.35;

export const pendulumReference: ReferencePolicy = {
  doc: 'energy shaping with friction compensation, then a linear-quadratic regulator',
  make:
    () =>
    ({ state, time }, action) => {
      const q = state.q[0]!;
      const qd = state.qd[0]!;
      const tilt = wrapAngle(q - Math.PI);
      const tau = -PENDULUM_GAINS[0] * tilt - PENDULUM_GAINS[1] * qd;
      // What gravity leaves of 1 N m holds 0.36 rad.
      if (Math.abs(tilt) < 0.3 && Math.abs(tau) < 1.5) {
        action[0] = clamp(tau, -1, 1);
        return;
      }
      // E - E_up = J qd^2 / 2 - m g l (1 + cos q)
      const missing = GRAVITY * (1 + cos(q)) - 0.5 * INERTIA * qd * qd;
      const way = time < KICK_SECONDS || qd >= 0 ? 1 : -1;
      action[0] = PUMP * missing * (Math.abs(qd) < SLOW ? SLOW * way : qd) + DAMPING * qd + FRICTION * way;
    },
  score: { successRate: 1, meanReturn: 32.76562945133363 },
};
