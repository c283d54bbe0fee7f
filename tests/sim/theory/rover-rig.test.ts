/** The rover at the physics its task uses: it stands where it stands and rolls at a steady speed. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCommand } from '../../../core/robot.ts';
import { loadRobot, robotDynamics } from '../../../loop/experiment.ts';
import { loadRapier, RapierRobot } from '../../../sim/rapier-robot.ts';
import { FLOOR } from '../../../sim/scene.ts';
import { navLidar } from '../../../sim/tasks/nav-lidar.ts';

const rapier = await loadRapier();
const RADIUS = 0.033;

describe('the rover', () => {
  let robot: RapierRobot;
  const command = makeCommand(2);
  beforeAll(async () => {
    const rover = await loadRobot('rover');
    const spec = { ...rover.config.spec, sensors: [], quality: {} };
    robot = new RapierRobot(rapier, rover.model, robotDynamics(rover), navLidar.physics, spec);
    robot.setScene(FLOOR);
  });
  afterAll(() => robot.close());

  function drive(left: number, right: number, seconds: number): void {
    command.qd.set([left, right]);
    for (let i = 0; i < seconds * 10; i++) {
      robot.act(command);
      robot.step(0.1);
    }
  }

  function place(): void {
    const base = Float64Array.of(0, 0, 0.01, 0, 0, 0, 1);
    robot.resetTo({ q: new Float64Array(2), qd: new Float64Array(2), base, twist: new Float64Array(6) });
  }

  it('stays where it is with its wheels braked', () => {
    place();
    drive(0, 0, 1);
    const [x, y] = robot.truth.base;
    drive(0, 0, 10);
    expect(Math.hypot(robot.truth.base[0]! - x!, robot.truth.base[1]! - y!)).toBeLessThan(1e-4);
  });

  it('rolls without slipping at a steady speed, a little slower than asked for the caster that it drags', () => {
    place();
    drive(4, 4, 2);
    const x = robot.truth.base[0]!;
    let [slowest, fastest] = [Infinity, 0];
    for (let i = 0; i < 100; i++) {
      robot.act(command);
      robot.step(0.05);
      slowest = Math.min(slowest, robot.truth.twist[0]!);
      fastest = Math.max(fastest, robot.truth.twist[0]!);
    }
    expect(fastest - slowest).toBeLessThan(1e-3);
    const speed = (robot.truth.base[0]! - x) / 5;
    const rate = robot.truth.qd[0]!;
    // within the engine's correction of positions, 1%
    expect(Math.abs(speed / (rate * RADIUS) - 1)).toBeLessThan(0.01);
    // the caster: mu m g (share of the weight) over two wheels' gain, 0.8 x 3.9 N x 0.033 m / 2 / 0.1 = 0.52 rad/s at most
    expect(rate).toBeGreaterThan(4 - 0.6);
    expect(rate).toBeLessThan(4);
  });

  it('turns on the spot by the speed of its wheels over their distance', () => {
    place();
    drive(-2, 2, 1);
    drive(-2, 2, 2);
    // w = 2 v / d
    const expected = (2 * robot.truth.qd[1]! * RADIUS) / 0.16;
    expect(Math.abs(robot.truth.twist[5]! / expected - 1)).toBeLessThan(0.1);
    expect(Math.abs(robot.truth.qd[0]! + robot.truth.qd[1]!)).toBeLessThan(0.2);
  });
});
