/** A lidar in rooms worked out by hand: distances, angles, tilt, both ends of its range, lost rays. */

import { describe, expect, it } from 'vitest';
import { cos, sin } from '../../../core/math.ts';
import { quatFromRpy } from '../../../core/rotation.ts';
import type { LidarSensor } from '../../../core/sensor.ts';
import type { SensorQuality } from '../../../sim/robot-spec.ts';
import { beamDirections, beamIncrement } from '../../../sim/sensors/lidar.ts';
import { AnalyticWorld, type Block } from './analytic-world.ts';
import { AT_ORIGIN, deviation, makeRig, mean } from './rig.ts';

const lidar = (changes: Partial<LidarSensor> = {}): LidarSensor => ({
  kind: 'lidar',
  name: 'lidar',
  link: 'base',
  pose: AT_ORIGIN,
  beams: 4,
  from: 0,
  to: 2 * Math.PI,
  minRange: 0.1,
  maxRange: 10,
  ...changes,
});

/** Walls with inner faces at x = 3 and -2, y = 4 and -1. */
const room: Block[] = [
  { min: [3, -9, -1], max: [3.1, 9, 3] },
  { min: [-2.1, -9, -1], max: [-2, 9, 3] },
  { min: [-9, 4, -1], max: [9, 4.1, 3] },
  { min: [-9, -1.1, -1], max: [9, -1, 3] },
];

function read(world: AnalyticWorld, sensor: LidarSensor): number[] {
  const rig = makeRig([sensor], {}, world);
  rig.sense(0);
  return [...rig.measured.sensors.lidar!];
}

function expectNear(found: readonly number[], wanted: readonly number[]) {
  expect(found).toHaveLength(wanted.length);
  for (const [i, value] of wanted.entries()) expect(found[i]!).toBeCloseTo(value, 12);
}

describe('beams', () => {
  it('run from the first angle to the last, both included', () => {
    const sensor = lidar({ beams: 5, from: -1, to: 1 });
    expect(beamIncrement(sensor)).toBe(0.5);
    const directions = beamDirections(sensor);
    for (const [i, angle] of [-1, -0.5, 0, 0.5, 1].entries()) {
      expect([directions[2 * i], directions[2 * i + 1]]).toEqual([cos(angle), sin(angle)]);
    }
  });

  it('of a full turn do not look the same way twice', () => {
    expect(beamIncrement(lidar({ beams: 360, from: -Math.PI, to: Math.PI }))).toBeCloseTo(Math.PI / 180, 15);
  });

  it('may be one', () => {
    expect([...beamDirections(lidar({ beams: 1, from: 0, to: 0 }))]).toEqual([1, 0]);
  });
});

describe('a lidar', () => {
  it('measures a room counter-clockwise from x', () => {
    expectNear(read(new AnalyticWorld(0, room), lidar()), [3, 4, 2, 1]);
  });

  it('turns and moves with its link and its mount', () => {
    const world = new AnalyticWorld(0, room);
    world.pose.set([1, 1, 0.5]);
    world.pose.set(quatFromRpy([0, 0, Math.PI / 2]), 3);
    // Facing y; 0.5 m ahead of the link is y = 1.5.
    const pose = { xyz: [0.5, 0, 0], quat: quatFromRpy([0, 0, 0]) } as const;
    expectNear(read(world, lidar({ pose })), [2.5, 3, 2.5, 2]);
    // On the ceiling, upside down: the sweep runs the other way round.
    const flipped = { xyz: [0.5, 0, 0], quat: quatFromRpy([Math.PI, 0, 0]) } as const;
    expectNear(read(world, lidar({ pose: flipped })), [2.5, 2, 2.5, 3]);
  });

  it('sees the floor when it is pitched: h / sin(pitch)', () => {
    const world = new AnalyticWorld(0, []);
    world.pose[2] = 0.4;
    world.pose.set(quatFromRpy([0, 0.2, 0]), 3);
    expectNear(read(world, lidar()), [0.4 / sin(0.2), 10, 10, 10]);
  });

  it('obliquely: d / cos(angle)', () => {
    const beams = 41;
    const ranges = read(new AnalyticWorld(0, room.slice(0, 1)), lidar({ beams, from: -1, to: 1 }));
    expectNear(
      ranges,
      Array.from({ length: beams }, (_, i) => 3 / cos(-1 + i * 0.05)),
    );
  });

  it('reads within its range: too near as the nearest, nothing as the farthest', () => {
    const world = new AnalyticWorld(0, room);
    expectNear(read(world, lidar({ minRange: 1.5, maxRange: 3.5 })), [3, 3.5, 2, 1.5]);
  });
});

describe('errors', () => {
  const N = 2000;

  function play(quality: SensorQuality, seed: number): number[][] {
    const rig = makeRig([lidar({ maxRange: 3.5 })], { lidar: quality }, new AnalyticWorld(0, room), seed);
    return Array.from({ length: N }, (_, k) => {
      rig.sense(k * 0.1);
      expectNear([...rig.truth.sensors.lidar!], [3, 3.5, 2, 1]);
      return [...rig.measured.sensors.lidar!];
    });
  }

  it('have the stated spread, none where nothing is hit, seed 11', () => {
    const found = play({ parts: { reading: { noise: 0.05 } } }, 11);
    for (const [i, range] of [3, 3.5, 2, 1].entries()) {
      const readings = found.map((reading) => reading[i]!);
      if (range === 3.5) expect(new Set(readings)).toEqual(new Set([3.5]));
      else {
        // 4 standard errors: 0.05 / sqrt(2000) = 1.1e-3 and 0.05 / sqrt(4000) = 7.9e-4
        expect(Math.abs(mean(readings) - range)).toBeLessThan(4.5e-3);
        expect(Math.abs(deviation(readings) - 0.05)).toBeLessThan(3.2e-3);
      }
    }
  });

  it('share one bias among the beams', () => {
    const [first] = play({ parts: { reading: { bias: 0.05 } } }, 12);
    expect(first![0]! - 3).not.toBe(0);
    expect(first![2]! - 2).toBeCloseTo(first![0]! - 3, 12);
    expect(first![3]! - 1).toBeCloseTo(first![0]! - 3, 12);
  });

  it('lose the stated share of rays, each for itself, seed 13', () => {
    const found = play({ dropout: 0.2 }, 13);
    const lost = [0, 2, 3].map((i) => found.map((reading) => (reading[i] === 3.5 ? 1 : 0)));
    // 4 standard errors: sqrt(0.2 * 0.8 / 2000) = 0.0089
    for (const one of lost) expect(Math.abs(mean(one) - 0.2)).toBeLessThan(0.036);
    const together = lost[0]!.map((one, k) => one * lost[1]![k]!);
    // sqrt(0.04 * 0.96 / 2000) = 0.0044
    expect(Math.abs(mean(together) - 0.04)).toBeLessThan(0.018);
    // What is not lost is right.
    for (const reading of found) expect([3, 3.5]).toContain(Math.round(reading[0]! * 1e9) / 1e9);
  });

  it('never leave the range, however noisy', () => {
    const found = play({ parts: { reading: { noise: 5 } } }, 14).flat();
    expect(Math.min(...found)).toBe(0.1);
    expect(Math.max(...found)).toBe(3.5);
  });
});
