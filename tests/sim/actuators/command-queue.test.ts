/** The way from command to drive: whole and fractional steps, mixing, impulse, order, capacity. */

import { describe, expect, it } from 'vitest';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { makeCommand, makeState } from '../../../core/robot.ts';
import { CommandQueue } from '../../../sim/actuators/command-queue.ts';
import type { Drive } from '../../../sim/actuators/drive.ts';
import { pdDrive } from '../../../sim/actuators/pd.ts';
import { at } from './rig.ts';

const seed = Number(process.env.LANDFALL_TEST_SEED ?? 1);
const DT = 0.005;

/** Ideal PD drives of one joint. */
function drivesWith(limit: number): Drive[] {
  const of = (value: number) => Float64Array.of(value);
  return [
    pdDrive(0, { dt: DT, kpScale: of(1), kdScale: of(1), encoderBias: of(0), torqueLimit: of(limit), inertia: of(1) }),
  ];
}

function effort(value: number) {
  const command = makeCommand(1);
  command.effort[0] = value;
  return command;
}

/** Torques of `steps` physics steps; `pushes` are [given at step, value, latency]. */
function play(steps: number, pushes: readonly (readonly [number, number, number])[], limit = 100): number[] {
  const queue = new CommandQueue([0], DT);
  queue.reset();
  const state = makeState(1);
  const out = new Float64Array(1);
  const torques: number[] = [];
  for (let i = 0; i < steps; i++) {
    for (const [at, value, latency] of pushes) if (at === i) queue.push(effort(value), i * DT + latency);
    queue.torques(at(state, i * DT), drivesWith(limit), out);
    torques.push(out[0]!);
  }
  return torques;
}

describe('CommandQueue', () => {
  it('asks for no torque before the first command', () => {
    expect(play(3, [])).toEqual([0, 0, 0]);
  });

  it('acts at once without latency', () => {
    expect(play(3, [[1, 2, 0]])).toEqual([0, 2, 2]);
  });

  it.each([1, 2, 3, 7])('acts exactly %i whole steps later', (k) => {
    const torques = play(12, [[2, 1, k * DT]]);
    expect(torques).toEqual(torques.map((_, i) => (i >= 2 + k ? 1 : 0)));
  });

  it('mixes by time within a step: 13 ms is two steps and three fifths', () => {
    // Of step 2 (10-15 ms) the new command has the last 2 ms.
    const torques = play(5, [
      [0, 1, 0],
      [0, 3, 0.013],
    ]);
    const expected = [1, 1, 1 * 0.6 + 3 * 0.4, 3, 3];
    for (const [i, value] of expected.entries()) expect(torques[i]!).toBeCloseTo(value, 12);
  });

  it('mixes three commands that share one step', () => {
    const torques = play(2, [
      [0, 1, 0],
      [0, 2, 0.001],
      [0, 4, 0.003],
    ]);
    // 1 ms of 1, 2 ms of 2, 2 ms of 4
    expect(torques[0]!).toBeCloseTo((1 * 1 + 2 * 2 + 2 * 4) / 5, 12);
    expect(torques[1]!).toBe(4);
  });

  it(`delivers the exact impulse of random pulses, seed ${seed}`, () => {
    const random = new RandomStream(keyOf(seed));
    for (let i = 0; i < 200; i++) {
      const latency = random.between(0, 0.03);
      const value = random.normal();
      // On for 4 steps, then off: value * 4 dt, wherever the edges fall.
      const torques = play(20, [
        [2, value, latency],
        [6, 0, latency],
      ]);
      const impulse = torques.reduce((sum, torque) => sum + torque * DT, 0);
      expect(impulse).toBeCloseTo(value * 4 * DT, 12);
    }
  });

  it('keeps the order of many commands on their way, and copies them', () => {
    const queue = new CommandQueue([0], DT);
    queue.reset();
    const command = effort(0);
    const out = new Float64Array(1);
    // Past the ring's end, more than once.
    for (let i = 0; i < 700; i++) {
      command.effort[0] = i;
      queue.push(command, (i + 100) * DT);
      command.effort[0] = -1e9;
      queue.torques(at(makeState(1), i * DT), drivesWith(1e6), out);
      expect(out[0]).toBeCloseTo(Math.max(0, i - 100), 6);
    }
  });

  it('clips each command to the limit before it mixes them', () => {
    expect(play(1, [[0, 5, 0]], 2)).toEqual([2]);
    expect(play(1, [[0, -5, 0]], 2)).toEqual([-2]);
    // Half a step of +2 (clipped from 9), half of -2 (clipped from -5).
    expect(
      play(
        1,
        [
          [0, 9, 0],
          [0, -5, DT / 2],
        ],
        2,
      )[0]!,
    ).toBeCloseTo(0, 12);
  });

  it('applies gains to the state at the start of the step', () => {
    const queue = new CommandQueue([0], DT);
    queue.reset();
    const command = makeCommand(1);
    command.q[0] = 1;
    command.kp[0] = 10;
    command.kd[0] = 2;
    command.effort[0] = 0.5;
    queue.push(command, 0);
    const state = makeState(1);
    state.q[0] = 0.25;
    state.qd[0] = 3;
    const out = new Float64Array(1);
    queue.torques(at(state, 0), drivesWith(100), out);
    // 10 (1 - 0.25) + 2 (0 - 3) + 0.5
    expect(out[0]).toBe(2);
  });

  it('refuses more commands than it can hold instead of losing one', () => {
    const queue = new CommandQueue([0], DT);
    queue.reset();
    for (let i = 0; i < 255; i++) queue.push(effort(i), 1 + i * 1e-3);
    expect(() => queue.push(effort(255), 2)).toThrow(/more than 256 commands/);
  });

  it('is late for each joint by its own time, on top of what all share', () => {
    const queue = new CommandQueue([0, DT, 2.5 * DT], DT);
    queue.reset();
    const command = makeCommand(3);
    command.effort.fill(1);
    const ask: Drive = {
      ask(commands, at, _state, out) {
        out[at % 3] = commands.effort[at]!;
      },
    };
    const out = new Float64Array(3);
    const torques: number[][] = [];
    for (let i = 0; i < 5; i++) {
      if (i === 0) queue.push(command, DT);
      queue.torques(at(makeState(3), i * DT), [ask, ask, ask], out);
      torques.push([...out]);
    }
    expect(torques).toEqual([
      [0, 0, 0],
      [1, 0, 0],
      [1, 1, 0],
      [1, 1, expect.closeTo(0.5, 12)],
      [1, 1, 1],
    ]);
  });

  it('forgets everything at a reset', () => {
    const queue = new CommandQueue([0], DT);
    queue.reset();
    queue.push(effort(1), 0);
    const out = new Float64Array(1);
    queue.torques(at(makeState(1), 0), drivesWith(10), out);
    queue.push(effort(5), 0.02);
    queue.reset();
    for (let i = 0; i < 10; i++) {
      queue.torques(at(makeState(1), i * DT), drivesWith(10), out);
      expect(out[0]).toBe(0);
    }
  });
});
