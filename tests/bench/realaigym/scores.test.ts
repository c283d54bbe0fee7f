/** Criteria and scores: by hand, against the public functions on the same trajectories, and against the published tables. */

import { describe, expect, it } from 'vitest';
import { type Criteria, criteriaOf } from '../../../bench/realaigym/criteria.ts';
import { performanceCriteria } from '../../../bench/realaigym/judge.ts';
import {
  doublePendulumScore,
  PENDULUM_DEFAULT,
  PENDULUM_SCRIPT,
  simplePendulumScore,
} from '../../../bench/realaigym/scores.ts';
import type { Trajectory } from '../../../bench/realaigym/simulate.ts';
import { cos, exp, sin } from '../../../core/math.ts';

/** @param state of sample k, [2 nJoints] @param torque of step k, [nJoints] */
function trajectory(
  steps: number,
  dt: number,
  nJoints: number,
  state: (k: number) => readonly number[],
  torque: (k: number) => readonly number[],
): Trajectory {
  const indices = Array.from({ length: steps }, (_, k) => k);
  return {
    dt,
    steps,
    nJoints,
    time: Float64Array.from(indices, (k) => k * dt),
    states: Float64Array.from([...indices, steps].flatMap((k) => [...state(k)])),
    torques: Float64Array.from(indices.flatMap((k) => [...torque(k)])),
  };
}

describe('criteria', () => {
  it('are what five samples give by hand', () => {
    const q = [0, 1, 3, 3, 2];
    const qd = [0, 2, 1, 0, 9];
    const tau = [1, -2, 4, 0, 3];
    const run = trajectory(
      5,
      0.5,
      1,
      (k) => [q[k] ?? 2, qd[k] ?? 9],
      (k) => [tau[k]!],
    );
    const criteria = criteriaOf(run, { up: (x) => x[0]! >= 2, sampled: 'before' });
    expect(criteria.swingUpTime).toBe(1); // q >= 2 from the third sample on
    expect(criteria.success).toBe(true);
    expect(criteria.energy).toBe(1 * 1 + 2 * 2 + 4 * 0 + 0 * 1);
    expect(criteria.maxTorque).toBe(4);
    expect(criteria.integratedTorque).toBe(0.5 * (1 + 2 + 4 + 0));
    expect(criteria.torqueCost).toBe(0.5 * (1 + 4 + 16 + 0));
    expect(criteria.velocityCost).toBe(0.5 * (0 + 4 + 1 + 0));
    // Changes -3, 6, -4, 3: mean 0.5, squares about it 12.25 + 30.25 + 20.25 + 6.25 = 69
    expect(criteria.torqueSmoothness).toBeCloseTo(Math.sqrt(69 / 4), 12);
  });

  it('count as up only what stays up to the end', () => {
    const heights = [0, 1, 1, 0, 1, 0];
    const run = trajectory(
      6,
      1,
      1,
      (k) => [heights[k] ?? 1, 0],
      () => [0],
    );
    const { success, swingUpTime } = criteriaOf(run, { up: (x) => x[0]! > 0.5, sampled: 'before' });
    expect(success).toBe(false);
    expect(swingUpTime).toBe(5);
  });

  it('are those of the public double-pendulum functions', () => {
    // double_pendulum.analysis.leaderboard: get_swingup_time, get_energy, get_torque_cost, get_tau_smoothness, get_velocity_cost
    // and leaderboard_scores(score_version='v2') on T = 0.002 k, k < 5000, with these X and U.
    const run = trajectory(
      5000,
      0.002,
      2,
      (k) => {
        const t = 0.002 * k;
        const fall = exp(-t / 0.4);
        return [
          Math.PI * (1 - fall),
          0.5 * exp(-t) * sin(3 * t),
          (Math.PI * fall) / 0.4,
          0.5 * exp(-t) * (3 * cos(3 * t) - sin(3 * t)),
        ];
      },
      (k) => [0, 2 * exp(-0.002 * k) * cos(0.01 * k)],
    );
    const criteria = performanceCriteria('acrobot', run);
    expect(criteria.swingUpTime).toBeCloseTo(0.682, 12);
    expect(criteria.energy).toBeCloseTo(0.6806694668009271, 10);
    expect(criteria.torqueCost).toBeCloseTo(1.0424642028009332, 10);
    expect(criteria.torqueSmoothness).toBeCloseTo(0.0032622124584485677, 12);
    expect(criteria.velocityCost).toBeCloseTo(12.963546335551257, 9);
    expect(doublePendulumScore(criteria)).toBeCloseTo(0.8983519834860526, 10);
  });

  it('are those of the public simple-pendulum functions', () => {
    // simple_pendulum.analysis.leaderboard on meas_time = 0.01 (k + 1), k < 1000
    const run = trajectory(
      1000,
      0.01,
      1,
      (k) => {
        const fall = exp(-0.01 * k * 2);
        return [Math.PI * (1 - fall), Math.PI * fall * 2];
      },
      (k) => [1.2 * exp(-0.01 * (k + 1)) * cos(0.03 * (k + 1))],
    );
    const criteria = performanceCriteria('pendulum', run);
    expect(criteria.swingUpTime).toBeCloseTo(2.54, 12);
    expect(criteria.maxTorque).toBeCloseTo(1.1875252136845924, 12);
    expect(criteria.energy).toBeCloseTo(1.7476747440048352, 10);
    expect(criteria.integratedTorque).toBeCloseTo(0.7710914434402398, 10);
    expect(criteria.torqueCost).toBeCloseTo(0.3888240012607128, 10);
    expect(criteria.torqueSmoothness).toBeCloseTo(0.006172952667885246, 12);
    expect(criteria.velocityCost).toBeCloseTo(9.67352822523046, 9);
  });
});

describe('scores', () => {
  const criteria = (
    swingUpTime: number,
    energy: number,
    torqueCost: number,
    torqueSmoothness: number,
    velocityCost: number,
  ) =>
    ({
      success: true,
      swingUpTime,
      energy,
      torqueCost,
      torqueSmoothness,
      velocityCost,
      maxTorque: 0,
      integratedTorque: 0,
    }) satisfies Criteria;

  it.each([
    // As published, criteria rounded to two or three digits: 0.0005 of smoothness alone is worth 0.003.
    ['acrobot History SAC', criteria(1.0, 8.08, 1.8, 0.01, 88.5), 0.655],
    ['acrobot AR-EAPO', criteria(1.39, 8.32, 1.52, 0.008, 117.96), 0.633],
    ['acrobot evolutionary SAC', criteria(0.96, 9.26, 2.71, 0.03, 96.56), 0.524],
    ['acrobot time-varying LQR', criteria(4.05, 10.43, 1.87, 0.016, 105.83), 0.504],
    ['acrobot MC-PILCO', criteria(1.45, 19.43, 3.22, 0.097, 253.59), 0.316],
    ['pendubot History SAC', criteria(1.15, 7.67, 2.36, 0.007, 62.07), 0.682],
    ['pendubot AR-EAPO', criteria(1.15, 7.72, 2.43, 0.01, 64.33), 0.659],
  ])('of %s is the published one', (_, measured, expected) => {
    expect(Math.abs(doublePendulumScore(measured) - expected)).toBeLessThan(0.004);
  });

  it('of a failure is 0', () => {
    expect(doublePendulumScore({ ...criteria(9.9, 1, 1, 0, 1), success: false })).toBe(0);
  });

  it('of the simple pendulum is linear in what it weighs', () => {
    const measured = { ...criteria(2, 10, 4, 0.5, 20), maxTorque: 1, integratedTorque: 5 };
    // 1 - (0.2 2/10 + 0.1 1/1 + 0.1 5/10 + 0.6 0.5/1)
    expect(simplePendulumScore(measured, PENDULUM_DEFAULT)).toBeCloseTo(1 - 0.49, 12);
    // 1 - (0.2 2/10 + 0.1 1/2 + 0.1 10/100 + 0.1 5/20 + 0.1 4/40 + 0.2 0.5/4 + 0.2 20/100)
    expect(simplePendulumScore(measured, PENDULUM_SCRIPT)).toBeCloseTo(1 - 0.2, 12);
  });
});
