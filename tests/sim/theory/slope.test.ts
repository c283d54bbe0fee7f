/** A box on a slope in Rapier: it slides above the friction angle, with g (sin - mu cos), and holds below it. */

import { describe, expect, it } from 'vitest';
import type { RapierRobot } from '../../../sim/rapier-robot.ts';
import { parseUrdf } from '../../../sim/urdf.ts';
import { idealRobot } from './rig.ts';

const HALF = [0.15, 0.1, 0.05] as const;
const model = parseUrdf(
  `<robot name="box"><link name="box">
    <inertial><mass value="2"/><inertia ixx="0.0083" iyy="0.0167" izz="0.0217" ixy="0" ixz="0" iyz="0"/></inertial>
    <collision><geometry><box size="0.3 0.2 0.1"/></geometry></collision>
  </link></robot>`,
  { where: 'box', base: 'floating' },
);

/** A box that rests on a slope about y, which goes down along x. @param mu of both surfaces, however they combine */
function boxOn(angle: number, mu: number): RapierRobot {
  const robot = idealRobot(model, { physicsDt: 0.0025, solverIterations: 4 }, { contactFriction: mu });
  const quat = [0, Math.sin(angle / 2), 0, Math.cos(angle / 2)] as const;
  // The surface goes through the origin: the slab's centre lies half its thickness below, along the normal (sin, 0, cos).
  const [s, c] = [Math.sin(angle), Math.cos(angle)];
  robot.setScene({
    ground: 'none',
    statics: [{ geometry: { kind: 'box', size: [20, 4, 1] }, pose: { xyz: [-0.5 * s, 0, -0.5 * c], quat } }],
    objects: [],
  });
  robot.resetTo({
    q: new Float64Array(0),
    qd: new Float64Array(0),
    base: Float64Array.of(HALF[2] * s, 0, HALF[2] * c, ...quat),
    twist: new Float64Array(6),
  });
  return robot;
}

/** Velocity down the slope, m/s. */
function speed({ truth: { twist } }: RapierRobot, angle: number): number {
  return twist[0]! * Math.cos(angle) - twist[2]! * Math.sin(angle);
}

// The friction angle, atan(mu), is 16.7, 26.6 and 38.7 degrees.
describe('friction on a slope', () => {
  it.each([
    { mu: 0.3, degrees: 17.5 },
    { mu: 0.5, degrees: 27.5 },
    { mu: 0.8, degrees: 45 },
  ])('slides above the friction angle: mu $mu, $degrees degrees', ({ mu, degrees }) => {
    const angle = (degrees * Math.PI) / 180;
    const robot = boxOn(angle, mu);
    // Settling into the contact takes a few steps.
    robot.step(0.2);
    const before = speed(robot, angle);
    robot.step(0.5);
    const acceleration = (speed(robot, angle) - before) / 0.5;
    const theory = 9.81 * (Math.sin(angle) - mu * Math.cos(angle));
    // 1e-4 measured just above the angle, where two terms nearly cancel, 2e-5 further up.
    expect(Math.abs(acceleration / theory - 1)).toBeLessThan(1e-3);
    robot.close();
  });

  it.each([
    { mu: 0.3, degrees: 16 },
    { mu: 0.5, degrees: 26 },
    { mu: 0.8, degrees: 38 },
  ])('holds below it: mu $mu, $degrees degrees', ({ mu, degrees }) => {
    const angle = (degrees * Math.PI) / 180;
    const robot = boxOn(angle, mu);
    robot.step(0.2);
    const [x, z] = [robot.truth.base[0]!, robot.truth.base[2]!];
    robot.step(2);
    const crept = Math.hypot(robot.truth.base[0]! - x, robot.truth.base[2]! - z);
    // 8 um measured in 2 s: it holds, it does not creep.
    expect(crept).toBeLessThan(5e-5);
    robot.close();
  });
});
