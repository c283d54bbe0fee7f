/** Mass, centre of mass and principal inertia of a body, with the scales of `Dynamics` applied. Knows no engine. */

import type { Quat, Vec3 } from '../core/robot-model.ts';
import { IDENTITY_QUAT, quatRotate } from '../core/rotation.ts';
import type { Body } from './bodies.ts';
import type { Dynamics } from './dynamics.ts';
import { principalInertia, rotateTensor, TENSOR_ENTRIES, type Tensor } from './inertia.ts';
import { PSEUDO_INERTIA, perturbInertia } from './pseudo-inertia.ts';

export interface MassProperties {
  readonly mass: number;
  /** Centre of mass in the engine's body frame, m. */
  readonly com: Vec3;
  /** Principal moments about the centre of mass, kg m2. */
  readonly moments: Vec3;
  /** From the principal axes to the engine's body frame. */
  readonly frame: Quat;
}

type MassOfBody = Pick<Body, 'mass' | 'com' | 'inertia'>;

/**
 * The engine's body frame stands at the root link's origin and is parallel to the world's when every joint is at 0.
 * @param linkRotation of the root link's frame at the zero pose
 * @param axis of joint `j`, unit, in the engine's body frame
 * @param j index into the moving joints of the joint that carries the body
 */
export function massProperties(
  body: MassOfBody,
  linkRotation: Quat,
  axis: Vec3,
  dynamics: Dynamics,
  j: number,
): MassProperties {
  const armature = dynamics.armature[j]!;
  const real = perturbed(body, dynamics, 1 + j);
  return scaled(real, linkRotation, dynamics.massScale[j]!, dynamics.comScale[j]!, (row, column) => {
    // armature * a a^T: a rotor that turns only about the joint's axis
    return armature * axis[row]! * axis[column]!;
  });
}

/** The same of the base: its own scale, its load, its shifted centre of mass. */
export function baseMassProperties(body: MassOfBody, linkRotation: Quat, dynamics: Dynamics): MassProperties {
  const { baseMassScale, payload, comX, comY, comZ } = dynamics;
  const real = perturbed(body, dynamics, 0);
  const loaded = {
    ...real,
    // A load of unknown shape sits at the centre of mass and turns like a point.
    mass: real.mass + payload / baseMassScale,
    com: [real.com[0] + comX, real.com[1] + comY, real.com[2] + comZ] as Vec3,
  };
  return scaled(loaded, linkRotation, baseMassScale, 1, () => 0);
}

/** The body as the URDF has it: one that follows another joint. */
export function plainMassProperties(body: MassOfBody, linkRotation: Quat): MassProperties {
  return scaled(body, linkRotation, 1, 1, () => 0);
}

/** @param slot 0 for the base, 1 + j for what joint j moves */
function perturbed(body: MassOfBody, { pseudoInertia }: Dynamics, slot: number): MassOfBody {
  if (pseudoInertia === undefined || body.mass === 0) return body;
  const { mass, com, inertia } = body;
  const at = slot * PSEUDO_INERTIA.length;
  const real = perturbInertia({ mass, origin: { xyz: com, quat: IDENTITY_QUAT }, inertia }, pseudoInertia, at);
  return { mass: real.mass, com: real.origin.xyz, inertia: real.inertia };
}

function scaled(
  body: MassOfBody,
  linkRotation: Quat,
  massScale: number,
  comScale: number,
  added: (row: number, column: number) => number,
): MassProperties {
  const com = quatRotate(linkRotation, body.com, [0, 0, 0]);
  const tensor = rotateTensor(body.inertia, linkRotation);
  const full = tensor.map((value, k) => {
    const [row, column] = TENSOR_ENTRIES[k]!;
    return massScale * value + added(row, column);
  });
  const principal = principalInertia(full as unknown as Tensor);
  return {
    mass: massScale * body.mass,
    com: [comScale * com[0]!, comScale * com[1]!, comScale * com[2]!],
    moments: principal.moments,
    frame: principal.frame,
  };
}

/** Inertia of the body alone about an axis through its frame's origin, kg m2. */
export function inertiaAbout({ mass, com, moments, frame }: MassProperties, axis: Vec3): number {
  // a in the principal axes
  const [x, y, z, w] = frame;
  const a = quatRotate([-x, -y, -z, w], axis, [0, 0, 0]);
  const along = com[0] * axis[0] + com[1] * axis[1] + com[2] * axis[2];
  const lever = com[0] ** 2 + com[1] ** 2 + com[2] ** 2 - along ** 2;
  // I = sum_k I_k a_k^2 + m |c - (c a) a|^2
  return moments[0] * a[0]! ** 2 + moments[1] * a[1]! ** 2 + moments[2] * a[2]! ** 2 + mass * lever;
}
