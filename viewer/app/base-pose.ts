/** Where a base is, and the links on it. Poses are x, y, z in m, then the rotation x, y, z, w. Knows no drawing. */

import { POSE_SIZE } from '../../core/frame-ring.ts';

/** @returns the pose of every environment's base when nobody has said where it is, [numEnvs, 7] */
export function basesAt(height: number, numEnvs: number): Float32Array {
  const bases = new Float32Array(numEnvs * POSE_SIZE);
  for (let env = 0; env < numEnvs; env++) {
    bases[env * POSE_SIZE + 2] = height;
    bases[env * POSE_SIZE + 6] = 1;
  }
  return bases;
}

/** link = base * link, in place. @param base read from `at` on @param links [nLinks, 7] */
export function carry(base: ArrayLike<number>, at: number, links: Float64Array): void {
  const bx = base[at + 3]!;
  const by = base[at + 4]!;
  const bz = base[at + 5]!;
  const bw = base[at + 6]!;
  for (let p = 0; p < links.length; p += POSE_SIZE) {
    const vx = links[p]!;
    const vy = links[p + 1]!;
    const vz = links[p + 2]!;
    // v + w t + u x t with t = 2 (u x v)
    const tx = 2 * (by * vz - bz * vy);
    const ty = 2 * (bz * vx - bx * vz);
    const tz = 2 * (bx * vy - by * vx);
    links[p] = base[at]! + vx + bw * tx + by * tz - bz * ty;
    links[p + 1] = base[at + 1]! + vy + bw * ty + bz * tx - bx * tz;
    links[p + 2] = base[at + 2]! + vz + bw * tz + bx * ty - by * tx;
    const x = links[p + 3]!;
    const y = links[p + 4]!;
    const z = links[p + 5]!;
    const w = links[p + 6]!;
    links[p + 3] = bw * x + bx * w + by * z - bz * y;
    links[p + 4] = bw * y - bx * z + by * w + bz * x;
    links[p + 5] = bw * z + bx * y - by * x + bz * w;
    links[p + 6] = bw * w - bx * x - by * y - bz * z;
  }
}

/** A body that moves further than this between two frames was put there, m. */
const MAX_STEP = 1;

/**
 * Between two poses: straight, the rotation along the shorter way; a reset is a jump. What is not known (NaN) is left as it
 * is, position and rotation each by itself.
 */
export function interpolatePose(
  before: ArrayLike<number>,
  beforeAt: number,
  after: ArrayLike<number>,
  afterAt: number,
  fraction: number,
  out: Float32Array,
  at: number,
): void {
  let isJump = false;
  for (let i = 0; i < 3; i++) if (Math.abs(after[afterAt + i]! - before[beforeAt + i]!) > MAX_STEP) isJump = true;
  const f = isJump ? Math.floor(fraction) : fraction;
  let dot = 0;
  for (let i = 3; i < 7; i++) dot += before[beforeAt + i]! * after[afterAt + i]!;
  const sign = dot < 0 ? -1 : 1;
  const mix = (i: number, g: number) => (1 - f) * before[beforeAt + i]! + f * g * after[afterAt + i]!;
  if (Number.isFinite(mix(0, 1) + mix(1, 1) + mix(2, 1))) for (let i = 0; i < 3; i++) out[at + i] = mix(i, 1);
  const norm = Math.hypot(mix(3, sign), mix(4, sign), mix(5, sign), mix(6, sign));
  if (norm > 0) for (let i = 3; i < 7; i++) out[at + i] = mix(i, sign) / norm;
}
