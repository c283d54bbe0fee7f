/**
 * Floor plans in two dimensions, drawn from a key: rooms and corridors by splitting a rectangle, walls of some thickness with
 * doors in them, pillars, furniture, legs of people and chairs, panes of glass. Closed convex polygons and nothing else, so
 * that a ray meets segments and a point is inside or not. For training perception; `rooms.ts` makes what a robot drives in.
 */

import { cos, sin } from '../core/math.ts';
import type { RandomStream } from '../core/rng.ts';

export interface FloorPlan {
  /** Corners, m: [corners, 2], those of a polygon in order, counter-clockwise. */
  readonly corners: Float64Array;
  /** Of the corner that ends the segment which starts here, [corners]. */
  readonly next: Int32Array;
  /** First corner of each polygon, and the number of corners: [polygons + 1]. */
  readonly starts: Int32Array;
  /** 1 for polygons of glass, which a laser may not see, [polygons]. */
  readonly glass: Uint8Array;
  /** Extent, m, from the origin. */
  readonly size: readonly [x: number, y: number];
}

type Polygon = readonly (readonly [x: number, y: number])[];
type Rectangle = readonly [left: number, bottom: number, right: number, top: number];

export function makeFloorPlan(random: RandomStream): FloorPlan {
  // Flats and offices, and in part halls.
  const scale = random.uniform() < 0.5 ? 1 : random.between(1, 2.4);
  const size = [scale * random.between(7, 24), scale * random.between(6, 18)] as const;
  const thickness = random.between(0.08, 0.3);
  const room = scale * random.between(3, 8);
  const polygons: Polygon[] = [];
  const whole: Rectangle = [0, 0, size[0], size[1]];
  for (const side of [0, 1] as const) {
    wall(random, polygons, 0, side * size[1], size[0], true, thickness, 0.15);
    wall(random, polygons, 0, side * size[0], size[1], false, thickness, 0.15);
  }
  const rooms: Rectangle[] = [];
  divide(random, polygons, rooms, whole, room, thickness);
  const crowd = random.between(0, 1);
  for (const place of rooms) furnish(random, polygons, place, crowd);
  return pack(random, polygons, size);
}

/** Is a point farther than `margin` from every polygon, and in none, and within the plan? @param margin m */
export function isFree(plan: FloorPlan, x: number, y: number, margin: number): boolean {
  const { corners, starts, size } = plan;
  if (x < margin || y < margin || x > size[0] - margin || y > size[1] - margin) return false;
  for (let p = 0; p + 1 < starts.length; p++) {
    let inside = true;
    for (let i = starts[p]!; i < starts[p + 1]!; i++) {
      const j = plan.next[i]!;
      const [ax, ay] = [corners[2 * i]!, corners[2 * i + 1]!];
      const [ex, ey] = [corners[2 * j]! - ax, corners[2 * j + 1]! - ay];
      const [px, py] = [x - ax, y - ay];
      if (ex * py - ey * px < 0) inside = false;
      const t = Math.min(1, Math.max(0, (px * ex + py * ey) / (ex * ex + ey * ey)));
      const [dx, dy] = [px - t * ex, py - t * ey];
      if (dx * dx + dy * dy < margin * margin) return false;
    }
    if (inside) return false;
  }
  return true;
}

/** Can one go straight from one point to another? Both in free space, m. */
export function isClear(plan: FloorPlan, ax: number, ay: number, bx: number, by: number): boolean {
  const { corners, next } = plan;
  const [dx, dy] = [bx - ax, by - ay];
  for (let i = 0; i < next.length; i++) {
    const j = next[i]!;
    const [px, py] = [corners[2 * i]! - ax, corners[2 * i + 1]! - ay];
    const [qx, qy] = [corners[2 * j]! - ax, corners[2 * j + 1]! - ay];
    const p = dx * py - dy * px;
    const q = dx * qy - dy * qx;
    if (p > 0 === q > 0) continue;
    // The segment crosses the line; between the points?
    const along = ((px * dx + py * dy) * q - (qx * dx + qy * dy) * p) / (q - p);
    if (along > 0 && along < dx * dx + dy * dy) return false;
  }
  return true;
}

/** Splits a rectangle until it is a room; walls and corridors between what comes of it. */
function divide(
  random: RandomStream,
  polygons: Polygon[],
  rooms: Rectangle[],
  [left, bottom, right, top]: Rectangle,
  room: number,
  thickness: number,
): void {
  const [width, height] = [right - left, top - bottom];
  const isWide = width > height;
  const long = Math.max(width, height);
  if (long < room * random.between(1.2, 2)) {
    rooms.push([left, bottom, right, top]);
    return;
  }
  const hasCorridor = long > 7 && random.uniform() < 0.4;
  const half = hasCorridor ? random.between(0.8, 1.4) : 0;
  const cut = (isWide ? left : bottom) + long * random.between(0.3, 0.7);
  const isOpen = !hasCorridor && random.uniform() < 0.12;
  for (const at of hasCorridor ? [cut - half, cut + half] : [cut]) {
    if (isOpen) break;
    wall(random, polygons, isWide ? bottom : left, at, isWide ? top : right, !isWide, thickness, 0.28);
  }
  if (hasCorridor) rooms.push(isWide ? [cut - half, bottom, cut + half, top] : [left, cut - half, right, cut + half]);
  divide(
    random,
    polygons,
    rooms,
    isWide ? [left, bottom, cut - half, top] : [left, bottom, right, cut - half],
    room,
    thickness,
  );
  divide(
    random,
    polygons,
    rooms,
    isWide ? [cut + half, bottom, right, top] : [left, cut + half, right, top],
    room,
    thickness,
  );
}

/** A wall from `from` to `to`, m, along x or y, with about `doors` doors a metre; some have a frame or a pillar. */
function wall(
  random: RandomStream,
  polygons: Polygon[],
  from: number,
  at: number,
  to: number,
  alongX: boolean,
  thickness: number,
  doors: number,
): void {
  const piece = (a: number, b: number, half: number, offset: number) => {
    if (b - a < 0.02) return;
    const [l, r] = [at + offset - half, at + offset + half];
    polygons.push(alongX ? box(a, l, b, r) : box(l, a, r, b));
  };
  let start = from;
  while (start < to) {
    const end = Math.min(to, start + random.between(0.4, 2 / doors));
    piece(start, end, thickness / 2, 0);
    if (random.uniform() < 0.2) {
      const middle = random.between(start, end);
      const half = random.between(0.1, 0.35);
      piece(Math.max(from, middle - half), Math.min(to, middle + half), thickness / 2 + random.between(0.03, 0.2), 0);
    }
    const width = random.between(0.7, 1.6);
    // A closed door stands back in its frame.
    if (random.uniform() < 0.45)
      piece(end, Math.min(to, end + width), thickness / 6, random.between(-thickness, thickness) / 3);
    start = end + width;
  }
}

function furnish(
  random: RandomStream,
  polygons: Polygon[],
  [left, bottom, right, top]: Rectangle,
  crowd: number,
): void {
  const count = Math.floor(crowd * random.between(0, 0.5) * (right - left) * (top - bottom));
  for (let i = 0; i < Math.min(count, 14); i++) {
    const x = random.between(left, right);
    const y = random.between(bottom, top);
    const kind = random.uniform();
    if (kind < 0.3) {
      // Legs of a table, a chair or a person.
      const apart = random.between(0.15, 0.8);
      const turn = random.between(0, 2 * Math.PI);
      const legs = random.uniform() < 0.5 ? 2 : 4;
      const radius = random.between(0.02, 0.09);
      for (let k = 0; k < legs; k++) {
        const angle = turn + (2 * Math.PI * k) / legs;
        polygons.push(regular(x + (apart / 2) * cos(angle), y + (apart / 2) * sin(angle), radius, 4, angle));
      }
    } else if (kind < 0.45) {
      polygons.push(regular(x, y, random.between(0.1, 0.5), 8, 0));
    } else {
      const turn = random.uniform() < 0.65 ? 0 : random.between(0, Math.PI);
      polygons.push(turned(x, y, random.between(0.1, 1.0), random.between(0.1, 0.5), turn));
    }
  }
}

function box(left: number, bottom: number, right: number, top: number): Polygon {
  return [
    [left, bottom],
    [right, bottom],
    [right, top],
    [left, top],
  ];
}

/** @param a,b half sides, m @param turn rad */
function turned(x: number, y: number, a: number, b: number, turn: number): Polygon {
  const [c, s] = [cos(turn), sin(turn)];
  return box(-a, -b, a, b).map(([u, v]) => [x + c * u - s * v, y + s * u + c * v]);
}

function regular(x: number, y: number, radius: number, count: number, turn: number): Polygon {
  return Array.from({ length: count }, (_, k) => {
    const angle = turn + (2 * Math.PI * k) / count;
    return [x + radius * cos(angle), y + radius * sin(angle)];
  });
}

function pack(random: RandomStream, polygons: readonly Polygon[], size: readonly [number, number]): FloorPlan {
  const count = polygons.reduce((sum, { length }) => sum + length, 0);
  const corners = new Float64Array(2 * count);
  const next = new Int32Array(count);
  const starts = new Int32Array(polygons.length + 1);
  const share = random.uniform() < 0.5 ? 0 : random.between(0, 0.12);
  const glass = Uint8Array.from(polygons, () => (random.uniform() < share ? 1 : 0));
  let at = 0;
  for (const [p, polygon] of polygons.entries()) {
    starts[p] = at;
    for (const [k, corner] of polygon.entries()) {
      corners.set(corner, 2 * (at + k));
      next[at + k] = at + ((k + 1) % polygon.length);
    }
    at += polygon.length;
  }
  starts[polygons.length] = at;
  return { corners, next, starts, glass, size };
}
