/**
 * Perturbs a link's mass, centre of mass and inertia together so that the result is always that of some real body: the
 * pseudo-inertia matrix J = [[S, h], [h^T, m]], S = sum m r r^T, h = m c, stays positive definite under J' = U J U^T.
 * Rucker & Wensing, "Smooth parameterization of rigid-body inertia", RA-L 7(2), 2022 (log-Cholesky). Knows no engine.
 *
 *            | e^d1  s12   s13   t1 |
 *  U = e^a * | 0     e^d2  s23   t2 |     along the link's axes, about the link's origin
 *            | 0     0     e^d3  t3 |
 *            | 0     0     0     1  |
 */

import { exp } from '../core/math.ts';
import type { Inertial } from '../core/robot-model.ts';
import { IDENTITY_QUAT, quatRotate } from '../core/rotation.ts';

/** The ten parameters in their order; all 0 change nothing. `t` in m, the others without unit. */
export const PSEUDO_INERTIA = [
  { name: 'alpha', group: 'density' },
  { name: 'd1', group: 'size' },
  { name: 'd2', group: 'size' },
  { name: 'd3', group: 'size' },
  { name: 's12', group: 'shear' },
  { name: 's23', group: 'shear' },
  { name: 's13', group: 'shear' },
  { name: 't1', group: 'shift' },
  { name: 't2', group: 'shift' },
  { name: 't3', group: 'shift' },
] as const;

/**
 * A valid inertial (m > 0, principal moments within the triangle inequality) gives a valid one, as far as 64-bit numbers
 * resolve it: keep sizes and shears within 3. A degenerate one (point, rod, sheet) stays of its kind.
 * @param params read from `at` on, [10]
 * @returns with its inertia frame along the link's axes
 */
export function perturbInertia(inertial: Inertial, params: ArrayLike<number>, at = 0): Inertial {
  const p = (k: number) => params[at + k]!;
  const density = exp(2 * p(0));
  const stretch = [
    [exp(p(1)), p(4), p(6)],
    [0, exp(p(2)), p(5)],
    [0, 0, exp(p(3))],
  ];
  const shift = [p(7), p(8), p(9)];
  const { xyz, quat } = inertial.origin;
  // A R: from the inertia frame's axes to the stretched link's
  const columns = (
    [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ] as const
  ).map((e) => multiply(stretch, quatRotate(quat, e, [0, 0, 0])));
  const [ixx, iyy, izz, ixy, ixz, iyz] = inertial.inertia;
  // Second moments about the centre of mass: S = tr(I)/2 1 - I
  const half = (ixx + iyy + izz) / 2;
  const second = [
    [half - ixx, -ixy, -ixz],
    [-ixy, half - iyy, -iyz],
    [-ixz, -iyz, half - izz],
  ];
  // U J U^T, seen from the new centre of mass: S' = e^2a (A R) S (A R)^T
  const moment = (i: number, k: number) => {
    let sum = 0;
    for (let a = 0; a < 3; a++) {
      for (let b = 0; b < 3; b++) sum += columns[a]![i]! * second[a]![b]! * columns[b]![k]!;
    }
    return density * sum;
  };
  const [sxx, syy, szz] = [moment(0, 0), moment(1, 1), moment(2, 2)];
  const [cx, cy, cz] = multiply(stretch, xyz);
  return {
    // m' = e^2a m
    mass: density * inertial.mass,
    // c' = A c + t
    origin: { xyz: [cx + shift[0]!, cy + shift[1]!, cz + shift[2]!], quat: IDENTITY_QUAT },
    // I' = tr(S') 1 - S'
    inertia: [syy + szz, sxx + szz, sxx + syy, -moment(0, 1), -moment(0, 2), -moment(1, 2)],
  };
}

function multiply(m: readonly (readonly number[])[], v: ArrayLike<number>): [number, number, number] {
  const row = (i: number) => m[i]![0]! * v[0]! + m[i]![1]! * v[1]! + m[i]![2]! * v[2]!;
  return [row(0), row(1), row(2)];
}
