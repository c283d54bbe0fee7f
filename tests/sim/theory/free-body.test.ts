/** Floating robots in Rapier: free fall as the engine's own sum, and the momentum of a robot that only pushes itself. */

import { describe, expect, it } from 'vitest';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { makeCommand } from '../../../core/robot.ts';
import type { Quat, Vec3 } from '../../../core/robot-model.ts';
import { quatRotate } from '../../../core/rotation.ts';
import type { RapierRobot } from '../../../sim/rapier-robot.ts';
import { idealRobot, modelNamed } from './rig.ts';

const model = modelNamed('quadruped');
const STANDING = model.dof.map((_, j) => [0, 0.8, -1.5][j % 3]!);

function start(robot: RapierRobot, z: number, twist: readonly number[]): void {
  robot.resetTo({
    q: Float64Array.from(STANDING),
    qd: new Float64Array(STANDING.length),
    base: Float64Array.of(0, 0, z, 0, 0, 0, 1),
    twist: Float64Array.from(twist),
  });
}

/** Momentum and angular momentum about the world's origin, with the centre of mass, from the URDF's inertials: N s, N m s, m. */
function momentum(robot: RapierRobot): { p: number[]; l: number[]; speed: number } {
  const pose = new Float64Array(7);
  const twist = new Float64Array(6);
  const p = [0, 0, 0];
  const l = [0, 0, 0];
  let speed = 0;
  for (const [link, { inertial }] of model.links.entries()) {
    if (inertial === null) continue;
    robot.world.linkPose(link, pose);
    robot.world.linkTwist(link, twist);
    const [v, w] = [twist.slice(0, 3), twist.slice(3)];
    const linkTurn: Quat = [pose[3]!, pose[4]!, pose[5]!, pose[6]!];
    const { mass, origin, inertia } = inertial;
    const arm = quatRotate(linkTurn, origin.xyz, [0, 0, 0]);
    const centre = [0, 1, 2].map((k) => pose[k]! + arm[k]!);
    const velocity = cross(w, arm).map((u, k) => u + v[k]!);
    // L = c x m v + R I R^T w, in the frame of the inertia
    const local = turnBack(origin.quat, turnBack(linkTurn, [w[0]!, w[1]!, w[2]!]));
    const [xx, yy, zz, xy, xz, yz] = inertia;
    const spin: Vec3 = [
      xx * local[0] + xy * local[1] + xz * local[2],
      xy * local[0] + yy * local[1] + yz * local[2],
      xz * local[0] + yz * local[1] + zz * local[2],
    ];
    const own = quatRotate(linkTurn, quatRotate(origin.quat, spin, [0, 0, 0]) as Vec3, [0, 0, 0]);
    const orbital = cross(centre, velocity);
    for (let k = 0; k < 3; k++) {
      p[k] = p[k]! + mass * velocity[k]!;
      l[k] = l[k]! + mass * orbital[k]! + own[k]!;
    }
    speed = Math.max(speed, Math.hypot(...w));
  }
  return { p, l, speed };
}

function cross(a: ArrayLike<number>, b: ArrayLike<number>): number[] {
  return [a[1]! * b[2]! - a[2]! * b[1]!, a[2]! * b[0]! - a[0]! * b[2]!, a[0]! * b[1]! - a[1]! * b[0]!];
}

function turnBack([x, y, z, w]: Quat, v: Vec3): Vec3 {
  return quatRotate([-x, -y, -z, w], v, [0, 0, 0]) as Vec3;
}

describe('free fall', () => {
  it.each([1, 4])('is semi-implicit Euler in the sub-step, %i a step', (solverIterations) => {
    const physicsDt = 0.005;
    const robot = idealRobot(model, { physicsDt, solverIterations });
    start(robot, 10, [0.5, 0, 1, 0, 0, 0]);
    robot.step(1);
    const drop = 10 + 1 - robot.truth.base[2]!;
    // Every sub-step h first adds g h to the speed, then moves by it: g h^2 (1 + 2 + ... + n) = g t^2 / 2 + g t h / 2.
    const h = physicsDt / solverIterations;
    // Float32 positions of 10 m: 200 roundings of 5e-7 m, which do not all fall one way (1e-5 m measured); the second
    // term is 25 and 6 mm.
    expect(Math.abs(drop - (0.5 * 9.81 + 0.5 * 9.81 * h))).toBeLessThan(1e-4);
    expect(Math.abs(robot.truth.twist[2]! - (1 - 9.81))).toBeLessThan(1e-4);
    // Nothing else moves: no drag, no turn.
    expect(Math.abs(robot.truth.base[0]! - 0.5)).toBeLessThan(1e-4);
    expect(Math.abs(robot.truth.twist[3]!) + Math.abs(robot.truth.twist[4]!)).toBeLessThan(1e-4);
    robot.close();
  });
});

describe('momentum of a free robot', () => {
  it('is kept while its motors push and nothing else does', () => {
    const robot = idealRobot(model, { physicsDt: 0.0025, solverIterations: 4 }, { gravity: 0 });
    start(robot, 1, [0.3, -0.2, 0.1, 0.5, -0.4, 0.8]);
    const before = momentum(robot);
    const random = new RandomStream(keyOf(7));
    const command = makeCommand(model.dof.length);
    let speed = 0;
    for (let k = 0; k < 50; k++) {
      for (let j = 0; j < command.effort.length; j++) command.effort[j] = random.between(-1, 1);
      robot.act(command);
      robot.step(0.02);
      const { p, l, speed: fastest } = momentum(robot);
      speed = Math.max(speed, fastest);
      // Impulses come in pairs: 5.2 N s are kept to the rounding of Float32 velocities, 1.3e-5 measured over 400 steps.
      expect(distance(p, before.p)).toBeLessThan(1e-4);
      // 4.9 N m s, to 2.3e-3 measured: bodies turn by first order in the step, which keeps R I R^T w only to that order.
      expect(distance(l, before.l)).toBeLessThan(5e-3);
    }
    // The legs have moved: 15 rad/s measured. Their own momentum is far above the tolerances.
    expect(speed).toBeGreaterThan(10);
    robot.close();
  });
});

function distance(a: readonly number[], b: readonly number[]): number {
  return Math.hypot(...a.map((v, k) => v - b[k]!));
}
