/** Command mappings: every one makes a message of its type, signs applied, and no number that JSON would lose. */

import { describe, expect, it } from 'vitest';
import type { CommandContext } from '../../bridge/mappings/mapping.ts';
import { mappingNamed, mappingOf, mappings } from '../../bridge/mappings/registry.ts';
import { notFinitePlace } from '../../bridge/ros-robot.ts';
import { conform } from '../../bridge/server/message-types.ts';
import { fillCommand, readCommand } from '../../bridge/server/robot-command.ts';
import { type JointCommand, makeCommand, makeState } from '../../core/robot.ts';
import { pendulumContract } from './contract.ts';

const base = pendulumContract().joints[0]!;
const joints = [
  { ...base, name: 'hip' },
  { ...base, name: 'knee', sign: -1 as const },
];

function encode(name: string, changes: Partial<CommandContext> = {}) {
  const command = makeCommand(2);
  command.effort.set([0.5, 0.25]);
  command.kp[1] = 2;
  const state = makeState(2);
  state.q[1] = -0.1;
  return mappingNamed(name).encode(command, state, {
    joints,
    robotTime: 12.25,
    ros: 2,
    period: 0.02,
    options: { radius: 0.05, separation: 0.2 },
    ...changes,
  });
}

function commanded(parts: Partial<Record<keyof JointCommand, number[]>>): JointCommand {
  const command = makeCommand(2);
  for (const [part, values] of Object.entries(parts)) command[part as keyof JointCommand].set(values);
  return command;
}

function message(name: string, parts: Partial<Record<keyof JointCommand, number[]>>) {
  const state = makeState(2);
  state.q.set([0.7, -0.1]);
  state.qd.set([3, 4]);
  const options = { radius: 0.05, separation: 0.2 };
  return mappingNamed(name).encode(commanded(parts), state, {
    joints,
    robotTime: 12.25,
    ros: 2,
    period: 0.02,
    options,
  });
}

describe('mappings', () => {
  it.each(Object.keys(mappings))('%s makes what the strict server takes, in both ROS', (name) => {
    for (const ros of [1, 2] as const) {
      const message = JSON.parse(JSON.stringify(encode(name, { ros })));
      expect(() => conform(mappingNamed(name).type, message, { ros, now: 0 })).not.toThrow();
      expect(notFinitePlace(message, '')).toBeNull();
    }
  });

  it('joint-state-effort is named, stamped and signed', () => {
    // knee: -(2 (0 - -0.1) + 0.25) = -0.45
    expect(encode('joint-state-effort')).toMatchObject({
      header: { stamp: { sec: 12, nanosec: 250_000_000 } },
      name: ['hip', 'knee'],
      effort: [0.5, -0.45],
    });
    expect(encode('joint-state-effort', { ros: 1 })).toMatchObject({
      header: { stamp: { secs: 12, nsecs: 250_000_000 } },
    });
  });

  it('effort-array is in the order of the contract', () => {
    expect(encode('effort-array')).toMatchObject({ data: [0.5, -0.45] });
  });

  it('position-array and velocity-array carry setpoints with the signs of the joints', () => {
    expect(message('position-array', { q: [0.5, 0.25], kp: [1, 1] })).toMatchObject({ data: [0.5, -0.25] });
    expect(message('velocity-array', { qd: [2, -3] })).toMatchObject({ data: [2, 3] });
  });

  it('thrust-array carries thrusts, which have no sign', () => {
    expect(message('thrust-array', { effort: [0.5, 0.25] })).toMatchObject({ data: [0.5, 0.25] });
  });

  it('joint-trajectory is one point, now, reached in a control period', () => {
    expect(message('joint-trajectory', { q: [0.5, 0.25] })).toEqual({
      header: { stamp: { sec: 0, nanosec: 0 }, frame_id: '' },
      joint_names: ['hip', 'knee'],
      points: [
        {
          positions: [0.5, -0.25],
          velocities: [],
          accelerations: [],
          effort: [],
          time_from_start: { sec: 0, nanosec: 20_000_000 },
        },
      ],
    });
  });

  it('joint-state-pd leaves out what has no gain: damping is velocity 0 alone', () => {
    const held = { q: [0.5, 0.25], qd: [0, 1], effort: [0.1, 0.2], kp: [25, 25], kd: [0.5, 0.5] };
    expect(message('joint-state-pd', held)).toMatchObject({
      header: { stamp: { sec: 12, nanosec: 250_000_000 } },
      name: ['hip', 'knee'],
      position: [0.5, -0.25],
      velocity: [0, -1],
      effort: [0.1, -0.2],
    });
    expect(message('joint-state-pd', { kd: [0.5, 0.5] })).toMatchObject({
      position: [],
      velocity: [0, -0],
      effort: [0, -0],
    });
    expect(message('joint-state-pd', { effort: [1, 1] })).toMatchObject({
      position: [],
      velocity: [],
      effort: [1, -1],
    });
    // One without gains among others asks for where it is.
    expect(message('joint-state-pd', { ...held, kp: [25, 0] })).toMatchObject({ position: [0.5, 0.1] });
  });

  it('twist is that of the base: v = r (w_l + w_r) / 2, w = r (w_r - w_l) / d', () => {
    // 0.05 (5 + 7) / 2 = 0.3 m/s, 0.05 (7 - 5) / 0.2 = 0.5 rad/s
    const { linear, angular } = message('twist', { qd: [5, 7] }) as Record<string, Record<string, number>>;
    expect(linear).toEqual({ x: expect.closeTo(0.3, 12), y: 0, z: 0 });
    expect(angular).toEqual({ x: 0, y: 0, z: expect.closeTo(0.5, 12) });
    expect(message('twist-stamped', { qd: [0, 0] })).toEqual({
      header: { stamp: { sec: 12, nanosec: 250_000_000 }, frame_id: 'base_link' },
      twist: { linear: { x: 0, y: 0, z: 0 }, angular: { x: 0, y: 0, z: 0 } },
    });
  });

  it.each(Object.keys(mappings))('%s is read by the simulated robot as what was meant', (name) => {
    const { takes, type } = mappingNamed(name);
    const sent = commanded(
      {
        effort: { effort: [0.5, 0.25] },
        thrust: { effort: [0.5, 0.25] },
        position: { q: [0.5, 0.25] },
        velocity: { qd: [5, 7] },
        hybrid: { effort: [0.1, 0.2], q: [0.5, 0.25], qd: [1, 2], kp: [9, 9], kd: [8, 8] },
      }[takes.name],
    );
    const plain = joints.map((joint) => ({ ...joint, sign: 1 as const }));
    const options = { radius: 0.05, separation: 0.2 };
    const msg = mappingNamed(name).encode(sent, makeState(2), { joints: plain, robotTime: 1, ros: 2, options });
    const controllers = { joints: ['hip', 'knee'], kp: [9, 9], kd: [8, 8], options };
    const read = readCommand(
      name,
      type,
      conform(type, JSON.parse(JSON.stringify(msg)), { ros: 2, now: 0 }),
      controllers,
    );
    const got = makeCommand(2);
    fillCommand(read, controllers, got);
    for (const part of takes.carries) for (const j of [0, 1]) expect(got[part][j]).toBeCloseTo(sent[part][j]!, 12);
    if (takes.carries.includes('q')) expect([...got.kp]).toEqual([9, 9]);
  });

  it('refuses a contract whose actions, options or joints it cannot carry', () => {
    const base = pendulumContract();
    const command = (mapping: string, options?: Record<string, number>) => ({
      ros: { ...base.ros, command: { ...base.ros.command, mapping, ...(options && { options }) } },
    });
    expect(() => mappingOf({ ...base, ...command('position-array') })).toThrow(/action torque is a effort, mapping/);
    expect(() => mappingOf({ ...base, ...command('twist') })).toThrow(/needs the option radius, above 0, found none/);
    expect(() => mappingOf({ ...base, ...command('thrust-array'), joints })).toThrow(/no action drives hip/);
    expect(mappingOf({ ...base, ...command('thrust-array') })).toBe(mappings['thrust-array']);
  });

  it('carries a stamp of a whole second over', () => {
    expect(encode('joint-state-effort', { robotTime: 12.9999999999 })).toMatchObject({
      header: { stamp: { sec: 13, nanosec: 0 } },
    });
  });

  it('finds a number that is not finite wherever it is', () => {
    expect(notFinitePlace({ a: { b: [1, NaN] } }, '')).toBe('a.b.1');
    expect(notFinitePlace({ a: Infinity, b: 'x', c: null }, '')).toBe('a');
  });

  it('names the mappings there are', () => {
    expect(() => mappingNamed('effort-aray')).toThrow(/no command mapping named effort-aray/);
    expect(() => mappingNamed('toString')).toThrow(/no command mapping/);
  });
});
