/**
 * Pairs of real scans less than a metre apart, with the motion between them from the log's corrected poses, building by building.
 * Which pairs an arm may learn from, and how a pair is seen from its other end and in a mirror. Knows no network.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../core/errors.ts';
import { cos, sin, wrapAngle } from '../../core/math.ts';
import { foldIn, keyOf, RandomStream } from '../../core/rng.ts';
import { featuresOf } from '../../loop/pretraining.ts';
import type { PairSample } from '../../policy/perception/pair-trainer.ts';
import type { PlanarScan } from '../../sim/planar-lidar.ts';
import { type LoggedScan, readCarmen } from './carmen.ts';

export const BUILDINGS = ['intel', 'csail', 'edmonton', 'freiburg-101'] as const;
export type Building = (typeof BUILDINGS)[number];

/** Pairs that are asked about: nearer than this, m, and turned by less, rad. */
const NEAR = 1;
const TURNED = 0.6;

export interface RealPair {
  readonly first: PlanarScan;
  readonly second: PlanarScan;
  /** Pose of the second in the first's frame: m, m, rad. */
  readonly motion: readonly [x: number, y: number, heading: number];
}

export interface BuildingPairs {
  readonly building: Building;
  readonly pairs: readonly RealPair[];
  /** Each pair as logged, then each from its other end, [2 pairs]. */
  readonly samples: readonly PairSample[];
  /** The same in a mirror. */
  readonly mirrored: readonly PairSample[];
}

/** Where the logs lie, from the repository's root. */
export const LIDAR_LOGS = '../shared/data/lidar';

export function haveLogs(folder: string = LIDAR_LOGS): boolean {
  return BUILDINGS.every((building) => existsSync(join(folder, `${building}.log.gz`)));
}

/** @throws InputError where the logs are not there */
export async function realPairs(folder: string = LIDAR_LOGS): Promise<BuildingPairs[]> {
  if (!haveLogs(folder)) {
    throw new InputError(`the lidar logs are not in ${folder}`, {
      repair: `put ${BUILDINGS.map((name) => `${name}.log.gz`).join(', ')} there`,
    });
  }
  return await Promise.all(
    BUILDINGS.map(async (building) => pairsOf(building, await readCarmen(join(folder, `${building}.log.gz`)))),
  );
}

export function pairsOf(building: Building, scans: readonly LoggedScan[]): BuildingPairs {
  const pairs: RealPair[] = [];
  for (const [i, a] of scans.entries()) {
    for (const b of scans.slice(i + 1)) {
      const motion = motionBetween(a.pose, b.pose);
      if (Math.hypot(motion[0], motion[1]) < NEAR && Math.abs(motion[2]) < TURNED)
        pairs.push({ first: a.scan, second: b.scan, motion });
    }
  }
  const both = [...pairs, ...pairs.map(swapped)];
  // A scan is in many pairs.
  const features = remembered(featuresOf);
  const flip = remembered(flipped);
  const sample = ({ first, second, motion }: RealPair): PairSample => ({
    first: features(first),
    second: features(second),
    label: motion,
  });
  const images = both.map((pair) => mirrored(pair, flip));
  return { building, pairs, samples: both.map(sample), mirrored: images.map(sample) };
}

function remembered<T>(make: (scan: PlanarScan) => T): (scan: PlanarScan) => T {
  const known = new Map<PlanarScan, T>();
  return (scan) => {
    const found = known.get(scan) ?? make(scan);
    known.set(scan, found);
    return found;
  };
}

/** T = A^-1 B in the plane. */
export function motionBetween(a: LoggedScan['pose'], b: LoggedScan['pose']): RealPair['motion'] {
  const [c, s] = [cos(a[2]), sin(a[2])];
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  return [c * dx + s * dy, c * dy - s * dx, wrapAngle(b[2] - a[2])];
}

/** Seen from the other end. */
export function swapped({ first, second, motion }: RealPair): RealPair {
  return { first: second, second: first, motion: inverse(motion) };
}

/** T^-1 */
export function inverse([x, y, heading]: RealPair['motion']): RealPair['motion'] {
  const [c, s] = [cos(heading), sin(heading)];
  return [-(c * x + s * y), s * x - c * y, -heading];
}

/** Left for right. */
export function mirrored({ first, second, motion: [x, y, heading] }: RealPair, flip = flipped): RealPair {
  return { first: flip(first), second: flip(second), motion: [x, -y, -heading] };
}

function flipped(scan: PlanarScan): PlanarScan {
  const from = -(scan.from + (scan.ranges.length - 1) * scan.step);
  return { ...scan, from, ranges: scan.ranges.slice().reverse() };
}

/**
 * N pairs of the other buildings, as many of each, drawn by a key; each as logged, from its other end, and both in a mirror.
 * @returns groups of four samples, one group a pair
 */
export function drawPairs(
  all: readonly BuildingPairs[],
  heldOut: Building,
  count: number,
  draw: number,
): PairSample[][] {
  const others = all.filter(({ building }) => building !== heldOut);
  const orders = others.map(({ building, pairs }) => {
    const order = new Int32Array(pairs.length);
    new RandomStream(foldIn(keyOf(draw), BUILDINGS.indexOf(building))).permutation(order);
    return order;
  });
  // Round and round the buildings; one that has no more is passed over.
  const groups: PairSample[][] = [];
  for (let round = 0; groups.length < count; round++) {
    let left = false;
    for (const [b, { pairs, samples, mirrored: mirror }] of others.entries()) {
      const at = orders[b]![round];
      if (at === undefined || groups.length === count) continue;
      left = true;
      groups.push([samples[at]!, samples[at + pairs.length]!, mirror[at]!, mirror[at + pairs.length]!]);
    }
    if (!left) break;
  }
  return groups;
}
