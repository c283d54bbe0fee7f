/** Acrobot and pendubot: rewards, starts, ends and success by hand, and which joint the action drives. */

import { describe, expect, it } from 'vitest';
import { experiments } from '../../../configs/index.ts';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { evaluationRecipe, openExperiment } from '../../../loop/experiment.ts';
import { makeEnvironments } from '../../../sim/recipe.ts';
import { EMPTY_SCENE } from '../../../sim/scene.ts';
import { acrobot } from '../../../sim/tasks/acrobot.ts';
import { tipHeight } from '../../../sim/tasks/double-pendulum.ts';
import { pendubot } from '../../../sim/tasks/pendubot.ts';
import { ends, rewardOf, viewOf } from './poles.ts';

const UP = Math.PI;

describe.each([acrobot, pendubot])('$name', (task) => {
  it('measures the tip as a share of the stretched length', () => {
    expect(tipHeight(viewOf([0, 0]).state)).toBeCloseTo(-1, 12);
    expect(tipHeight(viewOf([UP, 0]).state)).toBeCloseTo(1, 12);
    // The upper link stands, the lower one hangs: (0.2 - 0.3) / 0.5
    expect(tipHeight(viewOf([UP, UP]).state)).toBeCloseTo(-0.2, 12);
    expect(tipHeight(viewOf([UP / 2, UP / 2]).state)).toBeCloseTo(0.6, 12);
  });

  it('pays for energy, for raised links, and much for standing still', () => {
    expect(rewardOf(task, viewOf([0, 0]))).toBeCloseTo(0, 9);
    expect(rewardOf(task, viewOf([UP, 0]))).toBeCloseTo(6, 9);
    // Full torque reversed: -0.05 - 0.1 * 4
    expect(rewardOf(task, viewOf([UP, 0], [0, 0], 1, -1))).toBeCloseTo(5.55, 9);
    // 2 rad/s at the elbow: 4 / e - 0.004, and more energy than standing by I2 4 / 2, the rotor's inertia in I2, of twice
    // g (m1 r1 + m2 l1 + m2 r2)
    const surplus = ((0.0538781 + 0.003577) * 2) / (2 * 9.81 * (0.2411259 + 0.181174));
    expect(rewardOf(task, viewOf([-UP, 0], [0, 2]))).toBeCloseTo(2 + 4 / Math.E - 0.004 - surplus, 9);
    // At rest, folded: half the energy is there or not, but a link hangs.
    expect(rewardOf(task, viewOf([UP, UP]))).toBeCloseTo(0.2411259 / (0.2411259 + 0.181174), 6);
  });

  it("ends at a fault's speed of either joint", () => {
    expect(ends(task, viewOf([0, 0], [-19.9, 19.9]))).toEqual([]);
    expect(ends(task, viewOf([0, 0], [-20.1, 0]))).toEqual(['overspeed']);
    expect(ends(task, viewOf([0, 0], [0, 20.1]))).toEqual(['overspeed']);
  });

  it('ends when a joint has turned twice', () => {
    expect(ends(task, viewOf([12.5, -12.5]))).toEqual([]);
    expect(ends(task, viewOf([-12.6, 0]))).toEqual(['wound']);
    expect(ends(task, viewOf([0, 12.6]))).toEqual(['wound']);
  });

  it('succeeds with the tip above 90% for the last 2 s', () => {
    expect(task.success.seconds).toBe(2);
    // cos 0.45 = 0.9004, cos 0.46 = 0.8961
    expect(task.success.test(viewOf([UP + 0.45, 0], [5, 5]))).toBe(true);
    expect(task.success.test(viewOf([UP + 0.46, 0]))).toBe(false);
  });

  it('is judged from hanging at rest, and trained from anywhere and from standing', () => {
    const random = new RandomStream(keyOf(4));
    const out = {
      q: new Float64Array(2),
      qd: new Float64Array(2),
      base: new Float64Array(7),
      twist: new Float64Array(6),
    };
    const share = { hanging: 0, standing: 0 };
    for (let i = 0; i < 2000; i++) {
      task.start(random, false, out, EMPTY_SCENE);
      for (const value of [...out.q, ...out.qd]) expect(Math.abs(value)).toBeLessThanOrEqual(0.03);
      task.start(random, true, out, EMPTY_SCENE);
      if (Math.abs(out.q[0]!) <= 0.03 && Math.abs(out.q[1]!) <= 0.03) share.hanging++;
      if (Math.abs(out.q[0]! - UP) <= 0.3 && Math.abs(out.q[1]!) <= 0.3) share.standing++;
    }
    // Thirds, and 0.9% more of the third that starts anywhere; four standard errors are 0.042.
    expect(Math.abs(share.hanging / 2000 - 1 / 3)).toBeLessThan(0.045);
    expect(Math.abs(share.standing / 2000 - 1 / 3)).toBeLessThan(0.045);
  });

  it('drives one joint, with 6 N m', async () => {
    const experiment = await openExperiment({ ...experiments[task.name]!, randomization: 0 });
    const recipe = evaluationRecipe(experiment, experiment.contract, 'rapier', 1);
    const environment = (await makeEnvironments(recipe, 0, 1))[0]!;
    const obs = new Float32Array(environment.observer.size);
    environment.reset(0, obs, 0);
    environment.step(Float32Array.of(2), 0, obs, 0);
    const driven = task.name === 'acrobot' ? [0, 6] : [6, 0];
    expect([...environment.robot.truth.effort]).toEqual(driven);
    // The critic also sees the turns and the torque, as a share of 6 N m.
    const seen = new Float32Array(environment.criticObserver!.size);
    environment.observeCritic(seen, 0);
    expect(seen.length).toBe(obs.length + 3);
    expect(seen.at(-1)).toBe(1);
  });
});
