/**
 * A link's inertial with what `Dynamics` says of it: the perturbed pseudo-inertia of every link, scale, payload and shifted
 * centre of mass of the base. Both engines start from this; a moved link's `massScale` and `comScale` come after. Knows no
 * engine.
 */

import type { Inertial } from '../core/robot-model.ts';
import type { Dynamics } from './dynamics.ts';
import { PSEUDO_INERTIA, perturbInertia } from './pseudo-inertia.ts';

/** @param j the joint that moves the link, an index into `RobotModel.dof` */
export function movedInertial(inertial: Inertial, dynamics: Dynamics, j: number): Inertial {
  const params = dynamics.pseudoInertia;
  return params === undefined ? inertial : perturbInertia(inertial, params, (1 + j) * PSEUDO_INERTIA.length);
}

/** Keep `baseMassScale` and the mass with its payload above 0. */
export function baseInertial(inertial: Inertial, dynamics: Dynamics): Inertial {
  const { pseudoInertia, baseMassScale: s, payload, comX, comY, comZ } = dynamics;
  const { mass, origin, inertia } = pseudoInertia === undefined ? inertial : perturbInertia(inertial, pseudoInertia);
  const [x, y, z] = origin.xyz;
  const [ixx, iyy, izz, ixy, ixz, iyz] = inertia;
  return {
    // The payload is a point at the centre of mass: it adds nothing to the inertia about it.
    mass: s * mass + payload,
    origin: { xyz: [x + comX, y + comY, z + comZ], quat: origin.quat },
    inertia: [s * ixx, s * iyy, s * izz, s * ixy, s * ixz, s * iyz],
  };
}
