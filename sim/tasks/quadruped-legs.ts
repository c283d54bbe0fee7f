/**
 * The legs of a quadruped of the A1's measures in closed form: where a foot is, how fast it moves, and which angles put it
 * somewhere. Three joints a leg: hip about x, thigh and calf about y; at zero the leg points straight down. Cheaper than
 * asking an engine, and the same in both. Knows no engine, no ground and no gait. Allocates nothing.
 */

import { atan2, clamp, sinCosEach } from '../../core/math.ts';

/** In the order of the joints, three each. FR and RL swing together in a trot, as do FL and RR. */
export const LEGS = ['FR', 'FL', 'RR', 'RL'] as const;
export const JOINTS: readonly string[] = LEGS.flatMap((leg) => [`${leg}_hip`, `${leg}_thigh`, `${leg}_calf`]);
/** Thigh and calf, m. */
export const SEGMENT = 0.2;
/** Of the foot's sphere, m. */
export const FOOT_RADIUS = 0.02;
/** Where the hip joints are in the base frame, m. */
export const HIP_X = [0.1805, 0.1805, -0.1805, -0.1805] as const;
export const HIP_Y = [-0.047, 0.047, -0.047, 0.047] as const;
/** From the hip's axis outwards to the plane of the leg, m. */
export const LEG_Y = [-0.0838, 0.0838, -0.0838, 0.0838] as const;

/** Hip, thigh, and thigh and calf together, rad; their sines and cosines. */
const angles = new Float64Array(3);
const sines = new Float64Array(3);
const cosines = new Float64Array(3);

/** Centre of a foot in the base frame, m. @param q [12] @param out [3] */
export function footPosition(q: ArrayLike<number>, leg: number, out: Float64Array): void {
  turn(q, leg);
  // In the plane of the leg: x = -l (sin t + sin(t + c)), z = -l (cos t + cos(t + c)); the hip turns (y, z) about x.
  const z = -SEGMENT * (cosines[1]! + cosines[2]!);
  const s = sines[0]!;
  const c = cosines[0]!;
  out[0] = HIP_X[leg]! - SEGMENT * (sines[1]! + sines[2]!);
  out[1] = HIP_Y[leg]! + LEG_Y[leg]! * c - z * s;
  out[2] = LEG_Y[leg]! * s + z * c;
}

/** Velocity of a foot's centre against the base, base frame, m/s. @param q,qd [12] @param out [3] */
export function footVelocity(q: ArrayLike<number>, qd: ArrayLike<number>, leg: number, out: Float64Array): void {
  turn(q, leg);
  const hipRate = qd[3 * leg]!;
  const thighRate = qd[3 * leg + 1]!;
  const kneeRate = thighRate + qd[3 * leg + 2]!;
  const ct = cosines[1]!;
  const ck = cosines[2]!;
  const z = -SEGMENT * (ct + ck);
  const zRate = SEGMENT * (sines[1]! * thighRate + sines[2]! * kneeRate);
  const s = sines[0]!;
  const c = cosines[0]!;
  out[0] = -SEGMENT * (ct * thighRate + ck * kneeRate);
  out[1] = -(LEG_Y[leg]! * s + z * c) * hipRate - zRate * s;
  out[2] = (LEG_Y[leg]! * c - z * s) * hipRate + zRate * c;
}

function turn(q: ArrayLike<number>, leg: number): void {
  angles[0] = q[3 * leg]!;
  angles[1] = q[3 * leg + 1]!;
  angles[2] = q[3 * leg + 1]! + q[3 * leg + 2]!;
  sinCosEach(angles, sines, cosines);
}

/**
 * The angles that put a foot's centre at a point of the base frame, knee backwards; beyond reach, towards it.
 * @param out hip, thigh, calf, rad, written from 3 * leg on
 */
export function legAngles(leg: number, x: number, y: number, z: number, out: Float64Array): void {
  const side = LEG_Y[leg]!;
  const dx = x - HIP_X[leg]!;
  const dy = y - HIP_Y[leg]!;
  // In the plane of the leg the foot is `down` below the hip: y^2 + z^2 = side^2 + down^2
  const down = Math.sqrt(Math.max(1e-6, dy * dy + z * z - side * side));
  const reach = clamp(Math.sqrt(dx * dx + down * down) / (2 * SEGMENT), 0.05, 0.999);
  // Two equal links: the line from hip to foot halves the knee, cos(c / 2) = reach
  const half = atan2(Math.sqrt(1 - reach * reach), reach);
  out[3 * leg] = atan2(z, dy) - atan2(-down, side);
  out[3 * leg + 1] = atan2(-dx, down) + half;
  out[3 * leg + 2] = -2 * half;
}
