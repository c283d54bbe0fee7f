/** Rooms and the way through them: always connected, start and goal apart, distances by hand. */

import { describe, expect, it } from 'vitest';
import { keyOf, RandomStream } from '../../core/rng.ts';
import { distanceAt, distanceField } from '../../sim/distance-field.ts';
import { clearance, makeRooms, type RoomsPlan, roomsOf } from '../../sim/rooms.ts';
import { FLOOR } from '../../sim/scene.ts';

const PLAN: RoomsPlan = {
  columns: 3,
  rows: 2,
  side: 1.4,
  door: [0.5, 0.7],
  thickness: 0.1,
  height: 0.3,
  extraDoors: 0.2,
  doorsApart: 3,
  margin: 0.4,
  clear: 0.2,
};

const roomOf = ([x, y]: readonly [number, number]) => Math.floor(y / 1.4) * 3 + Math.floor(x / 1.4);

describe('a field of distances', () => {
  it('is the length of the way over free ground', () => {
    const place = { nx: 11, ny: 11, cell: 0.1, origin: [-0.5, -0.5] as const };
    const field = distanceField(place, new Float32Array(121).fill(1), [0, 0]);
    expect(distanceAt(field, 0, 0)).toBe(0);
    expect(distanceAt(field, 0.4, 0)).toBeCloseTo(0.4, 6);
    expect(distanceAt(field, 0.3, 0.3)).toBeCloseTo(0.3 * Math.SQRT2, 6);
    // eight neighbours: two to the side, two diagonally
    expect(distanceAt(field, -0.4, 0.2)).toBeCloseTo(0.2 + 0.2 * Math.SQRT2, 6);
    expect(distanceAt(field, 0.25, 0)).toBeCloseTo(0.25, 6);
  });

  it('goes round a wall', () => {
    const cost = new Float32Array(121).fill(1);
    // a wall along x = 0, open only in the highest row
    for (let row = 0; row < 10; row++) cost[row * 11 + 5] = 1000;
    const field = distanceField({ nx: 11, ny: 11, cell: 0.1, origin: [-0.5, -0.5] }, cost, [-0.1, -0.5]);
    // nine up, one up and in, one out and down, nine down
    expect(distanceAt(field, 0.1, -0.5)).toBeCloseTo(1.8 + 0.2 * Math.SQRT2, 5);
  });
});

describe('rooms', () => {
  it('put start and goal into different rooms, clear of walls, with a way between them', () => {
    for (let seed = 0; seed < 100; seed++) {
      const rooms = makeRooms(new RandomStream(keyOf(seed)), PLAN);
      expect(roomOf(rooms.spawn)).not.toBe(roomOf(rooms.goal));
      for (const [x, y] of [rooms.spawn, rooms.goal])
        expect(clearance(rooms.statics, x, y)).toBeGreaterThan(0.2 - 1e-9);
      // Walk down the field: it ends at the goal and keeps its distance from walls.
      let [x, y] = rooms.spawn;
      for (let i = 0; i < 400 && distanceAt(rooms.way, x, y) > 0.1; i++) {
        let best = Infinity;
        let next: [number, number] = [x, y];
        for (let k = 0; k < 16; k++) {
          const u = x + 0.05 * Math.cos((k * Math.PI) / 8);
          const v = y + 0.05 * Math.sin((k * Math.PI) / 8);
          const value = distanceAt(rooms.way, u, v);
          if (value < best) [best, next] = [value, [u, v]];
        }
        [x, y] = next;
        expect(clearance(rooms.statics, x, y)).toBeGreaterThan(0.1);
      }
      expect(Math.hypot(x - rooms.goal[0], y - rooms.goal[1])).toBeLessThan(0.15);
      // and it is no shorter than the straight line
      const straight = Math.hypot(rooms.spawn[0] - rooms.goal[0], rooms.spawn[1] - rooms.goal[1]);
      expect(distanceAt(rooms.way, ...rooms.spawn)).toBeGreaterThan(straight - 0.08);
    }
  });

  it('follow from the key', () => {
    const make = (seed: number) => makeRooms(new RandomStream(keyOf(seed)), PLAN);
    expect(make(3)).toEqual(make(3));
    expect(make(3).statics).not.toEqual(make(4).statics);
  });

  it('are as far apart as asked', () => {
    const mean = (doorsApart: number) => {
      let sum = 0;
      for (let seed = 0; seed < 30; seed++) {
        const { way, spawn } = makeRooms(new RandomStream(keyOf(seed)), { ...PLAN, doorsApart });
        sum += distanceAt(way, ...spawn) / 30;
      }
      return sum;
    };
    expect(mean(2)).toBeGreaterThan(mean(1) + 0.5);
    expect(mean(3)).toBeGreaterThan(mean(2) + 0.5);
  });

  it('know how far the nearest wall is', () => {
    const wall = {
      geometry: { kind: 'box', size: [2, 0.1, 0.3] },
      pose: { xyz: [0, 1, 0.15], quat: [0, 0, 0, 1] },
    } as const;
    expect(clearance([wall], 0, 0)).toBeCloseTo(0.95, 12);
    expect(clearance([wall], 1.3, 0.55)).toBeCloseTo(0.5, 12);
    expect(clearance([wall], 0.5, 1)).toBe(0);
  });

  it('refuse what cannot be', () => {
    const random = new RandomStream(keyOf(1));
    expect(() => makeRooms(random, { ...PLAN, side: 0.7 })).toThrow('cannot have doors');
    expect(() => makeRooms(random, { ...PLAN, side: 1.42 })).toThrow('multiple');
    expect(() => roomsOf(FLOOR)).toThrow('should be rooms');
  });
});
