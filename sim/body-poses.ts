/** Where a robot's bodies are for a state of its joints and base, frames parallel to the world's at the zero pose. No engine. */

import { forwardKinematics } from '../core/kinematics.ts';
import type { RobotState } from '../core/robot.ts';
import type { Quat, RobotModel } from '../core/robot-model.ts';
import { IDENTITY_QUAT, quatMultiply, quatRotate } from '../core/rotation.ts';
import { type RobotRig, zeroRotation } from './joint-rig.ts';

export interface BodyPoses {
  /** m, [nBodies][3] */
  readonly origins: readonly ArrayLike<number>[];
  readonly rotations: readonly Quat[];
}

const AT_ORIGIN = Float64Array.of(0, 0, 0, 0, 0, 0, 1);

export function bodyPoses(model: RobotModel, rig: RobotRig, state: Pick<RobotState, 'q' | 'base'>): BodyPoses {
  const poses = new Float64Array(model.links.length * 7);
  forwardKinematics(model, state.q, poses);
  const base = model.base === 'floating' ? state.base : AT_ORIGIN;
  const turn: Quat = [base[3]!, base[4]!, base[5]!, base[6]!];
  const rotations: Quat[] = [];
  const origins: [number, number, number][] = [];
  for (const { root } of rig.bodies) {
    const at = root * 7;
    const [x, y, z, w] = zeroRotation(rig.zeroPoses, root);
    // Rotation of the link now against its rotation at the zero pose, in the base's frame.
    const own = quatMultiply(zeroRotation(poses, root), [-x, -y, -z, w], [0, 0, 0, 1]);
    rotations.push(quatMultiply(turn, quatMultiply(own, IDENTITY_QUAT, [0, 0, 0, 1]), [0, 0, 0, 1]));
    const p = quatRotate(turn, poses.subarray(at, at + 3), [0, 0, 0]);
    origins.push([base[0]! + p[0]!, base[1]! + p[1]!, base[2]! + p[2]!]);
  }
  return { origins, rotations };
}
