/**
 * Drives through known rooms: down the field of distances to the goal to a point ahead, and towards that point by pure pursuit
 * (Coulter, 1992). Sees the map and the true pose. Knows no engine.
 */

import { atan2, clamp, cos, sin, wrapAngle } from '../../core/math.ts';
import { type DistanceField, distanceAt } from '../distance-field.ts';
import { roomsOf } from '../rooms.ts';
import type { StepView } from '../task.ts';

/** How far ahead it looks, m, and in which steps. */
const AHEAD = 0.25;
const STRIDE = 0.05;
const DIRECTIONS = 16;
/** Turns on the spot when the point is further round than this, rad. */
const ROUND = 0.8;
/** Stops within this of the goal, m. */
const DONE = 0.05;

export interface Drive {
  /** What actions of 1 stand for, m/s and rad/s. */
  readonly speed: number;
  readonly turn: number;
}

export function navLidarReference({ speed, turn }: Drive): (view: StepView, action: Float32Array) => void {
  const point = new Float64Array(2);
  return ({ state, command, scene }, action) => {
    const { base } = state;
    const gx = command[0]! - base[0]!;
    const gy = command[1]! - base[1]!;
    action.fill(0);
    if (gx * gx + gy * gy < DONE * DONE) return;
    walkDown(roomsOf(scene).way, base[0]!, base[1]!, command, point);
    const dx = point[0]! - base[0]!;
    const dy = point[1]! - base[1]!;
    const [x, y, z, w] = [base[3]!, base[4]!, base[5]!, base[6]!];
    const heading = atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z));
    const off = wrapAngle(atan2(dy, dx) - heading);
    const distance = Math.sqrt(dx * dx + dy * dy);
    const v = Math.abs(off) > ROUND ? 0 : speed * clamp(distance / (2 * DONE), 0, 1);
    // curvature = 2 sin(off) / distance; near enough 2 off / distance
    const rate = v === 0 ? 2 * off : (2 * off * v) / Math.max(distance, DONE);
    action[0] = v / speed;
    action[1] = clamp(rate / turn, -1, 1);
  };
}

/** Where the field's steepest way leads from (x, y) over the distance looked ahead; the goal when it is nearer. */
function walkDown(way: DistanceField, x: number, y: number, goal: ArrayLike<number>, out: Float64Array): void {
  out[0] = x;
  out[1] = y;
  for (let walked = 0; walked < AHEAD; walked += STRIDE) {
    const gx = goal[0]! - out[0]!;
    const gy = goal[1]! - out[1]!;
    if (gx * gx + gy * gy < 4 * STRIDE * STRIDE) {
      out[0] = goal[0]!;
      out[1] = goal[1]!;
      return;
    }
    let best = Infinity;
    let bestX: number = out[0]!;
    let bestY: number = out[1]!;
    for (let k = 0; k < DIRECTIONS; k++) {
      const u = out[0]! + STRIDE * COMPASS[2 * k]!;
      const v = out[1]! + STRIDE * COMPASS[2 * k + 1]!;
      const value = distanceAt(way, u, v);
      if (value >= best) continue;
      best = value;
      bestX = u;
      bestY = v;
    }
    out[0] = bestX;
    out[1] = bestY;
  }
}

/** Unit vectors all round, x, y. */
const COMPASS = Float64Array.from({ length: 2 * DIRECTIONS }, (_, k) => {
  const angle = (Math.PI * (k - (k % 2))) / DIRECTIONS;
  return k % 2 === 0 ? cos(angle) : sin(angle);
});
