/**
 * The acrobot by hand: the elbow is linearised by partial feedback and pumps the robot's energy up to that of standing
 * (M. W. Spong, "The swing up control problem for the Acrobot", IEEE Control Systems 15(1), 1995); a linear-quadratic
 * regulator catches it when it comes by. Knows the nominal robot and the true state.
 */

import { clamp, wrapAngle } from '../../core/math.ts';
import type { ReferencePolicy } from '../task.ts';
import {
  costToGo,
  doublePendulum,
  makeMotion,
  type Regulator,
  regulatorTorque,
  writeMotion,
} from './double-pendulum.ts';

/** Held for 10 ms, cost 10 e1^2 + 10 e2^2 + qd1^2 + qd2^2 + tau^2; tests/sim/references/gains.test.ts solves for it. */
export const ACROBOT_REGULATOR: Regulator = {
  gains: [-123.1395313, -53.72013275, -25.78105701, -12.4948174],
  cost: [
    536742.2436, 247287.0211, 112301.4131, 57317.1184, 114351.9615, 51771.60816, 26428.48056, 23512.23444, 11999.98853,
    6126.369008,
  ],
};

/** N m that an action of 1 stands for. */
const TORQUE = 6;
/** Of the elbow, 1/s2 and 1/s. */
const KP = 13.1;
const KD = 2.82;
/** Energy gain, 1/(J s), and the most it may ask for, rad/s2. */
const PUMP = 10.9;
const PUMP_LIMIT = 50.5;
/** More than standing takes, for what friction will cost, as a factor. */
const SURPLUS = 1.074;
/** Out of the friction that holds it hanging: rad/s2 for 0.2 s. */
const KICK = -97.3;
const KICK_SECONDS = 0.195;
/** Caught below the first cost-to-go, lost above the second. */
const CATCH = 1360;
const LOSE = 27200;

export const acrobotReference: ReferencePolicy = {
  doc: 'partial feedback linearisation that pumps the energy, then a linear-quadratic regulator',
  make: () => {
    const motion = makeMotion();
    let caught = false;
    return ({ state, time }, action) => {
      const cost = costToGo(ACROBOT_REGULATOR, state);
      caught = cost < (caught ? LOSE : CATCH);
      if (caught) {
        action[0] = regulatorTorque(ACROBOT_REGULATOR, state) / TORQUE;
        return;
      }
      const { q, qd } = state;
      writeMotion(state, motion);
      const { m11, m12, m22, n1, n2, energy } = motion;
      const missing = SURPLUS * (doublePendulum.g1 + doublePendulum.g2) - energy;
      const pump = clamp(PUMP * missing * qd[0]!, -PUMP_LIMIT, PUMP_LIMIT);
      const wanted = -KP * wrapAngle(q[1]!) - KD * qd[1]! - pump + (time < KICK_SECONDS ? KICK : 0);
      // (m22 - m12^2 / m11) qdd2 + n2 - m12 / m11 n1 = tau2, as m11 qdd1 + m12 qdd2 + n1 = 0
      action[0] = ((m22 - (m12 * m12) / m11) * wanted + n2 - (m12 / m11) * n1) / TORQUE;
    };
  },
  score: { successRate: 0, meanReturn: 0 },
};
