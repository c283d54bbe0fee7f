/**
 * What a policy is taught: near standing the regulator that holds, anywhere else the torque of the nearest point of a good swing-up with
 * that point's regulator, nearest by the regulators' cost-to-go. A function of the state alone, so that a network can learn it.
 */

import { clamp, wrapAngle } from '../../../core/math.ts';
import { doublePendulum, leaderboardModels } from '../double-pendulum.ts';
import { judged } from '../judge.ts';
import { trackingRegulators } from './regulator.ts';
import { type DoublePendulumTask, DT, HOLDING, holdingTorque, runSwing, type Swing, standing } from './swing.ts';

export interface Teacher {
  readonly driven: number;
  /** N m. */
  readonly limit: number;
  /** The swing-up and the first moments of standing, [steps, 4] and N m, [steps]. */
  readonly states: Float64Array;
  readonly torques: Float64Array;
  /** Torque on the driven joint, N m. @param x [4] */
  torque(x: ArrayLike<number>): number;
  /** Cost-to-go from the point that the last `torque` chose: how far from the known the state was. */
  readonly distance: number;
}

/** Below this cost-to-go the pendulum is held instead of swung. */
const CATCH = 2;
/** Steps of standing that belong to the trajectory. */
const STANDING_STEPS = 150;
/** Only every third point is compared. */
const STRIDE = 3;

/** @param stiffness of the tracking, as a factor on what it costs to be off */
export function swingTeacher(task: DoublePendulumTask, swing: Swing, stiffness: number): Teacher {
  const { driven } = judged[task];
  const limit = leaderboardModels[task].torqueLimit[driven];
  const holding = standing(task);
  const steps = Math.floor(swing.seconds / DT) + STANDING_STEPS;
  const run = runSwing(task, swing, holding, steps);
  const states = run.states.subarray(0, steps * 4);
  const torques = Float64Array.from({ length: steps }, (_, n) => run.torques[2 * n + driven]!);
  const [s1, s2, s3, s4] = HOLDING.state;
  const regulators = trackingRegulators(
    doublePendulum(leaderboardModels[task]),
    driven,
    states,
    torques,
    holding.cost,
    { state: [stiffness * s1, stiffness * s2, stiffness * s3, stiffness * s4], torque: HOLDING.torque },
    DT,
  );
  const off = new Float64Array(4);
  let distance = 0;
  const costOf = (cost: Float64Array) => {
    const [a, b, c, d] = [off[0]!, off[1]!, off[2]!, off[3]!];
    return (
      cost[0]! * a * a +
      cost[5]! * b * b +
      cost[10]! * c * c +
      cost[15]! * d * d +
      2 *
        (cost[1]! * a * b +
          cost[2]! * a * c +
          cost[3]! * a * d +
          cost[6]! * b * c +
          cost[7]! * b * d +
          cost[11]! * c * d)
    );
  };
  const offFrom = (x: ArrayLike<number>, n: number) => {
    off[0] = wrapAngle(x[0]! - states[4 * n]!);
    off[1] = wrapAngle(x[1]! - states[4 * n + 1]!);
    off[2] = x[2]! - states[4 * n + 2]!;
    off[3] = x[3]! - states[4 * n + 3]!;
  };
  return {
    driven,
    limit,
    states,
    torques,
    get distance() {
      return distance;
    },
    torque(x) {
      off[0] = wrapAngle(x[0]! - Math.PI);
      off[1] = wrapAngle(x[1]!);
      off[2] = x[2]!;
      off[3] = x[3]!;
      distance = costOf(holding.cost);
      if (distance < CATCH) return clamp(holdingTorque(holding, x), -limit, limit);
      distance = Number.POSITIVE_INFINITY;
      let nearest = 0;
      for (let n = 0; n < steps; n += STRIDE) {
        offFrom(x, n);
        const cost = costOf(regulators[n]!.cost);
        if (cost < distance) {
          distance = cost;
          nearest = n;
        }
      }
      offFrom(x, nearest);
      const { gains } = regulators[nearest]!;
      // u = u* - K (x - x*)
      let torque = torques[nearest]!;
      for (let i = 0; i < 4; i++) torque -= gains[i]! * off[i]!;
      return clamp(torque, -limit, limit);
    },
  };
}
