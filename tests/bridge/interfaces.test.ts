/** What each kind of command interface limits, and what stopping and the default pose mean to it, by hand. */

import { describe, expect, it } from 'vitest';
import { Commander } from '../../bridge/commander.ts';
import { mappings } from '../../bridge/mappings/registry.ts';
import { Posture } from '../../bridge/posture.ts';
import { SafetyGuard } from '../../bridge/safety.ts';
import type { ActionContract, Contract } from '../../core/contract.ts';
import { type JointCommand, makeCommand, makeState } from '../../core/robot.ts';
import { pendulumContract } from './contract.ts';
import { SimulatedPort } from './simulated-port.ts';

const base = pendulumContract();

/** The pendulum behind another interface. 50 Hz. */
function contractOf(mapping: string, kind: ActionContract['kind'], changes: Partial<Contract['joints'][number]> = {}) {
  const action = { ...base.actions[0]!, kind, ...(kind === 'twist' && { rateLimit: null }) };
  const command = { topic: '/c', type: mappings[mapping]!.type, mapping };
  return pendulumContract({
    joints: [{ ...base.joints[0]!, velocity: 2, position: [-1, 1], ...changes }],
    actions: [action],
    ros: { ...base.ros, command },
  });
}

function stateAt(q: number, qd = 0) {
  const state = makeState(1);
  state.q[0] = q;
  state.qd[0] = qd;
  return state;
}

function commandOf(parts: Partial<Record<keyof JointCommand, number>>): JointCommand {
  const command = makeCommand(1);
  for (const [key, value] of Object.entries(parts)) command[key as keyof JointCommand][0] = value;
  return command;
}

const numbers = (command: JointCommand) =>
  Object.fromEntries(Object.entries(command).map(([key, values]) => [key, values[0]]));

describe('limits', () => {
  it('a position changes no faster than its joint, from where the joint is measured, within its range', () => {
    const guard = new SafetyGuard(contractOf('position-array', 'position'));
    const out = makeCommand(1);
    // 2 rad/s at 50 Hz: 0.04 rad a step, first from the measured 0.5.
    for (const expected of [0.54, 0.58]) {
      expect(guard.limit(commandOf({ q: 5, kp: 1 }), stateAt(0.5), out)).toBeNull();
      expect(out.q[0]).toBeCloseTo(expected, 12);
      guard.sent(out);
    }
    expect(guard.clamped).toBe(2);
    expect([guard.qSent[0], guard.effortSent[0]]).toEqual([out.q[0], NaN]);
    guard.reset();
    guard.limit(commandOf({ q: 5, kp: 1 }), stateAt(0.99), out);
    expect(out.q[0]).toBe(1);
    expect(guard.limit(commandOf({ q: NaN, kp: 1 }), stateAt(0), out)?.message).toMatch(/the position wanted of joint/);
  });

  it('a velocity is within the limit of its joint, and changes within the rate of its action', () => {
    const contract = contractOf('velocity-array', 'velocity');
    const guard = new SafetyGuard({ ...contract, actions: [{ ...contract.actions[0]!, rateLimit: 50 }] });
    const out = makeCommand(1);
    // 50 rad/s2 at 50 Hz: 1 rad/s a step.
    for (const expected of [-1, -2, -2]) {
      guard.limit(commandOf({ qd: -9, kd: 1 }), stateAt(0), out);
      expect(out.qd[0]).toBe(expected);
      guard.sent(out);
    }
  });

  it('a thrust is neither negative nor above what the rotor gives', () => {
    const guard = new SafetyGuard(contractOf('thrust-array', 'effort'));
    const out = makeCommand(1);
    for (const [wanted, sent] of [
      [-0.5, 0],
      [0.5, 0.5],
      [3, 1],
    ]) {
      guard.limit(commandOf({ effort: wanted!, kp: 9, q: 9 }), stateAt(0), out);
      expect(out.effort[0]).toBe(sent);
    }
  });

  it('a hybrid command asks no more torque of the state at hand than the joint may give', () => {
    const guard = new SafetyGuard(contractOf('joint-state-pd', 'position'));
    const out = makeCommand(1);
    // q* 3 is brought to the range's end: 4 (1 - 0.2) + 0.5 (0 - 1) + 0.1 = 2.8 N m, of which 1 may be.
    guard.limit(commandOf({ q: 3, kp: 4, kd: 0.5, effort: 0.1 }), stateAt(0.2, 1), out);
    expect(numbers(out)).toMatchObject({ q: 1, qd: 0, kp: 4, kd: 0.5 });
    expect(out.effort[0]).toBeCloseTo(0.1 - 1.8, 12);
    guard.sent(out);
    expect(guard.effortSent[0]).toBe(1);
    expect(guard.qSent[0]).toBe(1);
  });
});

describe('stopping', () => {
  const posture = (mapping: string) => {
    const made = new Posture(contractOf(mapping, 'effort').joints, mappings[mapping]!.takes);
    made.beginStop(stateAt(0.3, 1));
    const out = makeCommand(1);
    made.stop(out);
    return numbers(out);
  };

  it.each([
    ['joint-state-effort', { effort: 0, qd: 0, kp: 0, kd: 0.3 }],
    ['joint-state-pd', { effort: 0, qd: 0, kp: 0, kd: 0.3 }],
    ['position-array', { q: 0.3, effort: 0 }],
    ['joint-trajectory', { q: 0.3, effort: 0 }],
    ['velocity-array', { qd: 0, effort: 0 }],
    ['twist', { qd: 0, effort: 0 }],
    ['thrust-array', { effort: 0, kp: 0, kd: 0 }],
  ])('%s', (mapping, expected) => {
    expect(posture(mapping)).toMatchObject(expected);
  });

  it('between episodes holds robots on legs, and is a stop for others', () => {
    for (const [mapping, kp] of [
      ['joint-state-pd', 0.5],
      ['joint-state-effort', 0],
    ] as const) {
      const made = new Posture(contractOf(mapping, 'effort').joints, mappings[mapping]!.takes);
      made.beginStop(stateAt(0.3, 1));
      const out = makeCommand(1);
      made.pause(out);
      expect(numbers(out)).toMatchObject({ q: kp === 0 ? 0 : 0.3, kp, kd: 0.3, qd: 0 });
    }
  });

  it.each([
    ['joint-state-effort', 'effort', { effort: 0.5 }, { effort: 0, kp: 0, kd: 0 }],
    ['joint-state-pd', 'effort', { effort: 0.5 }, { effort: 0, kp: 0, kd: 0.3 }],
    ['position-array', 'position', { q: 0.5, kp: 1 }, { q: 0.04 }],
    ['velocity-array', 'velocity', { qd: 0.5, kd: 1 }, { qd: 0 }],
    ['thrust-array', 'effort', { effort: 0.5 }, { effort: 0 }],
  ] as const)('%s without a state to trust', (mapping, kind, sent, expected) => {
    const port = new SimulatedPort();
    port.state.q[0] = 0;
    const heard: ReturnType<typeof numbers>[] = [];
    port.send = (command) => heard.push(numbers(command)) > 0;
    const commander = new Commander(contractOf(mapping, kind), port, port.clock);
    // One that was never told a position has none to hold.
    expect(commander.stopBlindly()).toBe(mapping !== 'position-array');
    heard.length = 0;
    expect(commander.send(commandOf(sent))).toBe(true);
    expect(commander.stopBlindly()).toBe(true);
    expect(heard[1]).toMatchObject(expected);
  });
});

describe('the default pose', () => {
  const joint = contractOf('position-array', 'position').joints[0]!;
  const joints = [
    { ...joint, name: 'hip', defaultPosition: 0.5, velocity: 1, kp: 0 },
    { ...joint, name: 'knee', defaultPosition: -0.5, velocity: 10, kp: 20 },
  ];
  const pose = (q: number[]) => {
    const state = makeState(2);
    state.q.set(q);
    state.qd.set([5, -5]);
    return state;
  };

  it('is reached by all joints at once, at the pace of the slowest, and known by positions that stay', () => {
    const posture = new Posture(joints, mappings['position-array']!.takes);
    const out = makeCommand(2);
    posture.begin(pose([0, 0]), 10);
    // The hip goes 0.5 rad at half of 1 rad/s: 1 s.
    posture.approach(10.5, out);
    expect([...out.q]).toEqual([0.25, -0.25]);
    posture.approach(12, out);
    expect([...out.q]).toEqual([0.5, -0.5]);
    expect(posture.arrived(pose([0.5, -0.5]), 10.9)).toBe(false);
    // Velocity readings are noise; a position that wanders is not at rest.
    expect(posture.arrived(pose([0.35, -0.5]), 11.1)).toBe(false);
    expect(posture.arrived(pose([0.42, -0.52]), 11.3)).toBe(false);
    expect(posture.arrived(pose([0.42, -0.52]), 11.41)).toBe(true);
    expect(posture.arrived(pose([0.1, -0.5]), 40)).toMatchObject({
      name: 'tracking',
      message: expect.stringContaining('hip'),
    });
  });

  it('is left to joints that can be held: not those without kp, not wheels, not rotors', () => {
    const effort = new Posture(joints, mappings['joint-state-pd']!.takes);
    const out = makeCommand(2);
    effort.begin(pose([0.9, 0]), 10);
    effort.approach(20, out);
    expect([...out.kp]).toEqual([0, 20]);
    expect([...out.q]).toEqual([0, -0.5]);
    for (const mapping of ['twist', 'velocity-array', 'thrust-array']) {
      const posture = new Posture(joints, mappings[mapping]!.takes);
      posture.begin(pose([0.9, 0]), 10);
      expect(posture.arrived(pose([0.9, 0]), 10)).toBe(true);
      posture.approach(10, out);
      expect([...out.kp, ...out.q, ...out.qd, ...out.effort]).toEqual(new Array(8).fill(0));
    }
  });
});
