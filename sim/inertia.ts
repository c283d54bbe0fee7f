/** Inertia tensors: turned axes, and principal axes by Jacobi rotations (Golub & Van Loan, 8.5). Knows no engine. */

import type { Quat, Vec3 } from '../core/robot-model.ts';
import { quatRotate } from '../core/rotation.ts';

/** ixx, iyy, izz, ixy, ixz, iyz, kg m2. */
export type Tensor = readonly [number, number, number, number, number, number];

export interface PrincipalInertia {
  /** Moments about the principal axes, kg m2. */
  readonly moments: Vec3;
  /** Rotation from the principal axes to the tensor's axes. */
  readonly frame: Quat;
}

export function principalInertia(tensor: Tensor): PrincipalInertia {
  const [ixx, iyy, izz, ixy, ixz, iyz] = tensor;
  const a = [
    [ixx, ixy, ixz],
    [ixy, iyy, iyz],
    [ixz, iyz, izz],
  ];
  const axes = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ];
  const scale = Math.abs(ixx) + Math.abs(iyy) + Math.abs(izz);
  for (let sweep = 0; sweep < 30; sweep++) {
    if (Math.abs(a[0]![1]!) + Math.abs(a[0]![2]!) + Math.abs(a[1]![2]!) <= 1e-15 * scale) break;
    for (const [p, q] of [
      [0, 1],
      [0, 2],
      [1, 2],
    ] as const) {
      rotate(a, axes, p, q);
    }
  }
  return { moments: [a[0]![0]!, a[1]![1]!, a[2]![2]!], frame: quatFromColumns(axes) };
}

/** One Jacobi rotation that makes a[p][q] zero; `axes` collects the eigenvectors as columns. */
function rotate(a: number[][], axes: number[][], p: number, q: number): void {
  const apq = a[p]![q]!;
  if (apq === 0) return;
  const theta = (a[q]![q]! - a[p]![p]!) / (2 * apq);
  const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (let k = 0; k < 3; k++) {
    const akp = a[k]![p]!;
    const akq = a[k]![q]!;
    a[k]![p] = c * akp - s * akq;
    a[k]![q] = s * akp + c * akq;
  }
  for (let k = 0; k < 3; k++) {
    const apk = a[p]![k]!;
    const aqk = a[q]![k]!;
    a[p]![k] = c * apk - s * aqk;
    a[q]![k] = s * apk + c * aqk;
    const vkp = axes[k]![p]!;
    const vkq = axes[k]![q]!;
    axes[k]![p] = c * vkp - s * vkq;
    axes[k]![q] = s * vkp + c * vkq;
  }
}

/** The rotation whose matrix has these columns (Shepperd 1978). Jacobi keeps the determinant +1. */
function quatFromColumns(m: number[][]): Quat {
  const [xx, yy, zz] = [m[0]![0]!, m[1]![1]!, m[2]![2]!];
  const trace = xx + yy + zz;
  if (trace > 0) {
    const s = 2 * Math.sqrt(1 + trace);
    return [(m[2]![1]! - m[1]![2]!) / s, (m[0]![2]! - m[2]![0]!) / s, (m[1]![0]! - m[0]![1]!) / s, s / 4];
  }
  if (xx > yy && xx > zz) {
    const s = 2 * Math.sqrt(1 + xx - yy - zz);
    return [s / 4, (m[0]![1]! + m[1]![0]!) / s, (m[0]![2]! + m[2]![0]!) / s, (m[2]![1]! - m[1]![2]!) / s];
  }
  if (yy > zz) {
    const s = 2 * Math.sqrt(1 + yy - xx - zz);
    return [(m[0]![1]! + m[1]![0]!) / s, s / 4, (m[1]![2]! + m[2]![1]!) / s, (m[0]![2]! - m[2]![0]!) / s];
  }
  const s = 2 * Math.sqrt(1 + zz - xx - yy);
  return [(m[0]![2]! + m[2]![0]!) / s, (m[1]![2]! + m[2]![1]!) / s, s / 4, (m[1]![0]! - m[0]![1]!) / s];
}

/** Rows and columns of a tensor's six entries. */
export const TENSOR_ENTRIES = [
  [0, 0],
  [1, 1],
  [2, 2],
  [0, 1],
  [0, 2],
  [1, 2],
] as const;

/** R I R^T: the tensor along the axes that `rotation` leads to. */
export function rotateTensor([ixx, iyy, izz, ixy, ixz, iyz]: Tensor, rotation: Quat): Tensor {
  const inertia = [
    [ixx, ixy, ixz],
    [ixy, iyy, iyz],
    [ixz, iyz, izz],
  ];
  const columns = [
    quatRotate(rotation, [1, 0, 0], [0, 0, 0]),
    quatRotate(rotation, [0, 1, 0], [0, 0, 0]),
    quatRotate(rotation, [0, 0, 1], [0, 0, 0]),
  ];
  const turned = TENSOR_ENTRIES.map(([row, column]) => {
    let sum = 0;
    for (let a = 0; a < 3; a++) {
      for (let b = 0; b < 3; b++) sum += columns[a]![row]! * inertia[a]![b]! * columns[b]![column]!;
    }
    return sum;
  });
  return turned as unknown as Tensor;
}
