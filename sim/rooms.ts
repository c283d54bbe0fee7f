/**
 * Rooms in a row and column grid, walls between them and doors in the walls, drawn from a key: a start in one room, a goal in
 * another, and always a way. Doors are a random spanning tree of the rooms and a few more (randomised depth-first search).
 * Plain data, made anew for each episode; with it the length of the way to the goal from everywhere. Knows no robot.
 */

import { InputError } from '../core/errors.ts';
import type { RandomStream } from '../core/rng.ts';
import { IDENTITY_QUAT } from '../core/rotation.ts';
import { type DistanceField, distanceField } from './distance-field.ts';
import type { Scene, StaticShape } from './scene.ts';

export interface RoomsPlan {
  /** Rooms along x and along y. */
  readonly columns: number;
  readonly rows: number;
  /** Side of a room, from the middle of one wall to that of the next, m. */
  readonly side: number;
  /** Widths of doors, m. */
  readonly door: readonly [number, number];
  /** Of walls, m. */
  readonly thickness: number;
  readonly height: number;
  /** Share of the walls without a door that get one more. */
  readonly extraDoors: number;
  /** Doors between start and goal: at most this many, and as many as there can be. */
  readonly doorsApart: number;
  /** Closer than this to a wall the way costs more, m: the middle of a door is its best part. */
  readonly margin: number;
  /** Start and goal are at least this far from walls, m. */
  readonly clear: number;
}

export interface Rooms extends Scene {
  /** World, m; the grid's corner of least x and y is the world's origin. */
  readonly spawn: readonly [x: number, y: number];
  readonly goal: readonly [x: number, y: number];
  /** Way to the goal, m. */
  readonly way: DistanceField;
}

export function isRooms(scene: Scene): scene is Rooms {
  return 'way' in scene;
}

/** @throws InputError for a scene that was not made here */
export function roomsOf(scene: Scene): Rooms {
  if (isRooms(scene)) return scene;
  throw new InputError('the scene should be rooms', { repair: 'let the task make it with makeRooms' });
}

/** One wall between two rooms, or none where `b` is -1: the outside. */
interface Wall {
  readonly a: number;
  readonly b: number;
  /** Middle, m, and whether it runs along x. */
  readonly x: number;
  readonly y: number;
  readonly alongX: boolean;
}

/** @throws InputError for rooms too small for their doors */
export function makeRooms(random: RandomStream, plan: RoomsPlan): Rooms {
  const { columns, rows, side, door, thickness, clear } = plan;
  if (door[1] + 2 * thickness > side || 2 * clear + thickness >= side || columns * rows < 2) {
    throw new InputError(`rooms of ${side} m cannot have doors of ${door[1]} m and ${clear} m of free space`, {
      repair: 'larger rooms, at least two',
    });
  }
  // Walls must lie on lines of the grid on which ways are found: between two lines they would be no wall.
  if (Math.abs(side / CELL - Math.round(side / CELL)) > 1e-9) {
    throw new InputError(`the side of a room should be a multiple of ${CELL} m, found ${side} m`, {
      repair: `${(Math.round(side / CELL) * CELL).toFixed(1)} m`,
    });
  }
  const walls = wallsOf(plan);
  const open = openDoors(random, plan, walls);
  const statics: StaticShape[] = [];
  for (const [i, wall] of walls.entries()) {
    if (!open.has(i)) {
      statics.push(box(plan, wall, 0, side + thickness));
      continue;
    }
    const width = random.between(...door);
    const room = (side - thickness - width) / 2;
    const offset = random.between(-room, room);
    // What is left of the wall on either side of the door, up to where it meets the others.
    for (const sign of [-1, 1]) {
      const length = side / 2 + thickness / 2 - width / 2 + sign * -offset;
      statics.push(box(plan, wall, offset + sign * (width / 2 + length / 2), length));
    }
  }
  const from = random.below(columns * rows);
  const to = roomApart(random, walls, open, from, columns * rows, plan.doorsApart);
  const somewhere = (room: number): [number, number] => {
    const half = side / 2 - thickness / 2 - clear;
    const [column, row] = [room % columns, Math.floor(room / columns)];
    return [(column + 0.5) * side + random.between(-half, half), (row + 0.5) * side + random.between(-half, half)];
  };
  const spawn = somewhere(from);
  const goal = somewhere(to);
  return { ground: 'plane', statics, objects: [], spawn, goal, way: wayTo(goal, statics, plan) };
}

/** Distance from a point to the nearest box, m; 0 within one. Boxes stand upright, as `makeRooms` makes them. */
export function clearance(statics: readonly StaticShape[], x: number, y: number): number {
  let nearest = Infinity;
  for (let i = 0; i < statics.length; i++) {
    const { geometry, pose } = statics[i]!;
    if (geometry.kind !== 'box') continue;
    const dx = Math.max(0, Math.abs(x - pose.xyz[0]) - geometry.size[0] / 2);
    const dy = Math.max(0, Math.abs(y - pose.xyz[1]) - geometry.size[1] / 2);
    nearest = Math.min(nearest, dx * dx + dy * dy);
  }
  return Math.sqrt(nearest);
}

function wallsOf({ columns, rows, side }: RoomsPlan): Wall[] {
  const walls: Wall[] = [];
  const room = (column: number, row: number) =>
    column < 0 || row < 0 || column >= columns || row >= rows ? -1 : row * columns + column;
  const add = (one: number, other: number, x: number, y: number, alongX: boolean) => {
    walls.push({ a: Math.max(one, other), b: Math.min(one, other), x, y, alongX });
  };
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column <= columns; column++) {
      add(room(column - 1, row), room(column, row), column * side, (row + 0.5) * side, false);
    }
  }
  for (let row = 0; row <= rows; row++) {
    for (let column = 0; column < columns; column++) {
      add(room(column, row - 1), room(column, row), (column + 0.5) * side, row * side, true);
    }
  }
  return walls;
}

/** Indices of the walls with a door. */
function openDoors(
  random: RandomStream,
  { columns, rows, extraDoors }: RoomsPlan,
  walls: readonly Wall[],
): Set<number> {
  const open = new Set<number>();
  const inner = walls.flatMap((wall, i) => (wall.b >= 0 ? [i] : []));
  const seen = new Set([0]);
  const path = [0];
  while (seen.size < columns * rows) {
    const here = path.at(-1)!;
    const ways = inner.filter((i) => {
      const { a, b } = walls[i]!;
      return (a === here && !seen.has(b)) || (b === here && !seen.has(a));
    });
    if (ways.length === 0) {
      path.pop();
      continue;
    }
    const chosen = ways[random.below(ways.length)]!;
    const { a, b } = walls[chosen]!;
    const next = a === here ? b : a;
    open.add(chosen);
    seen.add(next);
    path.push(next);
  }
  for (const i of inner) if (!open.has(i) && random.uniform() < extraDoors) open.add(i);
  return open;
}

/** A random one of the rooms that are the most doors away, but no more than `most`. */
function roomApart(
  random: RandomStream,
  walls: readonly Wall[],
  open: ReadonlySet<number>,
  from: number,
  count: number,
  most: number,
): number {
  const doors = new Int32Array(count).fill(-1);
  doors[from] = 0;
  const queue = [from];
  for (let at = 0; at < queue.length; at++) {
    const here = queue[at]!;
    for (const i of open) {
      const { a, b } = walls[i]!;
      const next = a === here ? b : b === here ? a : -1;
      if (next < 0 || doors[next]! >= 0) continue;
      doors[next] = doors[here]! + 1;
      queue.push(next);
    }
  }
  const furthest = Math.min(Math.max(...doors), Math.max(1, most));
  const rooms = queue.filter((room) => doors[room] === furthest);
  return rooms[random.below(rooms.length)]!;
}

/** A piece of a wall. @param along middle of the piece from the wall's, m @param length m */
function box({ thickness, height }: RoomsPlan, { x, y, alongX }: Wall, along: number, length: number): StaticShape {
  return {
    geometry: { kind: 'box', size: alongX ? [length, thickness, height] : [thickness, length, height] },
    pose: { xyz: alongX ? [x + along, y, height / 2] : [x, y + along, height / 2], quat: IDENTITY_QUAT },
  };
}

/** Distance between the points of the grid, m. */
const CELL = 0.05;
/** A metre within a wall: never the shortest way, and never infinite between grid points beside one. */
const IN_WALL = 100;

function wayTo(goal: readonly [number, number], statics: readonly StaticShape[], plan: RoomsPlan): DistanceField {
  const nx = Math.round((plan.columns * plan.side) / CELL) + 1;
  const ny = Math.round((plan.rows * plan.side) / CELL) + 1;
  const cost = new Float32Array(nx * ny);
  for (let k = 0; k < cost.length; k++) {
    const free = clearance(statics, (k % nx) * CELL, Math.floor(k / nx) * CELL);
    // dearer towards walls, up to five times
    cost[k] = free === 0 ? IN_WALL : 1 + 4 * Math.max(0, 1 - free / plan.margin) ** 2;
  }
  return distanceField({ nx, ny, cell: CELL, origin: [0, 0] }, cost, goal);
}
