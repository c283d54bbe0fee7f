/** The hovering task: terms by hand, starts, crashes, success, what the rotors can do, and its reference's recorded score. */

import { expect, it } from 'vitest';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { FLOOR } from '../../../sim/scene.ts';
import { tasks } from '../../../sim/tasks/index.ts';
import { environmentOf, scoreOf, viewOf } from './judged.ts';

const task = tasks['quadrotor-hover']!;
const seed = 1;

/** At (0, 0, 1), asked to be there. */
function hovering() {
  const view = viewOf(4, 3);
  view.state.base[2] = 1;
  view.command[2] = 1;
  return view;
}

it('pays for being at the point, slow and upright', () => {
  const view = hovering();
  expect(task.rewards.near!.fn(view)).toBe(1);
  expect(task.rewards.still!.fn(view)).toBe(1);
  expect(task.rewards.upright!.fn(view)).toBe(1);
  // 0.5 m off: exp(-0.5); 0.15 m off and 0.3 m/s: exp(-1 - 1)
  view.command[0] = 0.3;
  view.command[1] = -0.4;
  expect(task.rewards.near!.fn(view)).toBeCloseTo(Math.exp(-0.5), 12);
  view.command.set([0.15, 0, 1]);
  view.state.twist[2] = -0.3;
  expect(task.rewards.still!.fn(view)).toBeCloseTo(Math.exp(-2), 12);
  // Rolled by 60 degrees
  view.state.base.set([0.5, 0, 0, Math.sqrt(0.75)], 3);
  expect(task.rewards.upright!.fn(view)).toBeCloseTo(0.5, 12);
});

it('charges for body rates, thrust away from hovering and its changes', () => {
  const view = hovering();
  view.state.twist.set([9, 9, 9, 1, 2, 3]);
  expect(task.rewards.spin!.fn(view)).toBe(14);
  view.action.set([0.5, -0.5, 0, 0]);
  view.lastAction.set([0.25, 0, 0, 1]);
  expect(task.rewards.thrust!.fn(view)).toBe(0.5);
  expect(task.rewards.smoothness!.fn(view)).toBe(0.0625 + 0.25 + 1);
});

it('ends on the floor, upside down and far away', () => {
  const ends = (change: (view: ReturnType<typeof hovering>) => void) => {
    const view = hovering();
    change(view);
    return Object.entries(task.terminations).flatMap(([name, fn]) => (fn(view) ? [name] : []));
  };
  const pitch = (angle: number) => [0, Math.sin(angle / 2), 0, Math.cos(angle / 2)];
  expect(ends(() => {})).toEqual([]);
  expect(ends(({ state }) => state.base.set([0, 0, 0.05]))).toEqual(['crash']);
  expect(ends(({ state }) => state.base.set(pitch(1.7), 3))).toEqual([]);
  expect(ends(({ state }) => state.base.set(pitch(1.8), 3))).toEqual(['overturned']);
  expect(ends(({ command }) => command.set([4.1, 0, 1]))).toEqual(['lost']);
});

it('succeeds at the point and slow', () => {
  const view = hovering();
  expect(task.success.test(view)).toBe(true);
  view.command[0] = 0.16;
  expect(task.success.test(view)).toBe(false);
  view.command[0] = 0.14;
  view.state.twist.set([0.2, 0.2, 0.2]);
  expect(task.success.test(view)).toBe(false);
});

it('starts level and slow where it is judged, thrown where it learns, always above the floor', () => {
  const random = new RandomStream(keyOf(seed));
  const spread = (training: boolean) => {
    const most = { tilt: 0, speed: 0 };
    for (let k = 0; k < 200; k++) {
      const base = Float64Array.of(0, 0, 0, 0, 0, 0, 1);
      const twist = new Float64Array(6);
      task.start(random, training, { q: new Float64Array(4), qd: new Float64Array(4), base, twist }, FLOOR);
      expect(Math.hypot(base[3]!, base[4]!, base[5]!, base[6]!)).toBeCloseTo(1, 12);
      expect(base[2]!).toBeGreaterThanOrEqual(1.2);
      most.tilt = Math.max(most.tilt, 2 * Math.acos(Math.min(1, base[6]!)));
      most.speed = Math.max(most.speed, ...twist.map(Math.abs));
    }
    return most;
  };
  const [judged, learning] = [spread(false), spread(true)];
  expect(judged.tilt).toBeLessThanOrEqual(0.1);
  expect(judged.speed).toBeLessThanOrEqual(0.2);
  expect(learning.tilt).toBeGreaterThan(0.8);
  expect(learning.speed).toBeGreaterThan(2.2);
});

it('carries its weight with action 0 and gives all and nothing at the ends', async () => {
  const environment = await environmentOf('quadrotor-hover');
  const { command, actuation } = environment;
  actuation.apply(Float32Array.of(0, 1, -1, 0), 0, command);
  expect(4 * command.effort[0]!).toBeCloseTo(0.027 * 9.81, 12);
  expect(command.effort[1]!).toBeCloseTo(0.1597, 12);
  expect(command.effort[2]!).toBe(0);
  environment.robot.close();
});

it('has a reference that reaches its score to the bit and beats doing nothing', async () => {
  const { score, make } = task.reference!;
  const { successRate, meanReturn } = await scoreOf('quadrotor-hover', make);
  expect({ successRate, meanReturn }).toEqual(score);
  const idle = await scoreOf('quadrotor-hover', null);
  expect(idle.successRate).toBe(0);
  expect(idle.meanReturn).toBeLessThan(0.1 * meanReturn);
}, 60_000);
