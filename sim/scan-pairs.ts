/**
 * Endless pairs of simulated scans less than a metre apart, with what only a simulator knows of them: the motion between the
 * two; or single scans with the exact one, the one a little further ahead and the clearance by sector. Pair i follows from (key, i) alone.
 * Each pair has a laser of its own: resolution, field of view, range, noise, steps, lost beams. Knows no network.
 */

import { clamp, cos, sin } from '../core/math.ts';
import { foldIn, type Key, RandomStream } from '../core/rng.ts';
import { type FloorPlan, isClear, isFree, makeFloorPlan } from './floor-plan.ts';
import { PlanarLidar, type PlanarScan } from './planar-lidar.ts';

/** Of a pair, m and rad: a little more than the pairs of real logs that are asked about. */
export const PAIR_LIMITS = { distance: 1.05, turn: 0.65 } as const;
/** Sectors of `clearance`, from right to left over the half plane ahead. */
export const SECTORS = 12;
/** How far ahead `ahead` is seen from, m. */
export const AHEAD = 0.4;
/** Beams of the exact scans, over the half plane ahead. */
export const EXACT_BEAMS = 192;
/** The farthest that exact scans see, m. */
export const EXACT_RANGE = 20;
/** Pairs in one floor plan. */
const PAIRS_A_PLAN = 16;
/** From the robot's middle to the nearest wall, m. */
const MARGIN = 0.22;

export interface ScanPair {
  readonly first: PlanarScan;
  readonly second: PlanarScan;
  /** Pose of the second in the first's frame: x, y, m, and heading, rad, [3]. */
  readonly motion: Float64Array;
}

/** One scan, and what a simulator knows around it besides any motion. */
export interface ScanScene {
  readonly scan: PlanarScan;
  /** What a perfect laser sees from there, and from `AHEAD` m ahead (a wall may be between), m, [EXACT_BEAMS]. */
  readonly exact: PlanarScan;
  readonly ahead: PlanarScan;
  /** Least exact range in each sector, m, [SECTORS]. */
  readonly clearance: Float64Array;
}

interface Laser {
  readonly beams: number;
  readonly from: number;
  readonly step: number;
  readonly maxRange: number;
  readonly noise: number;
  readonly quantum: number;
  readonly dropout: number;
}

export class ScanPairs {
  readonly #key: Key;
  readonly #random = new RandomStream([0, 0]);
  readonly #lidar = new PlanarLidar();
  #plan: FloorPlan | null = null;
  #planIndex = -1;
  #normals = new Float64Array(0);

  constructor(key: Key) {
    this.#key = key;
  }

  pair(index: number): ScanPair {
    const plan = this.#begin(index);
    const { x, y, heading, motion } = drawPoses(this.#random, plan);
    const laser = drawLaser(this.#random);
    const [c, s] = [cos(heading), sin(heading)];
    const [bx, by] = [x + c * motion[0]! - s * motion[1]!, y + s * motion[0]! + c * motion[1]!];
    return {
      first: this.#scan(plan, x, y, heading, laser),
      second: this.#scan(plan, bx, by, heading + motion[2]!, laser),
      motion,
    };
  }

  /** The first scan of the same pair. */
  scene(index: number): ScanScene {
    const plan = this.#begin(index);
    const { x, y, heading } = drawPoses(this.#random, plan);
    const scan = this.#scan(plan, x, y, heading, drawLaser(this.#random));
    const [exact, ahead] = [perfectScan(), perfectScan()];
    this.#lidar.measure(plan, x, y, heading, exact);
    this.#lidar.measure(plan, x + AHEAD * cos(heading), y + AHEAD * sin(heading), heading, ahead);
    return { scan, exact, ahead, clearance: clearanceOf(exact) };
  }

  #begin(index: number): FloorPlan {
    const planIndex = Math.floor(index / PAIRS_A_PLAN);
    const random = this.#random;
    if (this.#planIndex !== planIndex) {
      random.reset(foldIn(foldIn(this.#key, 0), planIndex));
      this.#plan = makeFloorPlan(random);
      this.#planIndex = planIndex;
    }
    random.reset(foldIn(foldIn(this.#key, 1), index));
    return this.#plan!;
  }

  #scan(plan: FloorPlan, x: number, y: number, heading: number, laser: Laser): PlanarScan {
    const { beams, from, step, maxRange, noise, quantum, dropout } = laser;
    const random = this.#random;
    const scan = { from, step, maxRange, ranges: new Float32Array(beams) };
    this.#lidar.measure(plan, x, y, heading, scan);
    if (this.#normals.length < beams) this.#normals = new Float64Array(beams);
    const normals = this.#normals;
    random.normals(normals, beams);
    for (let k = 0; k < beams; k++) {
      const hit = this.#lidar.hits[k]!;
      const exact = scan.ranges[k]!;
      if (hit < 0 || exact >= maxRange) continue;
      // A normal's tail stands for the share of lost beams: no second draw.
      const lost = normals[(k + 7) % beams]! > dropout || plan.glass[hit] === 1;
      const noisy = exact + noise * normals[k]! * (1 + 0.1 * exact);
      scan.ranges[k] = lost ? maxRange : clamp(Math.round(noisy / quantum) * quantum, 0.02, maxRange);
    }
    return scan;
  }
}

interface Poses {
  readonly x: number;
  readonly y: number;
  readonly heading: number;
  readonly motion: Float64Array;
}

function drawPoses(random: RandomStream, plan: FloorPlan): Poses {
  for (let tries = 0; ; tries++) {
    // A plan so full that nobody fits in is looked at from nearer and nearer its walls.
    const margin = tries < 300 ? MARGIN : MARGIN / (tries - 298);
    const x = random.between(0, plan.size[0]);
    const y = random.between(0, plan.size[1]);
    const heading = random.between(-Math.PI, Math.PI);
    const ahead = random.uniform();
    const way = random.normal();
    const share = random.uniform();
    const turn = random.between(-PAIR_LIMITS.turn, PAIR_LIMITS.turn);
    if (!isFree(plan, x, y, margin)) continue;
    // Robots mostly drive ahead, sometimes back; the rest in every direction.
    const direction = ahead < 0.4 ? 0.25 * way : ahead < 0.6 ? Math.PI + 0.25 * way : 2.5 * way;
    const distance = PAIR_LIMITS.distance * Math.sqrt(share);
    const [mx, my] = [distance * cos(direction), distance * sin(direction)];
    const [c, s] = [cos(heading), sin(heading)];
    const [bx, by] = [x + c * mx - s * my, y + s * mx + c * my];
    if (!isFree(plan, bx, by, margin) || !isClear(plan, x, y, bx, by)) continue;
    return { x, y, heading, motion: Float64Array.of(mx, my, turn) };
  }
}

function drawLaser(random: RandomStream): Laser {
  const beams = [180, 181, 360, 361, 270, 241][random.below(6)]!;
  const fov = random.uniform() < 0.8 ? Math.PI : random.between(2.4, Math.PI);
  const step = fov / (beams % 10 === 1 ? beams - 1 : beams);
  return {
    beams,
    step,
    from: -fov / 2,
    maxRange: [8, 15, 30, 50, 80][random.below(5)]!,
    noise: random.between(0.002, 0.03),
    quantum: [0.001, 0.01, 0.05][random.below(3)]!,
    // Standard deviations beyond which a beam is lost: none to 5%.
    dropout: random.uniform() < 0.5 ? 10 : random.between(1.65, 3.5),
  };
}

function perfectScan(): PlanarScan {
  const step = Math.PI / EXACT_BEAMS;
  return { from: step / 2 - Math.PI / 2, step, maxRange: EXACT_RANGE, ranges: new Float32Array(EXACT_BEAMS) };
}

/** Least range in each sector. */
export function clearanceOf({ ranges }: PlanarScan): Float64Array {
  const width = ranges.length / SECTORS;
  return Float64Array.from({ length: SECTORS }, (_, k) => Math.min(...ranges.subarray(k * width, (k + 1) * width)));
}
