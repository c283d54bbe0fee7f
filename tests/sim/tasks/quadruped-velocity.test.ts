/** The walking task: terms by hand, commands, starts, falls, success, and its reference's recorded score. */

import { describe, expect, it } from 'vitest';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { FLOOR } from '../../../sim/scene.ts';
import type { StepView } from '../../../sim/task.ts';
import { tasks } from '../../../sim/tasks/index.ts';
import { STANCE } from '../../../sim/tasks/quadruped-terms.ts';
import { environmentOf, scoreOf, viewOf } from './judged.ts';

const task = tasks['quadruped-velocity']!;
const seed = 1;
/** 0.2 cos 0.8 + 0.2 cos 0.7 + 0.02: soles on z = 0, m. */
const STRAIGHT = 0.2 * Math.cos(0.8) + 0.2 * Math.cos(0.7) + 0.02;

/** In the stance with its soles on the floor, asked to walk, at a time. */
function standing(time = 0, command: readonly number[] = [0.5, 0, 0, 2]): StepView {
  const view = viewOf(12, 4, 3, { feet: 4, body: 9, imu: 10 });
  view.state.q.set(STANCE);
  view.state.base[2] = STRAIGHT;
  view.state.time = time;
  view.command.set(command);
  return view;
}

const term = (name: string, view: StepView) => task.rewards[name]!.fn(view);

/** A quarter turn to the left. */
const LEFT = [0, 0, Math.SQRT1_2, Math.SQRT1_2] as const;

describe('tracking', () => {
  it('is 1 on the command and falls with the squared error over 0.25', () => {
    const view = standing(0, [1, 0.5, -0.5, 2]);
    view.state.twist.set([1, 0.5, 0, 0, 0, -0.5]);
    expect(term('track_linear', view)).toBe(1);
    expect(term('track_angular', view)).toBe(1);
    view.state.twist.set([0.5, 0.5, 3, 0, 0, 0.5]);
    expect(term('track_linear', view)).toBeCloseTo(Math.exp(-1), 12);
    expect(term('track_angular', view)).toBeCloseTo(Math.exp(-4), 12);
  });

  it('is of the velocity along the trunk, wherever that points', () => {
    const view = standing(0, [1, 0, 0, 2]);
    view.state.base.set(LEFT, 3);
    view.state.twist[1] = 1;
    expect(term('track_linear', view)).toBeCloseTo(1, 12);
  });
});

describe('the trunk', () => {
  it('is charged for bouncing, rocking, tilting and crouching', () => {
    const view = standing();
    view.state.twist.set([0, 0, 0.5, 1, 2, 3]);
    expect(term('vertical', view)).toBe(0.25);
    expect(term('rocking', view)).toBe(5);
    // Rolled by 0.3 rad: sin^2
    view.state.base.set([Math.sin(0.15), 0, 0, Math.cos(0.15)], 3);
    expect(term('tilt', view)).toBeCloseTo(Math.sin(0.3) ** 2, 12);
    view.state.base[2] = 0.2;
    expect(term('height', view)).toBeCloseTo(0.07 ** 2, 12);
  });
});

describe('joints', () => {
  it('are charged for torque, acceleration, changes of action and leaving the stance', () => {
    const view = standing();
    view.state.effort.set([3, -4]);
    expect(term('torque', view)).toBe(25);
    view.state.qd[5] = 1;
    view.before.qd[5] = 0.5;
    expect(term('acceleration', view)).toBeCloseTo((0.5 / 0.02) ** 2, 9);
    view.action.set([0.5, -0.5]);
    view.lastAction.set([0.25, 0.5]);
    expect(term('smoothness', view)).toBe(0.0625 + 1);
    expect(term('pose', view)).toBe(0);
    view.state.q[0] = 0.5;
    view.state.q[2] = -1;
    expect(term('hips', view)).toBe(0.25);
    expect(term('pose', view)).toBe(0.5);
    expect(term('stand_still', view)).toBe(0);
    view.command.set([0, 0, 0, 0]);
    expect(term('stand_still', view)).toBe(1);
  });
});

describe('feet', () => {
  it('pay by how high the clock wants them, no higher', () => {
    // An eighth of a turn: FR and RL are a quarter through their swing, wanted at 0.07 sin(pi / 4).
    const view = standing(0.0625);
    expect(term('foot_lift', view)).toBeCloseTo(0, 12);
    view.state.base[2] = STRAIGHT + 0.02;
    expect(term('foot_lift', view)).toBeCloseTo((2 * 0.02) / 0.07, 10);
    view.state.base[2] = STRAIGHT + 0.2;
    expect(term('foot_lift', view)).toBeCloseTo(2 * Math.SQRT1_2, 10);
    view.command.set([0, 0, 0, 0]);
    expect(term('foot_lift', view)).toBe(0);
  });

  it('pay for touching with the clock: FR and RL swing first, FL and RR second', () => {
    const first = standing(0.0625);
    first.state.sensors.feet!.set([0, 1, 1, 0]);
    expect(term('clock', first)).toBe(4);
    first.state.sensors.feet!.set([1, 1, 1, 1]);
    expect(term('clock', first)).toBe(0);
    const second = standing(0.3125);
    second.state.sensors.feet!.set([0, 1, 1, 0]);
    expect(term('clock', second)).toBe(-4);
  });

  it('are charged for sliding while they touch', () => {
    const view = standing();
    view.state.twist.set([0.3, -0.4, 2, 0, 0, 0]);
    expect(term('slip', view)).toBe(0);
    view.state.sensors.feet!.set([1, 0, 0, 1]);
    // Two feet at 0.5 m/s along the floor; up and down is no slip.
    expect(term('slip', view)).toBeCloseTo(2 * 0.25, 12);
    // Turning on the spot at 1 rad/s: w^2 r^2 of the foot FR at (0.1805 - 0.2 sin 0.8 + 0.2 sin 0.7, -0.1308)
    view.state.twist.set([0, 0, 0, 0, 0, 1]);
    view.state.sensors.feet!.set([1, 0, 0, 0]);
    const x = 0.1805 - 0.2 * Math.sin(0.8) + 0.2 * Math.sin(0.7);
    expect(term('slip', view)).toBeCloseTo(x ** 2 + 0.1308 ** 2, 10);
    // A calf that turns at 1 rad/s moves its foot at 0.2 m/s, cos 0.7 of it along the floor.
    view.state.twist.fill(0);
    view.state.qd[2] = 1;
    expect(term('slip', view)).toBeCloseTo((0.2 * Math.cos(0.7)) ** 2, 10);
  });

  it('share the ground with neither thighs nor calves', () => {
    const view = standing();
    view.state.sensors.body!.set([1, 0, 1, 0, 0, 0, 0, 0, 1]);
    expect(term('knees', view)).toBe(2);
  });
});

it('asks for nothing often enough, else for what lies within the ranges, and sets the clock by it', () => {
  const random = new RandomStream(keyOf(seed));
  const out = new Float64Array(4);
  let still = 0;
  for (let k = 0; k < 1000; k++) {
    task.command!.sample(random, FLOOR, undefined as never, out);
    for (const [i, [lower, upper]] of task.command!.ranges.entries()) {
      expect(out[i]!).toBeGreaterThanOrEqual(lower);
      expect(out[i]!).toBeLessThanOrEqual(upper);
    }
    const asks = Math.hypot(out[0]!, out[1]!) > 0.15 || Math.abs(out[2]!) > 0.15;
    expect(out[3]).toBe(asks ? 2 : 0);
    if (!asks) {
      expect([...out]).toEqual([0, 0, 0, 0]);
      still++;
    }
  }
  // A tenth, and those too slow: pi 0.15^2 / 2 * 0.15 = 0.5%. Three standard deviations of 1000 draws are 30.
  expect(still).toBeGreaterThan(70);
  expect(still).toBeLessThan(140);
});

it('starts in the stance and at rest where it is judged, disturbed where it learns', () => {
  const random = new RandomStream(keyOf(seed));
  const spread = (training: boolean) => {
    const most = { joints: 0, speed: 0, yaw: 0 };
    for (let k = 0; k < 200; k++) {
      const q = Float64Array.from(STANCE);
      const base = Float64Array.of(0, 0, 0, 0, 0, 0, 1);
      const twist = new Float64Array(6);
      task.start(random, training, { q, qd: new Float64Array(12), base, twist }, FLOOR);
      expect([base[0], base[1], base[3], base[4]]).toEqual([0, 0, 0, 0]);
      expect(base[2]!).toBeCloseTo(STRAIGHT + (training ? 0.02 : 0), 4);
      most.joints = Math.max(most.joints, ...q.map((x, j) => Math.abs(x - STANCE[j]!)));
      most.speed = Math.max(most.speed, ...twist.map(Math.abs));
      most.yaw = Math.max(most.yaw, 2 * Math.abs(Math.asin(base[5]!)));
    }
    return most;
  };
  const [judged, learning] = [spread(false), spread(true)];
  expect(judged.speed).toBe(0);
  expect(judged.joints).toBeLessThanOrEqual(0.03);
  expect(judged.yaw).toBeGreaterThan(3);
  expect(learning.joints).toBeGreaterThan(0.14);
  expect(learning.speed).toBeGreaterThan(0.39);
});

it('ends with a fall: over 1 rad, on its trunk, or flat on the ground', () => {
  const ends = (view: StepView) => Object.entries(task.terminations).flatMap(([name, fn]) => (fn(view) ? [name] : []));
  const view = standing();
  expect(ends(view)).toEqual([]);
  view.state.base.set([0, Math.sin(0.495), 0, Math.cos(0.495)], 3);
  expect(ends(view)).toEqual([]);
  view.state.base.set([0, Math.sin(0.505), 0, Math.cos(0.505)], 3);
  expect(ends(view)).toEqual(['tilt']);
  view.state.base.set([0, 0, 0, 1], 3);
  view.state.sensors.body![0] = 1;
  expect(ends(view)).toEqual(['trunk']);
  view.state.sensors.body!.fill(0);
  view.state.sensors.body![3] = 1;
  view.state.base[2] = 0.11;
  expect(ends(view)).toEqual(['height']);
});

it('succeeds by mean velocities: not at once, and not undone by one bad step', () => {
  const view = standing(0, [1, 0, 0, 2]);
  view.state.twist[0] = 1;
  const steps = [];
  for (let k = 0; k < 100; k++) steps.push(task.success.test(view));
  // The mean is off by (1 - dt / (T + dt))^n = (0.5 / 0.52)^n: below 0.25 from step 36 on.
  expect(steps.indexOf(true)).toBe(Math.ceil(Math.log(0.25) / Math.log(0.5 / 0.52)) - 1);
  expect(steps.lastIndexOf(false)).toBe(steps.indexOf(true) - 1);
  view.state.twist[0] = 1.5;
  expect(task.success.test(view)).toBe(true);
  // A mean turning rate that nears 0.4 rad/s leaves the 0.3 allowed.
  view.state.twist[0] = 1;
  view.state.twist[5] = 0.4;
  for (let k = 0; k < 100; k++) steps.push(task.success.test(view));
  expect(steps.at(-1)).toBe(false);
});

it('shows the critic what the actor cannot measure: velocity, contacts, height', async () => {
  const environment = await environmentOf('quadruped-velocity');
  const obs = new Float32Array(environment.observer.size);
  const seen = new Float32Array(environment.criticObserver!.size);
  environment.reset(0, obs, 0);
  for (let k = 0; k < 25; k++) environment.step(new Float32Array(12), 0, obs, 0);
  environment.observeCritic(seen, 0);
  const { base, twist, sensors } = environment.robot.truth;
  // A rotation keeps its length.
  expect(Math.hypot(seen[0]!, seen[1]!, seen[2]!)).toBeCloseTo(2 * Math.hypot(twist[0]!, twist[1]!, twist[2]!), 5);
  expect([...seen.slice(-14, -10)]).toEqual([...sensors.feet!]);
  expect([...seen.slice(-10, -1)]).toEqual([...sensors.body!]);
  expect(seen.at(-1)!).toBeCloseTo(5 * base[2]!, 5);
  // The actor has 47 numbers and none of these terms.
  expect(obs.length).toBe(3 + 3 + 3 + 2 + 36);
  expect(task.observations.filter(({ term }) => term.startsWith('base_'))).toEqual([]);
  environment.robot.close();
});

it('has a reference that reaches its score to the bit and beats doing nothing', async () => {
  const { score, make } = task.reference!;
  const { successRate, meanReturn } = await scoreOf('quadruped-velocity', make);
  expect({ successRate, meanReturn }).toEqual(score);
  const idle = await scoreOf('quadruped-velocity', null);
  expect(idle.successRate).toBeLessThan(0.3 * successRate);
  expect(idle.meanReturn).toBeLessThan(0.3 * meanReturn);
}, 60_000);
