/** The pendulum's rewards, end and starts by hand. */

import { describe, expect, it } from 'vitest';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { makeState } from '../../../core/robot.ts';
import { EMPTY_SCENE } from '../../../sim/scene.ts';
import { UNKNOWN_WORLD } from '../../../sim/sensed-world.ts';
import { tasks } from '../../../sim/tasks/index.ts';
import { one, recipesOf, seed } from './recipes.ts';

describe('the pendulum', () => {
  const task = tasks.pendulum!;
  const view = (q: number, qd: number, action = 0, lastAction = 0) => {
    const state = makeState(1);
    state.q[0] = q;
    state.qd[0] = qd;
    return {
      state,
      before: state,
      action: Float32Array.of(action),
      lastAction: Float32Array.of(lastAction),
      command: new Float64Array(0),
      objects: new Float64Array(0),
      scene: EMPTY_SCENE,
      world: UNKNOWN_WORLD,
      dt: 0.02,
      time: 0,
      memory: new Float64Array(0),
    };
  };

  it('pays nothing for hanging still and everything for standing still', () => {
    const terms = (q: number, qd: number) => ({
      energy: task.rewards.energy!.fn(view(q, qd)),
      balance: task.rewards.balance!.fn(view(q, qd)),
    });
    expect(terms(0, 0).energy).toBe(0);
    // exp(-(pi / 0.5)^2) = 7e-18
    expect(terms(0, 0).balance).toBeLessThan(1e-16);
    expect(terms(Math.PI, 0)).toEqual({ energy: 1, balance: 1 });
    expect(terms(-3 * Math.PI, 0).balance).toBeCloseTo(1, 12);
    // At the bottom with the speed that carries it up: qd^2 / 2 = 2 g / l
    expect(terms(0, Math.sqrt((4 * 9.81) / 0.5)).energy).toBeCloseTo(1, 12);
    // 0.5 rad off and 2 rad/s: exp(-1 - 1)
    expect(terms(Math.PI - 0.5, 2).balance).toBeCloseTo(Math.exp(-2), 12);
  });

  it('charges for torque and for changes of torque', () => {
    expect(task.rewards.torque!.fn(view(0, 0, -0.5))).toBe(0.25);
    expect(task.rewards.smoothness!.fn(view(0, 0, -0.5, 0.5))).toBe(1);
    expect(task.rewards.torque!.weight).toBeLessThan(0);
    expect(task.rewards.smoothness!.weight).toBeLessThan(0);
  });

  it('adds the weighted terms times the control period', async () => {
    const { judging } = await recipesOf('pendulum');
    const environment = await one({ ...judging, randomization: 0 });
    const obs = new Float32Array(environment.observer.size);
    environment.reset(0, obs, 0);
    environment.step(Float32Array.of(0.5), 0, obs, 0);
    environment.step(Float32Array.of(-2), 0, obs, 0);
    const { truth } = environment.robot;
    // The action is clipped to -1; it was 0.5 before.
    const expected = Object.values(task.rewards).map(
      (term, k) => (judging.rewardWeights[k]! * term.fn(view(truth.q[0]!, truth.qd[0]!, -1, 0.5))) / task.rateHz,
    );
    expect([...environment.rewardTerms]).toEqual(expected);
    expect(environment.reward).toBe(expected.reduce((a, b) => a + b, 0));
  });

  it('ends when it overspeeds', () => {
    expect(task.terminations.overspeed!(view(0, 20.1))).toBe(true);
    expect(task.terminations.overspeed!(view(0, -19.9))).toBe(false);
  });

  it('is judged from hanging and trained from anywhere', () => {
    const q = new Float64Array(1);
    const start = { q, qd: new Float64Array(1), base: new Float64Array(7), twist: new Float64Array(6) };
    const random = new RandomStream(keyOf(seed));
    const spread = (training: boolean) =>
      Math.max(
        ...Array.from({ length: 200 }, () => {
          task.start(random, training, start, EMPTY_SCENE);
          return Math.abs(q[0]!);
        }),
      );
    expect(spread(false)).toBeLessThanOrEqual(0.05);
    expect(spread(true)).toBeGreaterThan(3);
  });

  it('succeeds only after the hold, and not any more after a slip', async () => {
    const { judging } = await recipesOf('pendulum');
    const environment = await one({ ...judging, randomization: 0 });
    const obs = new Float32Array(environment.observer.size);
    environment.reset(0, obs, 0);
    const { robot } = environment;
    /** A second of standing, kept up by putting it back: the test is on the counter, not on a policy. */
    const stand = (steps: number, q = Math.PI) => {
      for (let i = 0; i < steps; i++) {
        robot.reset([q], [0]);
        environment.step(Float32Array.of(0), 0, obs, 0);
      }
    };
    stand(task.rateHz - 1);
    expect(environment.success).toBe(false);
    stand(1);
    expect(environment.success).toBe(true);
    stand(1, Math.PI - 0.3);
    expect(environment.success).toBe(false);
    stand(task.rateHz - 1, -Math.PI + 0.15);
    expect(environment.success).toBe(false);
    stand(1);
    expect(environment.success).toBe(true);
  });
});
