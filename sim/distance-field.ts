/**
 * How far a goal is by the way a robot must go, round walls and through doors: Dijkstra's shortest paths (1959) on a grid of
 * eight neighbours. Made once an episode, read at every step: reading allocates nothing. Knows no robot and no engine.
 */

import { clamp } from '../core/math.ts';

export interface DistanceField {
  /** Points along x and y, and the distance between neighbours, m. */
  readonly nx: number;
  readonly ny: number;
  readonly cell: number;
  /** Where the first point is in the world, m. */
  readonly origin: readonly [x: number, y: number];
  /** m of free way (dearer ground counts more), x fastest: [ny * nx]. */
  readonly values: Float32Array;
}

/** Steps to the eight neighbours. */
const STEPS = [
  [1, 0],
  [0, 1],
  [-1, 0],
  [0, -1],
  [1, 1],
  [-1, 1],
  [-1, -1],
  [1, -1],
] as const;

/**
 * @param cost of a metre at each grid point, 1 or more, [ny * nx] @param goal world, m
 * @param place of the grid: `nx`, `ny`, `cell` and `origin` as in the field
 */
export function distanceField(
  place: Omit<DistanceField, 'values'>,
  cost: Float32Array,
  goal: readonly [number, number],
): DistanceField {
  const { nx, ny, cell, origin } = place;
  const values = new Float32Array(nx * ny).fill(Infinity);
  const column = Math.round(clamp((goal[0] - origin[0]) / cell, 0, nx - 1));
  const row = Math.round(clamp((goal[1] - origin[1]) / cell, 0, ny - 1));
  const queue = new Heap(nx * ny * 8 + 1);
  values[row * nx + column] = 0;
  queue.push(0, row * nx + column);
  for (let at = queue.pop(); at >= 0; at = queue.pop()) {
    const from = values[at]!;
    // An older, longer way to a point that has been passed.
    if (queue.lastKey > from) continue;
    const [x, y] = [at % nx, Math.floor(at / nx)];
    for (const [dx, dy] of STEPS) {
      const [u, v] = [x + dx, y + dy];
      if (u < 0 || v < 0 || u >= nx || v >= ny) continue;
      const next = v * nx + u;
      const length = dx !== 0 && dy !== 0 ? Math.SQRT2 * cell : cell;
      // Rounded as it is kept, so that the comparison above means what it says.
      const through = Math.fround(from + (length * (cost[at]! + cost[next]!)) / 2);
      if (through >= values[next]!) continue;
      values[next] = through;
      queue.push(through, next);
    }
  }
  return { ...place, values };
}

/** Straight between the four points around (x, y), m; beyond the edge as at the edge. Allocates nothing. */
export function distanceAt({ nx, ny, cell, origin, values }: DistanceField, x: number, y: number): number {
  const u = clamp((x - origin[0]) / cell, 0, nx - 1.001);
  const v = clamp((y - origin[1]) / cell, 0, ny - 1.001);
  const i = Math.floor(u);
  const j = Math.floor(v);
  const at = j * nx + i;
  const a = u - i;
  const b = v - j;
  const low = (1 - a) * values[at]! + a * values[at + 1]!;
  const high = (1 - a) * values[at + nx]! + a * values[at + nx + 1]!;
  return (1 - b) * low + b * high;
}

/** Points by distance, nearest first. */
class Heap {
  /** Of the point last popped, m. */
  lastKey = 0;
  readonly #keys: Float32Array;
  readonly #points: Int32Array;
  #count = 0;

  constructor(capacity: number) {
    this.#keys = new Float32Array(capacity);
    this.#points = new Int32Array(capacity);
  }

  push(key: number, point: number): void {
    let at = this.#count++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#keys[parent]! <= key) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#keys[at] = key;
    this.#points[at] = point;
  }

  /** @returns -1 when empty */
  pop(): number {
    if (this.#count === 0) return -1;
    const first = this.#points[0]!;
    this.lastKey = this.#keys[0]!;
    const last = --this.#count;
    const key = this.#keys[last]!;
    const point = this.#points[last]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= last) break;
      if (child + 1 < last && this.#keys[child + 1]! < this.#keys[child]!) child++;
      if (this.#keys[child]! >= key) break;
      this.#move(child, at);
      at = child;
    }
    this.#keys[at] = key;
    this.#points[at] = point;
    return first;
  }

  #move(from: number, to: number): void {
    this.#keys[to] = this.#keys[from]!;
    this.#points[to] = this.#points[from]!;
  }
}
