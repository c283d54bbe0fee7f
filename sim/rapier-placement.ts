/** Puts a robot's bodies where its coordinates say, with the velocities they say. Done once a reset. */

import { forwardKinematics } from '../core/kinematics.ts';
import type { RobotState } from '../core/robot.ts';
import type { Quat, RobotModel } from '../core/robot-model.ts';
import { quatMultiply, quatRotate } from '../core/rotation.ts';
import { type RobotRig, zeroRotation } from './joint-rig.ts';
import type { BodyPoses } from './mass-matrix.ts';
import { type RapierParts, xyz, xyzw } from './rapier-world.ts';

type Vector = [number, number, number];

/** @returns where the bodies are */
export function placeRobot(model: RobotModel, rig: RobotRig, parts: RapierParts, state: RobotState): BodyPoses {
  const poses = new Float64Array(model.links.length * 7);
  forwardKinematics(model, state.q, poses);
  const basePose = model.base === 'floating' ? state.base : Float64Array.of(0, 0, 0, 0, 0, 0, 1);
  const baseRotation: Quat = [basePose[3]!, basePose[4]!, basePose[5]!, basePose[6]!];
  const rotations: Quat[] = [];
  const origins: Vector[] = [];
  for (const [b, { root }] of rig.bodies.entries()) {
    const at = root * 7;
    const own = quatMultiply(zeroPosesInverse(rig, root, poses), IDENTITY, [0, 0, 0, 1]);
    rotations.push(quatMultiply(baseRotation, own, [0, 0, 0, 1]));
    const p = quatRotate(baseRotation, poses.subarray(at, at + 3), [0, 0, 0]);
    origins.push([0, 1, 2].map((k) => basePose[k]! + p[k]!) as Vector);
    parts.bodies[b]!.setTranslation(xyz(origins[b]!), false);
    parts.bodies[b]!.setRotation(xyzw(rotations[b]!), false);
  }
  const spins: Vector[] = rig.bodies.map(() => [0, 0, 0]);
  const velocities: Vector[] = rig.bodies.map(() => [0, 0, 0]);
  if (model.base === 'floating') {
    velocities[0] = [state.twist[0]!, state.twist[1]!, state.twist[2]!];
    spins[0] = quatRotate(baseRotation, state.twist.subarray(3, 6), [0, 0, 0]) as Vector;
  }
  for (const [b, body] of rig.bodies.entries()) {
    const joint = rig.joints.find((candidate) => candidate.child === b);
    if (joint !== undefined) {
      const { parent } = joint;
      const axis = quatRotate(rotations[b]!, joint.axis, [0, 0, 0]);
      const rate = (joint.mimic?.multiplier ?? 1) * state.qd[joint.dof]!;
      const slides = joint.type === 'prismatic';
      for (let k = 0; k < 3; k++) spins[b]![k] = spins[parent]![k]! + (slides ? 0 : rate * axis[k]!);
      // v_child = v_parent + w_parent x r, and along the axis of a slider
      const r = [0, 1, 2].map((k) => origins[b]![k]! - origins[parent]![k]!) as Vector;
      addCross(velocities[parent]!, spins[parent]!, r, velocities[b]!);
      if (slides) for (let k = 0; k < 3; k++) velocities[b]![k] = velocities[b]![k]! + rate * axis[k]!;
    }
    const made = parts.bodies[b]!;
    if (!made.isDynamic() || body.mass === 0) continue;
    // The engine takes a new body's mass properties up at the next step; the velocity below needs them now.
    made.recomputeMassPropertiesFromColliders();
    const com = made.localCom();
    const lever = quatRotate(rotations[b]!, [com.x, com.y, com.z], [0, 0, 0]);
    const linear: Vector = [0, 0, 0];
    addCross(velocities[b]!, spins[b]!, lever, linear);
    made.setAngvel(xyz(spins[b]!), false);
    made.setLinvel(xyz(linear), false);
  }
  return { origins, rotations };
}

const IDENTITY: Quat = [0, 0, 0, 1];

/** Rotation of a link now against its rotation at the zero pose, in the base frame. */
function zeroPosesInverse(rig: RobotRig, link: number, poses: Float64Array): Quat {
  const [x, y, z, w] = zeroRotation(rig.zeroPoses, link);
  return quatMultiply(zeroRotation(poses, link), [-x, -y, -z, w], [0, 0, 0, 1]);
}

/** out = v + w x r */
function addCross(v: ArrayLike<number>, w: ArrayLike<number>, r: ArrayLike<number>, out: Vector): void {
  out[0] = v[0]! + w[1]! * r[2]! - w[2]! * r[1]!;
  out[1] = v[1]! + w[2]! * r[0]! - w[0]! * r[2]!;
  out[2] = v[2]! + w[0]! * r[1]! - w[1]! * r[0]!;
}
