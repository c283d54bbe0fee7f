/** Rays against geometry done by hand, and floor plans against brute force. */

import { describe, expect, it } from 'vitest';
import { keyOf, RandomStream } from '../../core/rng.ts';
import { type FloorPlan, isClear, isFree, makeFloorPlan } from '../../sim/floor-plan.ts';
import { PlanarLidar, type PlanarScan } from '../../sim/planar-lidar.ts';
import { AHEAD, ScanPairs, SECTORS } from '../../sim/scan-pairs.ts';

/** One square block, 2 m by 2 m, its middle at (3, 0). */
const BLOCK: FloorPlan = {
  corners: Float64Array.of(2, -1, 4, -1, 4, 1, 2, 1),
  next: Int32Array.of(1, 2, 3, 0),
  starts: Int32Array.of(0, 4),
  glass: Uint8Array.of(0),
  size: [10, 10],
};

function scanOf(beams: number, from: number, step: number): PlanarScan {
  return { from, step, maxRange: 30, ranges: new Float32Array(beams) };
}

describe('PlanarLidar', () => {
  it('meets the near face of a block, along the axis and at 20 degrees, and nothing beside it', () => {
    const scan = scanOf(5, (-40 * Math.PI) / 180, (20 * Math.PI) / 180);
    const lidar = new PlanarLidar();
    lidar.measure(BLOCK, 0, 0, 0, scan);
    // x = 2 at bearing b: 2 / cos b, as long as 2 tan b <= 1, that is b <= 26.6 degrees
    const oblique = 2 / Math.cos((20 * Math.PI) / 180);
    expect([...scan.ranges]).toEqual(
      [30, Math.fround(oblique), 2, Math.fround(oblique), 30].map((r) => expect.closeTo(r, 5)),
    );
    expect([...lidar.hits]).toEqual([-1, 0, 0, 0, -1]);
  });

  it('turns with the heading and sees behind where its sweep goes all round', () => {
    const scan = scanOf(4, -Math.PI, Math.PI / 2);
    new PlanarLidar().measure(BLOCK, 3, 5, Math.PI / 2, scan);
    // Bearings 180, -90, 0, 90 degrees, looking along +y from 4 m above the block's top: it lies behind.
    expect([...scan.ranges]).toEqual([4, 30, 30, 30].map((r) => expect.closeTo(r, 5)));
  });

  it('is as far as the nearest of all segments in a floor plan', () => {
    const random = new RandomStream(keyOf(3));
    const lidar = new PlanarLidar();
    let seen = 0;
    for (let trial = 0; trial < 20; trial++) {
      const plan = makeFloorPlan(random);
      const [x, y] = [random.between(0, plan.size[0]), random.between(0, plan.size[1])];
      if (!isFree(plan, x, y, 0.1)) continue;
      const heading = random.between(-3, 3);
      const scan = scanOf(37, -Math.PI / 2, Math.PI / 36);
      lidar.measure(plan, x, y, heading, scan);
      for (const [k, range] of scan.ranges.entries()) {
        seen++;
        expect(range).toBeCloseTo(nearestSegment(plan, x, y, heading + scan.from + k * scan.step), 4);
      }
    }
    expect(seen).toBeGreaterThan(200);
  });
});

/** Every segment, from either side. */
function nearestSegment({ corners, next }: FloorPlan, x: number, y: number, bearing: number): number {
  const [dx, dy] = [Math.cos(bearing), Math.sin(bearing)];
  let least = 30;
  for (const [i, j] of next.entries()) {
    const [ax, ay] = [corners[2 * i]! - x, corners[2 * i + 1]! - y];
    const [ex, ey] = [corners[2 * j]! - x - ax, corners[2 * j + 1]! - y - ay];
    const across = dx * ey - dy * ex;
    const r = (ax * ey - ay * ex) / across;
    const t = (ax * dy - ay * dx) / across;
    if (r > 0 && t >= 0 && t <= 1) least = Math.min(least, r);
  }
  return least;
}

describe('a floor plan', () => {
  it('has free space outside its blocks alone', () => {
    expect(isFree(BLOCK, 1, 1, 0.5)).toBe(true);
    expect(isFree(BLOCK, 3, 0.5, 0.1)).toBe(false);
    expect(isFree({ ...BLOCK, size: [10, 10] }, 1.6, 0.6, 0.5)).toBe(false);
  });

  it('is clear where no wall is between', () => {
    expect(isClear(BLOCK, 1, 0, 5, 0)).toBe(false);
    expect(isClear(BLOCK, 1, 2, 5, 2)).toBe(true);
    expect(isClear(BLOCK, 1, 0, 1.5, 0)).toBe(true);
  });
});

describe('ScanPairs', () => {
  it('gives the same pair whatever was asked before', () => {
    const one = new ScanPairs(keyOf(5));
    const other = new ScanPairs(keyOf(5));
    for (let i = 0; i < 40; i++) other.pair(i);
    expect(other.pair(17)).toEqual(one.pair(17));
    expect(one.pair(18)).not.toEqual(one.pair(17));
  });

  it('tells the motion: a wall that the first scan sees is where the second sees it', () => {
    const pairs = new ScanPairs(keyOf(7));
    const gaps: number[] = [];
    for (let i = 0; i < 60; i++) {
      const { first, second, motion } = pairs.pair(i);
      gaps.push(gapBetween(first, second, motion));
    }
    // Noise is at most 3 cm and beams up to a degree apart; seen from 1 m aside most things are still seen. The identity
    // in the place of the motion gives 0.2 m.
    const middle = gaps.sort((a, b) => a - b)[30]!;
    expect(middle).toBeLessThan(0.06);
  });

  it('tells what lies ahead and how near', () => {
    const { exact, ahead, clearance } = new ScanPairs(keyOf(9)).scene(3);
    const middle = exact.ranges.length / 2;
    const now = Math.min(exact.ranges[middle]!, exact.ranges[middle - 1]!);
    expect(clearance).toHaveLength(SECTORS);
    expect(clearance[0]).toBe(Math.min(...exact.ranges.subarray(0, 16)));
    expect(now).toBeGreaterThan(AHEAD);
    expect(Math.abs(now - AHEAD - Math.min(ahead.ranges[middle]!, ahead.ranges[middle - 1]!))).toBeLessThan(0.05);
  });
});

/** Median distance from the second scan's points, moved, to the nearest of the first's, m. */
function gapBetween(first: PlanarScan, second: PlanarScan, [x, y, heading]: Float64Array): number {
  const points = (scan: PlanarScan, turn: number) =>
    [...scan.ranges].flatMap((r, k): [number, number][] => {
      const angle = scan.from + k * scan.step + turn;
      return r < scan.maxRange ? [[r * Math.cos(angle), r * Math.sin(angle)]] : [];
    });
  const a = points(first, 0);
  const gaps = points(second, heading!).map(([u, v]) =>
    Math.min(...a.map(([p, q]) => Math.hypot(p - u - x!, q - v - y!))),
  );
  return gaps.sort((p, q) => p - q)[Math.floor(gaps.length / 2)] ?? 0;
}
