/** Mass, centre of mass and principal inertia of a link as a rigid body, with the scales of `Dynamics` applied. */

import type { Inertial, Quat, Vec3 } from '../core/robot-model.ts';
import { quatMultiply, quatRotate } from '../core/rotation.ts';
import type { Dynamics } from './dynamics.ts';
import { principalInertia, rotateTensor, TENSOR_ENTRIES, type Tensor } from './inertia.ts';

export interface MassProperties {
  readonly mass: number;
  /** Centre of mass in the body's frame, m. */
  readonly com: Vec3;
  /** Principal moments about the centre of mass, kg m2. */
  readonly moments: Vec3;
  /** From the principal axes to the body's frame. */
  readonly frame: Quat;
}

/**
 * The body's frame stands at the link's origin and is parallel to the world's when every joint is at 0.
 * @param linkRotation of the link's frame at the zero pose
 * @param axis of joint `j`, unit, in the body's frame
 * @param j the joint that moves the link
 */
export function massProperties(
  inertial: Inertial,
  linkRotation: Quat,
  axis: Vec3,
  dynamics: Dynamics,
  j: number,
): MassProperties {
  const scale = dynamics.massScale[j]!;
  const comScale = dynamics.comScale[j]!;
  const com = quatRotate(linkRotation, inertial.origin.xyz, [0, 0, 0]);
  const tensor = rotateTensor(inertial.inertia, quatMultiply(linkRotation, inertial.origin.quat, [0, 0, 0, 1]));
  const armature = dynamics.armature[j]!;
  // I' = s I + armature * a a^T: a rotor that turns only about the joint's axis
  const full = tensor.map((value, k) => {
    const [row, column] = TENSOR_ENTRIES[k]!;
    return scale * value + armature * axis[row]! * axis[column]!;
  });
  const principal = principalInertia(full as unknown as Tensor);
  return {
    mass: scale * inertial.mass,
    com: [comScale * com[0]!, comScale * com[1]!, comScale * com[2]!],
    moments: principal.moments,
    frame: principal.frame,
  };
}

/** Inertia of the link alone about an axis through its frame's origin, kg m2. */
export function inertiaAbout({ mass, com, moments, frame }: MassProperties, axis: Vec3): number {
  // a in the principal axes
  const [x, y, z, w] = frame;
  const a = quatRotate([-x, -y, -z, w], axis, [0, 0, 0]);
  const along = com[0] * axis[0] + com[1] * axis[1] + com[2] * axis[2];
  const lever = com[0] ** 2 + com[1] ** 2 + com[2] ** 2 - along ** 2;
  // I = sum_k I_k a_k^2 + m |c - (c a) a|^2
  return moments[0] * a[0]! ** 2 + moments[1] * a[1]! ** 2 + moments[2] * a[2]! ** 2 + mass * lever;
}
