/**
 * The joint-space mass matrix of a tree of bodies, M(q) = sum_b J_b^T I_b J_b, and what inertia each joint feels while the
 * others are free, 1 / (M^-1)_jj (Featherstone, "Rigid body dynamics algorithms", 2008). Knows no engine.
 */

import type { RobotState } from '../core/robot.ts';
import type { Quat, RobotModel } from '../core/robot-model.ts';
import { quatMultiply, quatRotate } from '../core/rotation.ts';
import { type BodyPoses, bodyPoses } from './body-poses.ts';
import type { RobotRig } from './joint-rig.ts';
import type { MassProperties } from './mass-properties.ts';

type Vector = [number, number, number];

/**
 * @param floating whether the first body moves freely: its six coordinates come first (velocity, angular velocity, world)
 * @param masses of the rig's bodies, armature included
 * @returns row by row, [n * n], n = 6 where floating, plus one a joint of the rig
 */
export function massMatrix(
  rig: RobotRig,
  masses: readonly MassProperties[],
  poses: BodyPoses,
  floating: boolean,
): Float64Array {
  const free = floating ? 6 : 0;
  const n = free + rig.joints.length;
  const matrix = new Float64Array(n * n);
  const jointOf = new Map(rig.joints.map((joint, i) => [joint.child, i]));
  for (let b = floating ? 0 : 1; b < rig.bodies.length; b++) {
    const { mass, com, moments, frame } = masses[b]!;
    const rotation = poses.rotations[b]!;
    const lever = quatRotate(rotation, com, [0, 0, 0]);
    const centre = [0, 1, 2].map((k) => poses.origins[b]![k]! + lever[k]!) as Vector;
    // Each column: the velocity of the centre of mass and the angular velocity that a unit rate of one coordinate makes.
    const columns = new Map<number, { readonly v: Vector; readonly w: Vector }>();
    for (let body = b; jointOf.has(body); body = rig.joints[jointOf.get(body)!]!.parent) {
      const i = jointOf.get(body)!;
      const { axis, type } = rig.joints[i]!;
      const a = quatRotate(poses.rotations[body]!, axis, [0, 0, 0]) as Vector;
      const r = [0, 1, 2].map((k) => centre[k]! - poses.origins[body]![k]!) as Vector;
      columns.set(free + i, type === 'prismatic' ? { v: a, w: [0, 0, 0] } : { v: cross(a, r), w: a });
    }
    if (floating) {
      const r = [0, 1, 2].map((k) => centre[k]! - poses.origins[0]![k]!) as Vector;
      for (let k = 0; k < 3; k++) {
        const unit = [0, 0, 0].map((_, m) => (m === k ? 1 : 0)) as Vector;
        columns.set(k, { v: unit, w: [0, 0, 0] });
        columns.set(3 + k, { v: cross(unit, r), w: unit });
      }
    }
    const principal = quatMultiply(rotation, frame, [0, 0, 0, 1]);
    const inverse: Quat = [-principal[0]!, -principal[1]!, -principal[2]!, principal[3]!];
    const local = new Map([...columns].map(([i, { w }]) => [i, quatRotate(inverse, w, [0, 0, 0])]));
    for (const [i, one] of columns) {
      for (const [j, other] of columns) {
        const [wi, wj] = [local.get(i)!, local.get(j)!];
        let sum = 0;
        for (let k = 0; k < 3; k++) sum += mass * one.v[k]! * other.v[k]! + moments[k]! * wi[k]! * wj[k]!;
        matrix[i * n + j] = matrix[i * n + j]! + sum;
      }
    }
  }
  return matrix;
}

/** 1 / (M^-1)_ii of each coordinate, by Gauss and Jordan. @param matrix symmetric positive definite, [n * n] */
export function freeInertias(matrix: Float64Array, n: number): Float64Array {
  const a = matrix.slice();
  const inverse = new Float64Array(n * n);
  for (let i = 0; i < n; i++) inverse[i * n + i] = 1;
  for (let p = 0; p < n; p++) {
    const pivot = a[p * n + p]!;
    for (let k = 0; k < n; k++) {
      a[p * n + k] = a[p * n + k]! / pivot;
      inverse[p * n + k] = inverse[p * n + k]! / pivot;
    }
    for (let row = 0; row < n; row++) {
      const factor = a[row * n + p]!;
      if (row === p || factor === 0) continue;
      for (let k = 0; k < n; k++) {
        a[row * n + k] = a[row * n + k]! - factor * a[p * n + k]!;
        inverse[row * n + k] = inverse[row * n + k]! - factor * inverse[p * n + k]!;
      }
    }
  }
  return Float64Array.from({ length: n }, (_, i) => 1 / inverse[i * n + i]!);
}

/**
 * What each joint of the rig feels of inertia in a state while the others are free, kg m2 or kg, [rig.joints].
 * @param masses of the rig's bodies
 * @param armature of the moving joints, where the masses do not include it, kg m2, [nJoints]
 */
export function feltInertias(
  model: RobotModel,
  rig: RobotRig,
  masses: readonly MassProperties[],
  state: Pick<RobotState, 'q' | 'base'>,
  armature?: ArrayLike<number>,
): Float64Array {
  const free = model.base === 'floating' ? 6 : 0;
  const matrix = massMatrix(rig, masses, bodyPoses(model, rig, state), free > 0);
  const n = free + rig.joints.length;
  for (const [i, { dof, mimic }] of rig.joints.entries()) {
    const at = (free + i) * (n + 1);
    if (mimic === null) matrix[at] = matrix[at]! + (armature?.[dof] ?? 0);
  }
  return freeInertias(matrix, n).subarray(free);
}

function cross(a: ArrayLike<number>, b: ArrayLike<number>): Vector {
  return [a[1]! * b[2]! - a[2]! * b[1]!, a[2]! * b[0]! - a[0]! * b[2]!, a[0]! * b[1]! - a[1]! * b[0]!];
}
