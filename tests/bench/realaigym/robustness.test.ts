/** What the robustness leaderboards try, how they count, and the bridge from a policy bundle to the judge. */

import { describe, expect, it } from 'vitest';
import { leaderboardModels } from '../../../bench/realaigym/double-pendulum.ts';
import { pendulumRobustness } from '../../../bench/realaigym/pendulum-robustness.ts';
import { perturbationProfile } from '../../../bench/realaigym/perturbation.ts';
import { robustnessOf, robustnessTrials, stands } from '../../../bench/realaigym/robustness.ts';
import { leaderboardPendulum } from '../../../bench/realaigym/simple-pendulum.ts';
import { keyOf, RandomStream } from '../../../core/rng.ts';

const trials = robustnessTrials(leaderboardModels.acrobot, 1);

describe('robustness of the double pendulum', () => {
  it('tries ten parameters, two noises, response and delay at 21 values each, and 50 perturbations', () => {
    const count = (trouble: string) => trials.filter((trial) => trial.trouble === trouble).length;
    expect(count('model')).toBe(210);
    for (const trouble of ['velocityNoise', 'torqueNoise', 'torqueResponse', 'delay']) expect(count(trouble)).toBe(21);
    expect(count('perturbations')).toBe(50);
    expect(trials.filter((trial) => trial.runs === 10)).toHaveLength(42);
  });

  it('varies one parameter at a time over its published range', () => {
    const nominal = leaderboardModels.acrobot;
    const values = trials.filter((t) => t.trouble === 'model').map((t) => t.model);
    expect(values[20]!.rotor).toBeCloseTo(1e-4, 15);
    expect(values[21]!.com[0]).toBeCloseTo(0.75 * nominal.com[0], 12);
    expect(values[62]!.inertia[0]).toBeCloseTo(1.25 * nominal.inertia[0], 12);
    expect(values[63]!.damping).toEqual([-0.1, 0]);
    expect(values[104]!.coulomb[0]).toBeCloseTo(0.2, 12);
    for (const model of values.slice(0, 21)) expect({ ...model, rotor: 0 }).toEqual(nominal);
  });

  it('is the mean of six shares', () => {
    // All of the noises, half of the perturbations (25), 21 of 210 models, nothing else.
    let model = 21;
    let hits = 25;
    const passed = trials.map(({ trouble }) => {
      if (trouble === 'model') return model-- > 0;
      if (trouble === 'perturbations') return hits-- > 0;
      return trouble === 'velocityNoise' || trouble === 'torqueNoise';
    });
    const { score, shares } = robustnessOf(trials, passed);
    expect(shares).toEqual({
      model: 0.1,
      velocityNoise: 1,
      torqueNoise: 1,
      torqueResponse: 0,
      delay: 0,
      perturbations: 0.5,
    });
    expect(score).toBeCloseTo(2.6 / 6, 12);
  });

  it('counts as standing what is near it, whatever the turns', () => {
    expect(stands([Math.PI + 0.34, -2 * Math.PI + 0.34, 0.99, -0.99])).toBe(true);
    expect(stands([Math.PI + 0.36, 0, 0, 0])).toBe(false);
    expect(stands([Math.PI, 0, 0, 1.01])).toBe(false);
  });

  it('hits each joint three times, at least a second apart', () => {
    for (let seed = 0; seed < 20; seed++) {
      const profiles = perturbationProfile(new RandomStream(keyOf(seed)), 10, 0.002);
      // Where |tau| peaks: widths of 0.1 s at most leave hits a second apart separate.
      const peaks = profiles.map((tau) =>
        Array.from(tau.keys()).filter(
          (k) =>
            Math.abs(tau[k]!) > 0.4 &&
            Math.abs(tau[k]!) > Math.abs(tau[k - 1]!) &&
            Math.abs(tau[k]!) >= Math.abs(tau[k + 1]!),
        ),
      );
      expect(peaks.map((list) => list.length)).toEqual([3, 3]);
      const times = peaks.flat().sort((a, b) => a - b);
      expect(times[0]! * 0.002).toBeGreaterThan(0.99);
      for (let i = 1; i < 6; i++) expect((times[i]! - times[i - 1]!) * 0.002).toBeGreaterThan(0.99);
      for (const [j, list] of peaks.entries()) {
        for (const k of list) expect(Math.abs(profiles[j]![k]!)).toBeLessThan(5.01);
      }
    }
  });
});

describe('robustness of the simple pendulum', () => {
  it('of a controller that does nothing is that of random starts alone, and of no torque', () => {
    const { shares, leastTorque, score } = pendulumRobustness(leaderboardPendulum, { reset() {}, torque: () => 0 }, 1);
    expect(leastTorque).toBeNull();
    expect(shares.bodies).toBe(0);
    expect(score).toBeCloseTo((shares.starts + shares.hits) / 4, 12);
    expect(score).toBeLessThan(0.1);
  });
});
