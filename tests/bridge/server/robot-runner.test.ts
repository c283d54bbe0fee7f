/** The runner on a clock that the test moves: rate, watchdog, late starts, bursts of commands. */

import { afterEach, describe, expect, it } from 'vitest';
import { RobotRunner, type RunnerSettings } from '../../../bridge/server/robot-runner.ts';
import { ManualClock } from '../../../core/clock.ts';
import { makeCommand } from '../../../core/robot.ts';
import { nominalDynamics } from '../../../sim/dynamics.ts';
import { type MujocoRobot, makeTwin } from '../../../sim/twin.ts';
import { model } from './served-robot.ts';

const open: MujocoRobot[] = [];
afterEach(() => {
  for (const robot of open.splice(0)) robot.close();
});

async function setUp(settings: Partial<RunnerSettings> = {}) {
  const robot = await makeTwin(model, { ...nominalDynamics(model), friction: [0], damping: [0] });
  open.push(robot);
  const clock = new ManualClock(1000);
  const states: { stamp: number; time: number; q: number }[] = [];
  const skipped: number[] = [];
  const failures: unknown[] = [];
  let stops = 0;
  const runner = new RobotRunner(
    { robot, clock, rateHz: 100, stepSeconds: 0.002, watchdogSeconds: 0.1, damping: [0.3], ...settings },
    {
      state: (state, stamp) => states.push({ stamp, time: state.time, q: state.q[0]! }),
      watchdog: () => {
        stops++;
      },
      skipped: (seconds) => skipped.push(seconds),
      failed: (error) => failures.push(error),
    },
  );
  /** Tick at odd moments, as timers do. */
  const run = (seconds: number) => {
    const until = clock.now() + seconds;
    for (let i = 0; clock.now() < until - 1e-9; i++) {
      clock.advance(Math.min(0.0013 + 0.0008 * (i % 3), until - clock.now()));
      runner.tick();
    }
  };
  return { robot, clock, states, skipped, failures, runner, run, stops: () => stops };
}

describe('time', () => {
  it('reports at the rate, lateness not adding up, each stamp being the time of its state', async () => {
    const { states, run } = await setUp();
    run(1);
    expect(states.length).toBeGreaterThanOrEqual(100);
    expect(states.length).toBeLessThanOrEqual(101);
    for (const [i, { stamp, time }] of states.entries()) {
      expect(stamp).toBeCloseTo(1000 + time, 9);
      // report i is due at i / 100 and late by at most one tick; the state is at most one physics step older
      expect(stamp - (1000 + i / 100)).toBeGreaterThan(-0.002 - 1e-9);
      expect(stamp - (1000 + i / 100)).toBeLessThan(0.0022);
    }
  });

  it('leaves out the reports it has missed', async () => {
    const { states, run, clock, runner } = await setUp();
    run(0.1);
    const before = states.length;
    clock.advance(0.2);
    runner.tick();
    runner.tick();
    expect(states.length).toBe(before + 1);
    expect(states.at(-1)!.time).toBeCloseTo(0.3, 2);
  });

  it('reports no state twice', async () => {
    const { states, clock, runner } = await setUp({ rateHz: 250 });
    // After a reset, physics steps begin between the times at which reports are due, 4, 8, 12 ...
    clock.advance(0.0015);
    runner.reset();
    clock.advance(0.0064);
    for (let i = 0; i < 50; i++) {
      // at 7.9 ms, late for 4, and at 8.1 for 8: the physics step of 7.5 to 9.5 ms has both; and so on every 8 ms
      runner.tick();
      clock.advance(i % 2 === 0 ? 0.0002 : 0.0078);
    }
    expect(states.length).toBeGreaterThan(20);
    expect(new Set(states.map(({ stamp }) => stamp)).size).toBe(states.length);
  });

  it('does not make up for the time its process was stopped', async () => {
    const { states, run, clock, runner, skipped } = await setUp();
    run(0.1);
    clock.advance(5);
    runner.tick();
    expect(skipped).toEqual([expect.closeTo(5, 2)]);
    expect(states.at(-1)!.time).toBeCloseTo(0.1, 2);
    expect(states.at(-1)!.stamp).toBeCloseTo(1005.1, 2);
  });
});

describe('commands', () => {
  it('hold until the next one', async () => {
    const { robot, run, runner } = await setUp({ watchdogSeconds: null });
    runner.command([0.5]);
    run(3);
    expect(robot.truth.effort[0]).toBe(0.5);
    runner.command([-0.2]);
    run(0.01);
    expect(robot.truth.effort[0]).toBe(-0.2);
  });

  it('end at the watchdog, to the step, between ticks', async () => {
    const { robot, run, runner, clock, stops } = await setUp();
    run(0.01);
    runner.command([0.5]);
    run(0.09);
    expect(robot.truth.effort[0]).toBe(0.5);
    expect(stops()).toBe(0);
    // one late tick: the command must have acted for 100 ms all the same
    clock.advance(0.1);
    runner.tick();
    expect(stops()).toBe(1);
    const twin = await makeTwin(model, robot.dynamics);
    open.push(twin);
    const command = makeCommand(1);
    twin.step(0.01);
    command.effort[0] = 0.5;
    twin.act(command);
    twin.step(0.1);
    command.effort[0] = 0;
    command.kd[0] = 0.3;
    twin.act(command);
    twin.step(0.09);
    expect(robot.truth.time).toBeCloseTo(twin.truth.time, 9);
    expect(robot.truth.q[0]).toBe(twin.truth.q[0]);
    expect(robot.truth.effort[0]).toBe(twin.truth.effort[0]);
    run(1);
    expect(stops()).toBe(1);
  });

  it('end at once when the process was stopped for longer than the watchdog', async () => {
    const { robot, run, runner, clock, stops } = await setUp();
    runner.command([0.5]);
    run(0.05);
    const before = robot.truth.time;
    clock.advance(5);
    runner.tick();
    expect(stops()).toBe(1);
    expect(robot.truth.time).toBe(before);
    run(0.004);
    expect(Math.abs(robot.truth.effort[0]!)).toBeLessThan(0.3);
    expect(robot.truth.effort[0]).not.toBe(0.5);
  });

  it('take effect in the order of arrival, the last of a burst winning', async () => {
    const { robot, run, runner } = await setUp({ watchdogSeconds: null });
    for (let i = 1; i <= 500; i++) runner.command([i / 1000]);
    run(0.01);
    expect(robot.truth.effort[0]).toBe(0.5);
  });

  it('are forgotten by a reset', async () => {
    const { robot, run, runner, stops } = await setUp();
    runner.command([0.5]);
    run(0.05);
    runner.command([0.7]);
    runner.reset();
    run(0.5);
    expect(robot.truth.q[0]).toBe(0);
    expect(stops()).toBe(0);
  });
});

it('a simulation that fails stops the runner and is told once', async () => {
  const { run, runner, failures, states } = await setUp({ watchdogSeconds: null });
  run(0.05);
  runner.command([Number.NaN]);
  run(0.05);
  const reported = states.length;
  run(0.5);
  runner.command([0.1]);
  expect(failures).toEqual([expect.objectContaining({ message: 'command effort of joint shoulder is NaN' })]);
  expect(states.length).toBe(reported);
});
