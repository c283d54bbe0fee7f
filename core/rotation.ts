/**
 * Quaternions (x, y, z, w) and vectors on plain arrays. Every function writes into `out`, which may be one of its
 * inputs, and returns it. Deterministic: only + - * / sqrt and core/math.ts. Knows no robot.
 * Conventions: Hamilton product, rotations act from the left, q(ab) v = q(a) q(b) v.
 */

import { cos, sin } from './math.ts';
import type { Quat, Vec3 } from './robot-model.ts';

/** What a rotation or a vector can be written into. */
export type QuatOut = [number, number, number, number] | Float64Array | Float32Array;
export type Vec3Out = [number, number, number] | Float64Array | Float32Array;

export const IDENTITY_QUAT: Quat = [0, 0, 0, 1];

/** a b: first b, then a. */
export function quatMultiply<T extends QuatOut>(a: ArrayLike<number>, b: ArrayLike<number>, out: T): T {
  const ax = a[0]!;
  const ay = a[1]!;
  const az = a[2]!;
  const aw = a[3]!;
  const bx = b[0]!;
  const by = b[1]!;
  const bz = b[2]!;
  const bw = b[3]!;
  out[0] = aw * bx + ax * bw + ay * bz - az * by;
  out[1] = aw * by - ax * bz + ay * bw + az * bx;
  out[2] = aw * bz + ax * by - ay * bx + az * bw;
  out[3] = aw * bw - ax * bx - ay * by - az * bz;
  return out;
}

/** The inverse of a unit quaternion. */
export function quatConjugate<T extends QuatOut>(q: ArrayLike<number>, out: T): T {
  out[0] = -q[0]!;
  out[1] = -q[1]!;
  out[2] = -q[2]!;
  out[3] = q[3]!;
  return out;
}

/** @returns the identity for a quaternion of length 0 */
export function quatNormalize<T extends QuatOut>(q: ArrayLike<number>, out: T): T {
  const x = q[0]!;
  const y = q[1]!;
  const z = q[2]!;
  const w = q[3]!;
  const length = Math.sqrt(x * x + y * y + z * z + w * w);
  const s = length > 0 ? 1 / length : 0;
  out[0] = x * s;
  out[1] = y * s;
  out[2] = z * s;
  out[3] = length > 0 ? w * s : 1;
  return out;
}

/** v turned by q: v + 2 w (u x v) + 2 u x (u x v), u the vector part. */
export function quatRotate<T extends Vec3Out>(q: ArrayLike<number>, v: ArrayLike<number>, out: T): T {
  const x = q[0]!;
  const y = q[1]!;
  const z = q[2]!;
  const w = q[3]!;
  const vx = v[0]!;
  const vy = v[1]!;
  const vz = v[2]!;
  // t = 2 (u x v)
  const tx = 2 * (y * vz - z * vy);
  const ty = 2 * (z * vx - x * vz);
  const tz = 2 * (x * vy - y * vx);
  // v + w t + u x t
  out[0] = vx + w * tx + y * tz - z * ty;
  out[1] = vy + w * ty + z * tx - x * tz;
  out[2] = vz + w * tz + x * ty - y * tx;
  return out;
}

/** @param axis unit vector @param angle rad, right-handed about the axis */
export function quatFromAxisAngle<T extends QuatOut>(axis: ArrayLike<number>, angle: number, out: T): T {
  const s = sin(angle / 2);
  out[0] = axis[0]! * s;
  out[1] = axis[1]! * s;
  out[2] = axis[2]! * s;
  out[3] = cos(angle / 2);
  return out;
}

/** URDF's fixed-axis roll, pitch, yaw: Rz(yaw) Ry(pitch) Rx(roll). @param rpy rad */
export function quatFromRpy(rpy: Vec3): Quat {
  const [cr, sr] = [cos(rpy[0] / 2), sin(rpy[0] / 2)];
  const [cp, sp] = [cos(rpy[1] / 2), sin(rpy[1] / 2)];
  const [cy, sy] = [cos(rpy[2] / 2), sin(rpy[2] / 2)];
  return [
    sr * cp * cy - cr * sp * sy,
    cr * sp * cy + sr * cp * sy,
    cr * cp * sy - sr * sp * cy,
    cr * cp * cy + sr * sp * sy,
  ];
}

/** `quatRotate` by the quaternion that starts at `at`: for loops that must not allocate, so it calls nothing. */
export function rotateAt(q: Float64Array, at: number, v: ArrayLike<number>, out: Float64Array): void {
  const x = q[at]!;
  const y = q[at + 1]!;
  const z = q[at + 2]!;
  const w = q[at + 3]!;
  const vx = v[0]!;
  const vy = v[1]!;
  const vz = v[2]!;
  const tx = 2 * (y * vz - z * vy);
  const ty = 2 * (z * vx - x * vz);
  const tz = 2 * (x * vy - y * vx);
  out[0] = vx + w * tx + y * tz - z * ty;
  out[1] = vy + w * ty + z * tx - x * tz;
  out[2] = vz + w * tz + x * ty - y * tx;
}

/** `rotateAt` by the inverse. */
export function rotateBackAt(q: Float64Array, at: number, v: ArrayLike<number>, out: Float64Array): void {
  const x = -q[at]!;
  const y = -q[at + 1]!;
  const z = -q[at + 2]!;
  const w = q[at + 3]!;
  const vx = v[0]!;
  const vy = v[1]!;
  const vz = v[2]!;
  const tx = 2 * (y * vz - z * vy);
  const ty = 2 * (z * vx - x * vz);
  const tz = 2 * (x * vy - y * vx);
  out[0] = vx + w * tx + y * tz - z * ty;
  out[1] = vy + w * ty + z * tx - x * tz;
  out[2] = vz + w * tz + x * ty - y * tx;
}
