/** Puts a robot's bodies where its coordinates say, with the velocities they say. Done once a reset. */

import type { RobotState } from '../core/robot.ts';
import type { RobotModel } from '../core/robot-model.ts';
import { quatRotate } from '../core/rotation.ts';
import { bodyPoses } from './body-poses.ts';
import type { RobotRig } from './joint-rig.ts';
import { type RapierParts, xyz, xyzw } from './rapier-world.ts';

type Vector = [number, number, number];

export function placeRobot(model: RobotModel, rig: RobotRig, parts: RapierParts, state: RobotState): void {
  const { origins, rotations } = bodyPoses(model, rig, state);
  for (const [b, body] of parts.bodies.entries()) {
    body.setTranslation(xyz(origins[b]!), false);
    body.setRotation(xyzw(rotations[b]!), false);
  }
  const spins: Vector[] = rig.bodies.map(() => [0, 0, 0]);
  const velocities: Vector[] = rig.bodies.map(() => [0, 0, 0]);
  if (model.base === 'floating') {
    velocities[0] = [state.twist[0]!, state.twist[1]!, state.twist[2]!];
    spins[0] = quatRotate(rotations[0]!, state.twist.subarray(3, 6), [0, 0, 0]) as Vector;
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
}

/** out = v + w x r */
function addCross(v: ArrayLike<number>, w: ArrayLike<number>, r: ArrayLike<number>, out: Vector): void {
  out[0] = v[0]! + w[1]! * r[2]! - w[2]! * r[1]!;
  out[1] = v[1]! + w[2]! * r[0]! - w[0]! * r[2]!;
  out[2] = v[2]! + w[0]! * r[1]! - w[1]! * r[0]!;
}
