/**
 * A laser's scan as an encoder sees it: brought onto a fixed grid of bearings whatever the laser's resolution and field of
 * view, and each beam as eight numbers. The same on simulated and on real scans. Knows no network.
 */

import { clamp, cos, log, sin } from '../../core/math.ts';
import type { PlanarScan } from '../../sim/planar-lidar.ts';

/** Beams of the encoder's grid: bearings (k + 1/2) fov / beams - fov / 2, counter-clockwise. */
export interface BeamGrid {
  readonly beams: number;
  /** rad; 2 pi for a laser that sees all round */
  readonly fov: number;
}

/** Half the plane, ahead. */
export const HALF_PLANE: BeamGrid = { beams: 192, fov: Math.PI };

/** Numbers a beam. */
export const SCAN_CHANNELS = 8;

/** A beam that came back from farther, m, is taken for one that did not: indoors, few real ones do. */
const FAR = 30;

/** Two neighbours that differ by more, m and share of the range, lie on two things: nothing is between them. */
const STEP = 0.1;
const STEP_SHARE = 0.05;

/** Ranges on the grid: between two beams on one surface, else the nearer in bearing. @param out m, 0 for no return, [beams] */
export function resample({ from, step, maxRange, ranges }: PlanarScan, grid: BeamGrid, out: Float32Array): void {
  const width = grid.fov / grid.beams;
  const far = Math.min(FAR, maxRange);
  const last = ranges.length - 1;
  for (let k = 0; k < grid.beams; k++) {
    const u = ((k + 0.5) * width - grid.fov / 2 - from) / step;
    if (u < -0.75 || u > last + 0.75) {
      out[k] = 0;
      continue;
    }
    const i = clamp(Math.floor(u), 0, Math.max(0, last - 1));
    const [low, high] = [ranges[i]!, ranges[Math.min(i + 1, last)]!];
    const share = clamp(u - i, 0, 1);
    const isSmooth = low < far && high < far && Math.abs(high - low) < STEP + STEP_SHARE * low;
    const range = isSmooth ? low + share * (high - low) : share < 0.5 ? low : high;
    out[k] = range < far ? range : 0;
  }
}

const directions = new Map<BeamGrid, Float32Array>();

function directionsOf(grid: BeamGrid): Float32Array {
  let found = directions.get(grid);
  if (found === undefined) {
    found = new Float32Array(2 * grid.beams);
    for (let k = 0; k < grid.beams; k++) {
      const bearing = ((k + 0.5) * grid.fov) / grid.beams - grid.fov / 2;
      found.set([cos(bearing), sin(bearing)], 2 * k);
    }
    directions.set(grid, found);
  }
  return found;
}

/**
 * Each beam's numbers, all about 1 and without a unit: range, nearness, whether it came back, where it ended, where it points,
 * logarithm of the range. @param ranges of `resample` @param out [beams, SCAN_CHANNELS]
 */
export function scanFeatures(ranges: Float32Array, grid: BeamGrid, out: Float32Array): void {
  const toward = directionsOf(grid);
  for (let k = 0; k < grid.beams; k++) {
    const r = ranges[k]!;
    const seen = r > 0 ? 1 : 0;
    const near = Math.min(r, 20) / 5;
    const [c, s] = [toward[2 * k]!, toward[2 * k + 1]!];
    const at = SCAN_CHANNELS * k;
    out[at] = near;
    out[at + 1] = seen / (0.5 + r);
    out[at + 2] = seen;
    out[at + 3] = near * c;
    out[at + 4] = near * s;
    out[at + 5] = c;
    out[at + 6] = s;
    out[at + 7] = logRange(r);
  }
}

/** log(1 + r) */
export function logRange(r: number): number {
  return r > 0 ? log(1 + r) : 0;
}
