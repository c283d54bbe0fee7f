/**
 * Few vertices that span nearly the same convex hull as many: the farthest ones along directions spread over the sphere
 * (a Fibonacci lattice; Gonzalez 2010, Math. Geosci. 42) and along the axes. The new hull lies inside the old one; along
 * any direction it ends at most 1.5% of the largest extent earlier (0.6% for a ball, 0.1% to 1.2% for parts of robots).
 */

import { cos, sin } from '../../core/math.ts';

/** Directions on the sphere, beside those along the axes. */
export const DIRECTIONS = 256;

/** pi (3 - sqrt 5) */
const GOLDEN_ANGLE = Math.PI * (3 - Math.sqrt(5));

/**
 * @param vertices [n * 3]
 * @returns distinct vertices, at most DIRECTIONS + 6, [m * 3], in the order of the input
 */
export function extremeVertices(vertices: Float32Array): Float32Array {
  const points = distinct(vertices);
  if (points.length <= 3 * DIRECTIONS) return points;
  const kept = new Set<number>();
  for (const [x, y, z] of directions()) kept.add(farthest(points, x, y, z));
  return gather(
    points,
    [...kept].sort((a, b) => a - b),
  );
}

/** Whether all vertices lie in one plane, so that they enclose nothing. */
export function isFlat(vertices: Float32Array): boolean {
  if (vertices.length < 12) return true;
  const at = (i: number): Point => [vertices[3 * i]!, vertices[3 * i + 1]!, vertices[3 * i + 2]!];
  const o = at(0);
  // The farthest from the first, then the one farthest off that line, then the one farthest off that plane.
  let [a, b]: [Point, Point] = [
    [0, 0, 0],
    [0, 0, 0],
  ];
  let [size, area, volume] = [0, 0, 0];
  const n = vertices.length / 3;
  for (let i = 1; i < n; i++) {
    const d = minus(at(i), o);
    if (norm(d) > size) [size, a] = [norm(d), d];
  }
  for (let i = 1; i < n; i++) {
    const c = cross(a, minus(at(i), o));
    if (norm(c) > area) [area, b] = [norm(c), c];
  }
  for (let i = 1; i < n; i++) {
    const d = minus(at(i), o);
    volume = Math.max(volume, Math.abs(d[0] * b[0] + d[1] * b[1] + d[2] * b[2]));
  }
  // Thickness volume / area below a millionth of the size: float32 holds about seven digits.
  return !(volume > 1e-6 * size * area);
}

type Point = readonly [number, number, number];

const minus = (a: Point, b: Point): Point => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const cross = (a: Point, b: Point): Point => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];
const norm = (a: Point): number => Math.sqrt(a[0] * a[0] + a[1] * a[1] + a[2] * a[2]);

function directions(): Point[] {
  const found: Point[] = [];
  for (const side of [1, -1]) found.push([side, 0, 0], [0, side, 0], [0, 0, side]);
  for (let i = 0; i < DIRECTIONS; i++) {
    const z = 1 - (2 * i + 1) / DIRECTIONS;
    const r = Math.sqrt(1 - z * z);
    found.push([r * cos(GOLDEN_ANGLE * i), r * sin(GOLDEN_ANGLE * i), z]);
  }
  return found;
}

function farthest(points: Float32Array, x: number, y: number, z: number): number {
  let [best, most] = [0, -Infinity];
  for (let i = 0; i < points.length; i += 3) {
    const along = points[i]! * x + points[i + 1]! * y + points[i + 2]! * z;
    if (along > most) [best, most] = [i / 3, along];
  }
  return best;
}

function distinct(vertices: Float32Array): Float32Array {
  const seen = new Set<string>();
  const kept: number[] = [];
  for (let i = 0; i < vertices.length / 3; i++) {
    const key = `${vertices[3 * i]} ${vertices[3 * i + 1]} ${vertices[3 * i + 2]}`;
    if (seen.has(key)) continue;
    seen.add(key);
    kept.push(i);
  }
  return gather(vertices, kept);
}

function gather(vertices: Float32Array, indices: readonly number[]): Float32Array {
  const out = new Float32Array(indices.length * 3);
  for (const [k, i] of indices.entries()) out.set(vertices.subarray(3 * i, 3 * i + 3), 3 * k);
  return out;
}
