/** Play in the gears: a cycle worked out by hand, hysteresis, impulse and momentum, the width at the limit of none. */

import { describe, expect, it } from 'vitest';
import { makeCommand } from '../../../core/robot.ts';
import { Drives } from '../../../sim/actuators/drives.ts';
import type { ActuatorSpec } from '../../../sim/robot-spec.ts';
import { at, commandOf, course, drivesOf, dynamicsOf, jointState } from './rig.ts';

const DT = 0.01;
/** 0.02 rad of play, a rotor of 0.01 kg m2: 1 N m moves it 1 rad/s faster a step. */
const LOOSE: ActuatorSpec = { kind: 'pd', backlash: 0.02 };
const armature = [0.01];

/** What passes when the motor gives these torques, step by step, and the joint moves with these velocities. */
function pass(torques: readonly number[], velocities: readonly number[] = []): number[] {
  const drives = new Drives([LOOSE], DT);
  drives.reset(dynamicsOf(1, { armature }), [1]);
  const command = makeCommand(1);
  const out = new Float64Array(1);
  return torques.map((torque, i) => {
    command.effort[0] = torque;
    drives.push(command, i * DT);
    drives.torques(at(jointState(0, velocities[i] ?? 0), i * DT), out);
    return out[0]!;
  });
}

function expectClose(found: readonly number[], expected: readonly number[]): void {
  expect(found.length).toBe(expected.length);
  for (const [i, value] of expected.entries()) expect(found[i]).toBeCloseTo(value, 10);
}

describe('play', () => {
  it('is the cycle worked out by hand', () => {
    // x in mrad, w in rad/s, joint at rest; half the play is 10 mrad.
    expectClose(pass([0.4, 0.4, 0.4, 0.4, 0, -0.5, -0.5, -0.5, -0.5, 0.5, 0.1]), [
      0, // w 0.4, x 4
      0.8, // w 0.8, x 12: lands at +10 with a blow of J w / dt = 0.8
      0.4, // at the end: all of it
      0.4,
      0, // no torque, no crossing
      0, // reversed: w -0.5, x 5
      0, // w -1, x -5
      -1.5, // w -1.5, x -20: lands at -10
      -0.5,
      0, // w 0.5, x -5
      0, // w 0.6, x 1
    ]);
  });

  it('is hit by the joint as well: a rotor at rest in the play takes the joint along from its end', () => {
    // The joint runs at -0.5 rad/s from step 1 on; the rotor stands: x 5, then 10, where it is taken along.
    // To do so takes J (0 - -0.5) / dt = 0.5 N m against the joint's motion, for one step.
    expectClose(pass([0, 0, 0, 0], [0, -0.5, -0.5, -0.5]), [0, 0, 0.5, 0]);
  });

  it('takes torque only at the end it is pushed to: the same torque passes or not by where the rotor was', () => {
    const torques = pass([...Array(20).fill(1), -1, ...Array(20).fill(-1), 1]);
    expect(torques[19]).toBeCloseTo(1, 12);
    expect(torques[20]).toBeCloseTo(0, 12);
    expect(torques[40]).toBeCloseTo(-1, 12);
    expect(torques[41]).toBeCloseTo(0, 12);
  });

  it('hands over every impulse in the end', () => {
    const torques = [3, -1, 0.4, 0.2, -2, -0.1, 0.7, 0.05, ...Array(40).fill(0.01)];
    const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
    // At its end the rotor has the joint's velocity, 0 here, so all it got has passed.
    expect(sum(pass(torques))).toBeCloseTo(sum(torques), 9);
  });

  it('keeps the momentum of rotor and joint through free flight and blow', () => {
    // Torque 0.3 N m for 0.2 s on a joint of 0.05 kg m2, rotor included: 1.2 rad/s, as without play.
    const drives = drivesOf(LOOSE, DT, commandOf({ effort: 0.3 }), { armature });
    drives.push(commandOf({}), 0.2);
    const { qd } = course(drives, DT, 0.05, () => 0, 40);
    expect(qd[0]).toBe(0);
    expect(qd.at(-1)).toBeCloseTo(1.2, 10);
  });

  it('lets a loaded joint rest on one end, and an unloaded one rattle within the play', () => {
    const command = commandOf({ kp: 10, kd: 0.5 });
    const loaded = course(drivesOf(LOOSE, DT, command, { armature }), DT, 0.05, () => -1, 1000);
    expect(loaded.q.at(-1)).toBeCloseTo(-0.1, 6);
    const free = course(drivesOf(LOOSE, DT, command, { armature }), DT, 0.05, () => 0, 3000, 0.3).q.slice(-500);
    // A limit cycle about the target, no wider than the play.
    expect(Math.max(...free.map(Math.abs))).toBeLessThan(0.02);
  });

  it('is no play at all at a width of 0, to the bit', () => {
    const command = commandOf({ q: 0.3, kp: 10, kd: 0.5 });
    const without = course(drivesOf({ kind: 'pd' }, DT, command, { armature }), DT, 0.05, () => -0.3, 200);
    const zero = course(drivesOf({ kind: 'pd', backlash: 0 }, DT, command, { armature }), DT, 0.05, () => -0.3, 200);
    expect(zero).toEqual(without);
  });
});
