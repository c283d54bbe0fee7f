/**
 * How high a scene stands above a point of the plane z = 0: ground and shapes that stand still, seen from above. Places
 * robots, and tells a height sensor what there is without casting rays. Knows no engine and no moving object.
 */

import type { Vec3 } from '../../core/robot-model.ts';
import { quatConjugate, quatRotate } from '../../core/rotation.ts';
import type { HeightField, Scene, StaticShape } from '../scene.ts';

/** @param x,y m @returns m; -Infinity where there is nothing */
export function heightAt(scene: Scene, x: number, y: number): number {
  const { ground } = scene;
  let height = ground === 'none' ? -Infinity : ground === 'plane' ? 0 : fieldHeight(ground, x, y);
  for (const shape of scene.statics) height = Math.max(height, topOf(shape, x, y));
  return height;
}

/**
 * Each cell is two triangles that meet along the diagonal from its lowest corner (least x, least y) to its highest, as in
 * MuJoCo.
 */
function fieldHeight({ nx, ny, size, heights }: HeightField, x: number, y: number): number {
  const u = (x / size[0] + 0.5) * (nx - 1);
  const v = (y / size[1] + 0.5) * (ny - 1);
  if (!(u >= 0 && u <= nx - 1 && v >= 0 && v <= ny - 1)) return -Infinity;
  const i = Math.min(Math.floor(u), nx - 2);
  const j = Math.min(Math.floor(v), ny - 2);
  const [s, t] = [u - i, v - j];
  const at = j * nx + i;
  const h00 = heights[at]!;
  const h11 = heights[at + nx + 1]!;
  const corner = s >= t ? heights[at + 1]! : heights[at + nx]!;
  // Below the diagonal h00 + s (h10 - h00) + t (h11 - h10), above it the same with x and y exchanged.
  return s >= t ? h00 + s * (corner - h00) + t * (h11 - corner) : h00 + t * (corner - h00) + s * (h11 - corner);
}

const inverse = new Float64Array(4);
const origin = new Float64Array(3);
const down = new Float64Array(3);
const DOWN: Vec3 = [0, 0, -1];
let enter = 0;
let leave = 0;

/** Where the line (x, y, -t) enters the shape: the intersection of the line's stretches within each pair of faces. */
function topOf({ geometry, pose }: StaticShape, x: number, y: number): number {
  quatConjugate(pose.quat, inverse);
  origin[0] = x - pose.xyz[0];
  origin[1] = y - pose.xyz[1];
  origin[2] = -pose.xyz[2];
  quatRotate(inverse, origin, origin);
  quatRotate(inverse, DOWN, down);
  enter = -Infinity;
  leave = Infinity;
  switch (geometry.kind) {
    case 'box':
      for (let k = 0; k < 3; k++) between(k, geometry.size[k]! / 2);
      break;
    case 'sphere':
      within(3, geometry.radius);
      break;
    case 'cylinder':
      between(2, geometry.length / 2);
      within(2, geometry.radius);
      break;
  }
  return enter <= leave ? -enter : -Infinity;
}

/** Keep of the line what lies at |coordinate k| <= half. */
function between(k: number, half: number): void {
  const [o, d] = [origin[k]!, down[k]!];
  if (Math.abs(d) < 1e-12) {
    if (Math.abs(o) > half) miss();
    return;
  }
  const [a, b] = [(-half - o) / d, (half - o) / d];
  enter = Math.max(enter, Math.min(a, b));
  leave = Math.min(leave, Math.max(a, b));
}

/** Keep of the line what lies within `radius` of the origin in the first `n` coordinates. */
function within(n: number, radius: number): void {
  // |o + t d|^2 = r^2
  let [dd, od, oo] = [0, 0, -radius * radius];
  for (let k = 0; k < n; k++) {
    dd += down[k]! * down[k]!;
    od += origin[k]! * down[k]!;
    oo += origin[k]! * origin[k]!;
  }
  const root = od * od - dd * oo;
  if (root < 0 || (dd < 1e-20 && oo > 0)) miss();
  if (root < 0 || dd < 1e-20) return;
  enter = Math.max(enter, (-od - Math.sqrt(root)) / dd);
  leave = Math.min(leave, (-od + Math.sqrt(root)) / dd);
}

/** Keep nothing of the line. */
function miss(): void {
  enter = Infinity;
  leave = -Infinity;
}
