/**
 * The classical rival: iterative closest point with the distance to the line (Censi 2008; Chen & Medioni 1992), from the identity.
 * Nearest neighbours by search, the worst fifth left out. Knows no learning.
 */

import { atan2, cos, sin } from '../../core/math.ts';
import type { PlanarScan } from '../../sim/planar-lidar.ts';

const ITERATIONS = 30;
/** Farther apart, m, two points are not the same. */
const GATE = 1;
/** Share of the matches that is kept. */
const KEPT = 0.8;
/** Neighbours farther apart, m, make no line. */
const LINE = 0.4;
const FAR = 30;

interface Points {
  readonly x: Float64Array;
  readonly y: Float64Array;
}

/** Pose of the second scan in the first's frame from `start`: m, m, rad. */
export function icp(
  first: PlanarScan,
  second: PlanarScan,
  start: readonly [number, number, number] = [0, 0, 0],
): [number, number, number] {
  const a = pointsOf(first);
  const b = pointsOf(second);
  const count = b.x.length;
  const match = new Int32Array(count);
  const distance = new Float64Array(count);
  let [x, y, heading] = start;
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    const [c, s] = [cos(heading), sin(heading)];
    for (let i = 0; i < count; i++) {
      const [px, py] = [c * b.x[i]! - s * b.y[i]! + x, s * b.x[i]! + c * b.y[i]! + y];
      let best = Infinity;
      for (let j = 0; j < a.x.length; j++) {
        const d = (a.x[j]! - px) ** 2 + (a.y[j]! - py) ** 2;
        if (d < best) {
          best = d;
          match[i] = j;
        }
      }
      distance[i] = best;
    }
    const limit = Math.min(GATE * GATE, distance.slice().sort()[Math.floor(KEPT * (count - 1))] ?? 0);
    // Least squares of n . (R(q + dq) b + t + dt - a), in dx, dy, dq.
    const h = new Float64Array(9);
    const g = new Float64Array(3);
    for (let i = 0; i < count; i++) {
      if (distance[i]! > limit) continue;
      const j = match[i]!;
      const k = j + 1 < a.x.length ? j + 1 : j - 1;
      const [ex, ey] = [a.x[k]! - a.x[j]!, a.y[k]! - a.y[j]!];
      const length = Math.hypot(ex, ey);
      if (length === 0 || length > LINE) continue;
      const [nx, ny] = [-ey / length, ex / length];
      const [rx, ry] = [c * b.x[i]! - s * b.y[i]!, s * b.x[i]! + c * b.y[i]!];
      const error = nx * (rx + x - a.x[j]!) + ny * (ry + y - a.y[j]!);
      const row = [nx, ny, -nx * ry + ny * rx];
      for (let r = 0; r < 3; r++) {
        g[r] = g[r]! - row[r]! * error;
        for (let q = 0; q < 3; q++) h[3 * r + q] = h[3 * r + q]! + row[r]! * row[q]!;
      }
    }
    // A corridor gives no hold along itself: a little damping keeps the step finite.
    for (let r = 0; r < 3; r++) h[4 * r] = h[4 * r]! + 1e-3;
    const [dx, dy, dq] = solve3(h, g);
    x += dx;
    y += dy;
    heading += dq;
    if (Math.abs(dx) + Math.abs(dy) + Math.abs(dq) < 1e-5) break;
  }
  return [x, y, atan2(sin(heading), cos(heading))];
}

function pointsOf({ from, step, maxRange, ranges }: PlanarScan): Points {
  const far = Math.min(FAR, maxRange);
  const seen = [...ranges.keys()].filter((k) => ranges[k]! > 0 && ranges[k]! < far);
  return {
    x: Float64Array.from(seen, (k) => ranges[k]! * cos(from + k * step)),
    y: Float64Array.from(seen, (k) => ranges[k]! * sin(from + k * step)),
  };
}

/** h x = g for a symmetric positive h, by Cramer's rule. */
function solve3(h: Float64Array, g: Float64Array): [number, number, number] {
  const [a, b, c, , e, f, , , i] = h as unknown as number[] as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const [p, q, r] = g as unknown as [number, number, number];
  const [c0, c1, c2] = [e * i - f * f, c * f - b * i, b * f - c * e];
  const det = a * c0 + b * c1 + c * c2;
  const [d1, d2, d3] = [a * i - c * c, b * c - a * f, a * e - b * b];
  return [(c0 * p + c1 * q + c2 * r) / det, (c1 * p + d1 * q + d2 * r) / det, (c2 * p + d2 * q + d3 * r) / det];
}
