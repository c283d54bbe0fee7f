/** Drives as a whole: the plain pd path to the bit, parameters of an episode, latencies per joint, resets, memory, errors. */

import { describe, expect, it } from 'vitest';
import { InputError } from '../../../core/errors.ts';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { effortOf, type JointCommand, makeCommand, makeState } from '../../../core/robot.ts';
import { Drives } from '../../../sim/actuators/drives.ts';
import type { ActuatorSpec } from '../../../sim/robot-spec.ts';
import { bytesPerCall } from '../../core/allocation.ts';
import { at, commandOf, dynamicsOf, jointState, torqueAt } from './rig.ts';

const seed = Number(process.env.LANDFALL_TEST_SEED ?? 1);
const DT = 0.005;
const PD: ActuatorSpec = { kind: 'pd' };

const every: readonly ActuatorSpec[] = [
  PD,
  { kind: 'pd', latency: 0.0123, backlash: 0.02 },
  { kind: 'implicit-pd' },
  { kind: 'dc-motor', stallTorque: 10, noLoadSpeed: 20 },
  { kind: 'velocity', gain: 2 },
  {
    kind: 'network',
    network: {
      history: 2,
      period: 0.012,
      layers: [4, 3, 1],
      activation: 'softsign',
      weights: Array.from({ length: 19 }, (_, i) => 0.1 * i - 0.9),
      errorScale: 1,
      velocityScale: 10,
      torqueScale: 5,
    },
  },
  { kind: 'rotor', spin: 1, torqueRatio: 0.02, timeConstant: 0.03 },
];

/** Every torque of a random life, with the commands that came in it. */
function live(
  drives: Drives,
  nJoints: number,
  steps: number,
  key: number,
  visit: (out: Float64Array, i: number) => void,
) {
  const random = new RandomStream(keyOf(key));
  const state = makeState(nJoints);
  const out = new Float64Array(nJoints);
  const command = makeCommand(nJoints);
  for (let i = 0; i < steps; i++) {
    for (let j = 0; j < nJoints; j++) {
      state.q[j] = random.normal();
      state.qd[j] = random.normal();
    }
    if (i % 4 === 1) {
      for (const field of Object.values(command)) for (let j = 0; j < nJoints; j++) field[j] = random.normal();
      drives.push(command, i * DT);
    }
    drives.torques(at(state, i * DT), out);
    visit(out, i);
  }
}

describe('a pd drive', () => {
  /** The rule in its plainest form: of all commands due by the step's end, each newer one takes over its share. */
  function plain(
    given: readonly (readonly [number, JointCommand])[],
    latency: number,
    state: Parameters<typeof effortOf>[1],
    time: number,
    limit: number,
  ): number {
    const asked = (command: JointCommand) => {
      const tau = effortOf(command, state, 0);
      return tau > limit ? limit : tau < -limit ? -limit : tau;
    };
    let acting = makeCommand(1);
    let torque: number | undefined;
    for (const [at, command] of given) {
      const start = at + latency;
      if (start <= time + DT * 1e-9) acting = command;
      else {
        const share = (time + DT - start) / DT;
        if (share <= 1e-9) break;
        torque = (torque ?? 0 + asked(acting)) + -share * asked(acting);
        torque += share * asked(command);
        acting = command;
      }
    }
    return torque ?? 0 + asked(acting);
  }

  it.each([0, 0.005, 0.0137, 0.08])(
    `is scale * mix(clip(asked)) + offset to the bit, latency %d s, seed ${seed}`,
    (latency) => {
      const random = new RandomStream(keyOf(seed));
      const drives = new Drives([PD], DT);
      const [scale, offset, limit] = [0.93, 0.021, 1.1];
      drives.reset(
        dynamicsOf(1, { torqueScale: [scale], torqueOffset: [offset], torqueLimit: [limit], latency }),
        [0.14],
      );
      const given: [number, JointCommand][] = [];
      const out = new Float64Array(1);
      const differ: number[] = [];
      for (let i = 0; i < 600; i++) {
        const time = i * DT;
        const state = jointState(random.normal(), random.normal());
        // Bursts within a step as well as silence.
        for (let n = random.below(3); n > 0; n--) {
          const at = time;
          const command = commandOf({
            q: random.normal(),
            qd: random.normal(),
            effort: random.normal(),
            kp: random.uniform(),
            kd: random.uniform(),
          });
          given.push([at, command]);
          drives.push(command, at);
        }
        drives.torques(at(state, time), out);
        if (!Object.is(out[0], scale * plain(given, latency, state, time, limit) + offset)) differ.push(i);
      }
      expect(differ).toEqual([]);
    },
  );

  it('scales the gains asked for, and takes the biased encoder for the joint', () => {
    const command = commandOf({ q: 1, qd: 2, effort: 0.5, kp: 10, kd: 3 });
    // 10 * 1.1 (1 - 0.2 - 0.05) + 3 * 0.8 (2 - 1) + 0.5
    const changes = { kpScale: [1.1], kdScale: [0.8], encoderBias: [0.05] };
    expect(torqueAt(PD, command, 0.2, 1, changes)).toBeCloseTo(8.25 + 2.4 + 0.5, 12);
  });

  it('limits before strength and offset', () => {
    const changes = { torqueLimit: [4], torqueScale: [0.5], torqueOffset: [0.1] };
    expect(torqueAt(PD, commandOf({ effort: 9 }), 0, 0, changes)).toBe(0.5 * 4 + 0.1);
    expect(torqueAt(PD, commandOf({ effort: -9 }), 0, 0, changes)).toBe(0.5 * -4 + 0.1);
  });

  it('offsets even before the first command', () => {
    const drives = new Drives([PD], DT);
    drives.reset(dynamicsOf(1, { torqueOffset: [0.2] }), [1]);
    const out = new Float64Array(1);
    drives.torques(at(jointState(1, 1), 0), out);
    expect(out[0]).toBe(0.2);
  });
});

describe('latency', () => {
  /** Torques of each joint when all are told to give `value` from step 3 on and nothing from step 9 on. */
  function step(latencies: readonly number[], latency: number, value: number): number[][] {
    const drives = new Drives(
      latencies.map((own) => ({ kind: 'pd', latency: own })),
      DT,
    );
    const n = latencies.length;
    drives.reset(dynamicsOf(n, { latency }), new Float64Array(n).fill(1));
    const command = makeCommand(n);
    const out = new Float64Array(n);
    const torques: number[][] = latencies.map(() => []);
    for (let i = 0; i < 40; i++) {
      if (i === 3 || i === 9) {
        command.effort.fill(i === 3 ? value : 0);
        drives.push(command, i * DT);
      }
      drives.torques(at(makeState(n), i * DT), out);
      for (let j = 0; j < n; j++) torques[j]!.push(out[j]!);
    }
    return torques;
  }

  it('whole steps: each joint moves exactly its own number of steps later, and stops so', () => {
    const own = [0, 1, 4, 16];
    const torques = step(
      own.map((k) => k * DT),
      2 * DT,
      1.7,
    );
    for (const [j, k] of own.entries()) {
      expect(torques[j]).toEqual(torques[j]!.map((_, i) => (i >= 5 + k && i < 11 + k ? 1.7 : 0)));
    }
  });

  it(`fractions: the impulse and the moment of time are exact on every joint, seed ${seed}`, () => {
    const random = new RandomStream(keyOf(seed));
    for (let round = 0; round < 50; round++) {
      const own = Array.from({ length: 5 }, () => random.between(0, 0.08));
      const latency = random.between(0, 0.02);
      const value = random.normal();
      for (const [j, torques] of step(own, latency, value).entries()) {
        const impulse = torques.reduce((sum, tau) => sum + tau * DT, 0);
        expect(impulse).toBeCloseTo(6 * DT * value, 12);
        // Steps before the one in which it begins are still, the one after is full.
        const begin = (3 * DT + latency + own[j]!) / DT;
        const first = Math.floor(begin);
        expect(torques.slice(0, first).every((tau) => tau === 0)).toBe(true);
        expect(torques[first]).toBeCloseTo(value * (first + 1 - begin), 9);
        expect(torques[first + 1]).toBeCloseTo(value, 12);
      }
    }
  });
});

describe('all kinds together', () => {
  const n = every.length;
  const dynamics = dynamicsOf(n, { armature: every.map(() => 0.01), latency: 0.0031 });
  const inertias = every.map(() => 0.05);

  const record = (drives: Drives) => {
    const torques: number[] = [];
    live(drives, n, 200, seed, (out) => torques.push(...out));
    return torques;
  };

  it('are each as if alone, and forget everything at a reset', () => {
    const drives = new Drives(every, DT);
    drives.reset(dynamics, inertias);
    const first = record(drives);
    expect(first.every(Number.isFinite)).toBe(true);
    drives.reset(dynamics, inertias);
    expect(record(drives)).toEqual(first);
    for (const [j, spec] of every.entries()) {
      const others = every.map((other, k): ActuatorSpec => (k === j ? spec : other.kind === 'pd' ? every[2]! : PD));
      const mixed = new Drives(others, DT);
      mixed.reset(dynamics, inertias);
      const again = record(mixed);
      expect(again.filter((_, i) => i % n === j)).toEqual(first.filter((_, i) => i % n === j));
    }
  });

  it('ask for nothing before the first command', () => {
    const drives = new Drives(every, DT);
    drives.reset(dynamics, inertias);
    const state = makeState(n);
    state.q.fill(0.3);
    state.qd.fill(2);
    const out = new Float64Array(n).fill(NaN);
    for (let i = 0; i < 3; i++) {
      drives.torques(at(state, i * DT), out);
      expect([...out].map(Math.abs)).toEqual(every.map(() => 0));
    }
  });

  it('take 80 ms of commands at 1 kHz', () => {
    const drives = new Drives([PD, { kind: 'pd', latency: 0.08 }], 0.001);
    drives.reset(dynamicsOf(2), [1, 1]);
    const command = makeCommand(2);
    const out = new Float64Array(2);
    for (let i = 0; i < 2000; i++) {
      command.effort.fill(i % 1000);
      drives.push(command, i / 1000);
      drives.torques(at(makeState(2), i / 1000), out);
      expect(out[0]).toBe(i % 1000);
      // Times are not sums of whole milliseconds: a share of 1e-10 of a step may be early.
      expect(out[1]).toBeCloseTo(i < 80 ? 0 : (i - 80) % 1000, 5);
    }
  });

  it('allocate nothing', () => {
    // Steps of 1 s: a whole number costs no memory when it is handed over, and what is measured is the drives'.
    const drives = new Drives(every, 1);
    drives.reset({ ...dynamics, latency: 1.3 }, inertias);
    const state = makeState(n);
    state.q.fill(0.1);
    state.qd.fill(0.3);
    const out = new Float64Array(n);
    const command = makeCommand(n);
    command.kp.fill(3);
    command.q.fill(0.5);
    let time = 0;
    const perCall = bytesPerCall(() => {
      drives.push(command, time);
      drives.torques(at(state, time), out);
      time++;
    });
    expect(perCall).toBeLessThan(1);
  });
});

describe('errors', () => {
  const make = (spec: ActuatorSpec) => () => new Drives([PD, spec], DT);

  it.each<[string, ActuatorSpec]>([
    ['pd actuator of joint 1: expected latency of at least 0, found -1', { kind: 'pd', latency: -1 }],
    ['pd actuator of joint 1: expected backlash of at least 0, found NaN', { kind: 'pd', backlash: NaN }],
    [
      'dc-motor actuator of joint 1: expected noLoadSpeed above 0, found 0',
      { kind: 'dc-motor', stallTorque: 1, noLoadSpeed: 0 },
    ],
    ['velocity actuator of joint 1: expected gain of at least 0, found -2', { kind: 'velocity', gain: -2 }],
    ['a propeller has no play', { kind: 'rotor', spin: 1, torqueRatio: 0, timeConstant: 0, backlash: 0.1 }],
  ])('%s', (message, spec) => {
    expect(make(spec)).toThrow(InputError);
    expect(make(spec)).toThrow(message);
  });

  it('names what is wrong with a network', () => {
    const good = (every[5] as Extract<ActuatorSpec, { kind: 'network' }>).network;
    const bad = (changes: object): ActuatorSpec => ({ kind: 'network', network: { ...good, ...changes } });
    expect(make(bad({ layers: [3, 3, 1] }))).toThrow('expected layers [4, ..., 1], found [3, 3, 1]');
    expect(make(bad({ weights: [1] }))).toThrow('expected 19 finite weights, found 1');
    expect(make(bad({ period: 0 }))).toThrow('expected network.period above 0');
  });

  it('asks for what a kind cannot do without', () => {
    const implicit = new Drives([{ kind: 'implicit-pd' }], DT);
    expect(() => implicit.reset(dynamicsOf(1), [0])).toThrow('joint 0 needs the inertia that it moves, found 0');
    const loose = new Drives([{ kind: 'pd', backlash: 0.1 }], DT);
    expect(() => loose.reset(dynamicsOf(1), [1])).toThrow('joint 0 has 0.1 rad of play and a rotor without inertia');
  });
});
