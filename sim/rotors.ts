/** Where a robot's propellers push: their bodies, axes and arms. Knows no engine. */

import type { RobotModel, Vec3 } from '../core/robot-model.ts';
import { quatRotate } from '../core/rotation.ts';
import { type RobotRig, zeroRotation } from './joint-rig.ts';
import type { ActuatorSpec } from './robot-spec.ts';

/** A propeller on a body, in the engine's body frame. */
export interface RotorMount {
  readonly dof: number;
  readonly body: number;
  readonly axis: Vec3;
  /** Where its thrust acts, m. */
  readonly at: Vec3;
  readonly spec: Extract<ActuatorSpec, { kind: 'rotor' }>;
}

/** @param actuators in the order of `model.dof` */
export function rotorMounts(actuators: readonly ActuatorSpec[], model: RobotModel, rig: RobotRig): RotorMount[] {
  return actuators.flatMap((spec, dof): RotorMount[] => {
    if (spec.kind !== 'rotor') return [];
    const joint = model.joints[model.dof[dof]!]!;
    const body = rig.bodyOf[joint.child]!;
    const [c, r] = [joint.child * 7, rig.bodies[body]!.root * 7];
    const axis = quatRotate(zeroRotation(rig.zeroPoses, joint.child), joint.axis, [0, 0, 0]) as Vec3;
    const at = [0, 1, 2].map((k) => rig.zeroPoses[c + k]! - rig.zeroPoses[r + k]!) as unknown as Vec3;
    return [{ dof, body, axis, at, spec }];
  });
}
