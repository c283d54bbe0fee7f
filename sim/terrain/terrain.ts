/**
 * Ground to walk on, as scenes: flat, rough, slopes, stairs, obstacles. One tile around the world's origin, where the robot
 * starts on a flat patch; sizes as legged_gym's (Rudin et al., CoRL 2021). Equal streams give the same tile at every
 * difficulty, only lower or higher. Knows no engine.
 *
 * Smooth ground is a height field. Stairs and obstacles are boxes, because a field cannot have an upright riser: it leans over
 * one cell. Boxes never lie beside one another with their tops at one height: in Rapier a ball that rolls over such a seam
 * hits the second box's edge and bounces back.
 */

import type { RandomStream } from '../../core/rng.ts';
import { IDENTITY_QUAT } from '../../core/rotation.ts';
import { FLOOR, type HeightField, type Scene, type StaticShape } from '../scene.ts';

/** `stairs-up` and `slope-up` rise from the middle outwards, `-down` fall from it. */
export const TERRAIN_KINDS = [
  'flat',
  'rough',
  'slope-up',
  'slope-down',
  'stairs-up',
  'stairs-down',
  'obstacles',
] as const;
export type TerrainKind = (typeof TERRAIN_KINDS)[number];

/** Side of a tile, m. Beyond it there is the plane z = 0 or nothing: end an episode before. */
export const TILE = 8;
/** Half the side of the square around the origin that is flat on every tile, m. */
export const SPAWN_HALF = 0.5;
/** The same of the platform in the middle of slopes, stairs and obstacles, m. */
const PLATFORM_HALF = 1.5;
/** Distance of a field's points, m. */
const CELL = 0.1;

/** At difficulty 1. Noise, m: +-; slope: rise over run; step and obstacle, m. */
export const HARDEST = { noise: 0.05, slope: 0.4, step: 0.2, obstacle: 0.25 } as const;
const EASIEST = { step: 0.05, obstacle: 0.05 } as const;
/** Distance of the random heights of rough ground, in cells; its points between lie on straight lines. */
const NOISE_CELLS = 2;
/** Depth of a stair, m. */
const TREAD = 0.31;
/** Places tried; about a quarter are free. */
const OBSTACLE_ATTEMPTS = 60;
/** Between obstacles, m. */
const GAP = 0.05;

/** Centre and sides. */
interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly a: number;
  readonly b: number;
}

/**
 * @param difficulty 0 to 1
 * @param random of this tile; consumed alike at every difficulty
 */
export function makeTerrain(kind: TerrainKind, difficulty: number, random: RandomStream): Scene {
  switch (kind) {
    case 'flat':
      return FLOOR;
    case 'rough':
      return ground(roughField(HARDEST.noise * difficulty, random));
    case 'slope-up':
      return ground(slopeField(HARDEST.slope * difficulty));
    case 'slope-down':
      return ground(slopeField(-HARDEST.slope * difficulty));
    case 'stairs-up':
      return floorWith(stairsUp(between(EASIEST.step, HARDEST.step, difficulty)));
    case 'stairs-down':
      return floorWith(stairsDown(between(EASIEST.step, HARDEST.step, difficulty)));
    case 'obstacles':
      return floorWith(obstacles(between(EASIEST.obstacle, HARDEST.obstacle, difficulty), random));
  }
}

function ground(field: HeightField): Scene {
  return { ground: field, statics: [], objects: [] };
}

function floorWith(statics: StaticShape[]): Scene {
  return { ground: 'plane', statics, objects: [] };
}

function between(easiest: number, hardest: number, difficulty: number): number {
  return easiest + difficulty * (hardest - easiest);
}

/** A field of the whole tile. @param height of a point, m; i, j its numbers along x and y */
function makeField(height: (x: number, y: number, i: number, j: number) => number): HeightField {
  const n = Math.round(TILE / CELL) + 1;
  const heights = new Float32Array(n * n);
  for (let j = 0; j < n; j++) {
    for (let i = 0; i < n; i++) heights[j * n + i] = height(i * CELL - TILE / 2, j * CELL - TILE / 2, i, j);
  }
  return { nx: n, ny: n, size: [TILE, TILE], heights };
}

/** Uniform heights in +-amplitude on a coarse grid, bilinear between; 0 at the start. */
function roughField(amplitude: number, random: RandomStream): HeightField {
  const n = Math.round(TILE / CELL / NOISE_CELLS) + 1;
  const coarse = Float64Array.from({ length: n * n }, () => random.between(-1, 1));
  return makeField((x, y, i, j) => {
    if (Math.max(Math.abs(x), Math.abs(y)) <= SPAWN_HALF + CELL / 2) return 0;
    const a = Math.min(Math.floor(i / NOISE_CELLS), n - 2);
    const b = Math.min(Math.floor(j / NOISE_CELLS), n - 2);
    const [s, t] = [i / NOISE_CELLS - a, j / NOISE_CELLS - b];
    const at = b * n + a;
    const near = coarse[at]! + s * (coarse[at + 1]! - coarse[at]!);
    const far = coarse[at + n]! + s * (coarse[at + n + 1]! - coarse[at + n]!);
    return amplitude * (near + t * (far - near));
  });
}

/** A pyramid with a flat top, or the pit that is its negative. @param slope rise over run outwards */
function slopeField(slope: number): HeightField {
  return makeField((x, y) => slope * Math.max(0, Math.max(Math.abs(x), Math.abs(y)) - PLATFORM_HALF));
}

/**
 * Four flights around the start, each step reaching to the tile's edge under the next. The flights along y begin with half a
 * step, so that where two meet in a corner their tops differ.
 */
function stairsUp(step: number): StaticShape[] {
  const shapes: StaticShape[] = [];
  for (let k = 1; k <= stepCount(); k++) {
    const inner = PLATFORM_HALF + (k - 1) * TREAD;
    const [middle, depth] = [(inner + TILE / 2) / 2, TILE / 2 - inner];
    for (const side of [-1, 1]) {
      shapes.push(box(side * middle, 0, depth, TILE, k * step));
      shapes.push(box(0, side * middle, TILE, depth, (k - 0.5) * step));
    }
  }
  return shapes;
}

/** A stepped pyramid with the start on top: squares one on the other, the lowest a tread from the tile's edge. */
function stairsDown(step: number): StaticShape[] {
  const steps = stepCount();
  return Array.from({ length: steps }, (_, k) => {
    const side = 2 * (PLATFORM_HALF + (steps - 1 - k) * TREAD);
    return box(0, 0, side, side, (k + 1) * step);
  });
}

/** Steps between the platform and the tile's edge. */
function stepCount(): number {
  return Math.floor((TILE / 2 - PLATFORM_HALF) / TREAD);
}

/** Boxes of 0.5 to 1.5 m a side and half or the whole height that touch neither the platform nor one another. */
function obstacles(height: number, random: RandomStream): StaticShape[] {
  const taken: Rectangle[] = [{ x: 0, y: 0, a: 2 * PLATFORM_HALF, b: 2 * PLATFORM_HALF }];
  const shapes: StaticShape[] = [];
  for (let attempt = 0; attempt < OBSTACLE_ATTEMPTS; attempt++) {
    const [a, b] = [random.between(0.5, 1.5), random.between(0.5, 1.5)];
    const x = random.between(-1, 1) * (TILE / 2 - a / 2);
    const y = random.between(-1, 1) * (TILE / 2 - b / 2);
    const tall = random.below(2) === 0 ? height / 2 : height;
    const overlaps = (other: Rectangle) =>
      Math.abs(x - other.x) < (a + other.a) / 2 + GAP && Math.abs(y - other.y) < (b + other.b) / 2 + GAP;
    if (taken.some(overlaps)) continue;
    taken.push({ x, y, a, b });
    shapes.push(box(x, y, a, b, tall));
  }
  return shapes;
}

/** A box that stands on z = 0. */
function box(x: number, y: number, width: number, depth: number, height: number): StaticShape {
  return {
    geometry: { kind: 'box', size: [width, depth, height] },
    pose: { xyz: [x, y, height / 2], quat: IDENTITY_QUAT },
  };
}
