import { expect, test } from 'vitest';
import { forwardKinematics } from '../../core/kinematics.ts';
import type { Joint, JointType, RobotModel, Vec3 } from '../../core/robot-model.ts';
import { quatFromRpy } from '../../core/rotation.ts';

function joint(
  name: string,
  type: JointType,
  parent: number,
  child: number,
  xyz: Vec3,
  axis: Vec3,
  rpy: Vec3 = [0, 0, 0],
): Joint {
  const limits = {
    lower: -Infinity,
    upper: Infinity,
    velocity: Infinity,
    effort: Infinity,
    damping: 0,
    friction: 0,
    mimic: null,
  };
  return { name, type, parent, child, origin: { xyz, quat: quatFromRpy(rpy) }, axis, ...limits };
}

function model(joints: readonly Joint[], dof: readonly number[]): RobotModel {
  const links = Array.from({ length: joints.length + 1 }, (_, i) => ({
    name: `link${i}`,
    inertial: null,
    visuals: [],
    collisions: [],
  }));
  return { name: 'test', urdfHash: '', urdf: '', base: 'fixed', links, joints, dof, meshes: {}, notes: [] };
}

function posesOf(robot: RobotModel, q: readonly number[]): Float64Array {
  const out = new Float64Array(robot.links.length * 7).fill(Number.NaN);
  forwardKinematics(robot, q, out);
  return out;
}

const position = (poses: Float64Array, link: number) => [...poses.subarray(link * 7, link * 7 + 3)];
const rotation = (poses: Float64Array, link: number) => [...poses.subarray(link * 7 + 3, link * 7 + 7)];

function close(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  // a few rounding errors of numbers near 1
  for (let i = 0; i < expected.length; i++) expect(actual[i]).toBeCloseTo(expected[i]!, 14);
}

test('a planar arm of two links: x = l1 sin a + l2 sin(a + b), z = -(l1 cos a + l2 cos(a + b))', () => {
  const arm = model(
    [
      joint('shoulder', 'revolute', 0, 1, [0, 0, 0], [0, 1, 0]),
      joint('elbow', 'continuous', 1, 2, [0, 0, -0.4], [0, 1, 0]),
      joint('tip', 'fixed', 2, 3, [0, 0, -0.3], [1, 0, 0]),
    ],
    [0, 1],
  );
  const [a, b] = [0.7, -1.9];
  const poses = posesOf(arm, [a, b]);
  close(position(poses, 0), [0, 0, 0]);
  // a turn about y by a carries -z to (-sin a, 0, -cos a)
  close(position(poses, 2), [-0.4 * Math.sin(a), 0, -0.4 * Math.cos(a)]);
  close(position(poses, 3), [
    -0.4 * Math.sin(a) - 0.3 * Math.sin(a + b),
    0,
    -0.4 * Math.cos(a) - 0.3 * Math.cos(a + b),
  ]);
  close(rotation(poses, 3), [0, Math.sin((a + b) / 2), 0, Math.cos((a + b) / 2)]);
});

test('a prismatic joint moves along its axis in the turned frame', () => {
  const slider = model([joint('slide', 'prismatic', 0, 1, [1, 2, 3], [1, 0, 0], [0, 0, Math.PI / 2])], [0]);
  close(position(posesOf(slider, [0.5]), 1), [1, 2.5, 3]);
});

test('a fixed joint applies its origin alone', () => {
  const mount = model([joint('mount', 'fixed', 0, 1, [0.1, 0, 0.2], [1, 0, 0], [0.1, 0.2, 0.3])], []);
  const poses = posesOf(mount, []);
  close(position(poses, 1), [0.1, 0, 0.2]);
  close(rotation(poses, 1), [...quatFromRpy([0.1, 0.2, 0.3])]);
});

test('q follows dof, not the order of the joints, and can be read from an offset', () => {
  const joints = [
    joint('a', 'prismatic', 0, 1, [0, 0, 0], [1, 0, 0]),
    joint('b', 'prismatic', 1, 2, [0, 0, 0], [0, 1, 0]),
  ];
  close(position(posesOf(model(joints, [1, 0]), [10, 1]), 2), [1, 10, 0]);
  const out = new Float64Array(21);
  forwardKinematics(model(joints, [0, 1]), [9, 9, 1, 10], out, 2);
  close(position(out, 2), [1, 10, 0]);
});

test('rotations stay of length 1 along a chain of 30 joints', () => {
  const chain = Array.from({ length: 30 }, (_, i) =>
    joint(`j${i}`, 'continuous', i, i + 1, [0, 0, 0.1], i % 2 === 0 ? [0, 1, 0] : [1, 0, 0], [0.1, 0.2, 0.3]),
  );
  const robot = model(
    chain,
    chain.map((_, i) => i),
  );
  const poses = posesOf(
    robot,
    chain.map((_, i) => Math.sin(i)),
  );
  const length = Math.hypot(...rotation(poses, 30));
  // 60 products, each within 4 rounding errors of 1.1e-16
  expect(Math.abs(length - 1)).toBeLessThan(60 * 4 * 1.2e-16);
});

test('a joint that follows another one turns by multiplier * q + offset', () => {
  const follower = joint('follower', 'revolute', 1, 2, [1, 0, 0], [0, 0, 1]);
  const hand = model(
    [
      joint('leader', 'revolute', 0, 1, [0, 0, 0], [0, 0, 1]),
      { ...follower, mimic: { joint: 0, multiplier: -2, offset: 0.3 } },
      joint('tip', 'fixed', 2, 3, [1, 0, 0], [1, 0, 0]),
    ],
    [0],
  );
  const a = 0.4;
  // the second link stands at a + (-2 a + 0.3)
  const b = a - 2 * a + 0.3;
  close(position(posesOf(hand, [a]), 3), [Math.cos(a) + Math.cos(b), Math.sin(a) + Math.sin(b), 0]);
});
