/** A depth camera before walls, over floors, past a post: the pinhole by hand. */

import { describe, expect, it } from 'vitest';
import { sin } from '../../../core/math.ts';
import { quatFromRpy } from '../../../core/rotation.ts';
import type { DepthSensor } from '../../../core/sensor.ts';
import { pixelDirections } from '../../../sim/sensors/depth-camera.ts';
import { AnalyticWorld, type Block } from './analytic-world.ts';
import { AT_ORIGIN, makeRig, mean } from './rig.ts';

/** 90 degrees wide: the focal length is half the width. */
const camera = (changes: Partial<DepthSensor> = {}): DepthSensor => ({
  kind: 'depth',
  name: 'camera',
  link: 'base',
  pose: AT_ORIGIN,
  width: 4,
  height: 2,
  fov: Math.PI / 2,
  minRange: 0.2,
  maxRange: 6,
  ...changes,
});

function read(world: AnalyticWorld, sensor: DepthSensor): number[] {
  const rig = makeRig([sensor], {}, world);
  rig.sense(0);
  return [...rig.measured.sensors.camera!];
}

function expectNear(found: readonly number[], wanted: readonly number[]) {
  expect(found).toHaveLength(wanted.length);
  for (const [i, value] of wanted.entries()) expect(found[i]!).toBeCloseTo(value, 12);
}

const wall = (x: number): Block => ({ min: [x, -99, -99], max: [x + 1, 99, 99] });

describe('pixels', () => {
  it('start at the top left and are square', () => {
    const rays = pixelDirections(camera());
    const slopes = Array.from({ length: 8 }, (_, i) => [
      rays[3 * i + 1]! / rays[3 * i]!,
      rays[3 * i + 2]! / rays[3 * i]!,
    ]);
    // f = 2 pixels: centres at 1.5, 0.5, -0.5, -1.5 to the left, 0.5 and -0.5 up
    const wanted = [0.5, -0.5].flatMap((up) => [1.5, 0.5, -0.5, -1.5].map((leftwards) => [leftwards / 2, up / 2]));
    for (const [i, slope] of slopes.entries()) expectNear(slope, wanted[i]!);
    for (let i = 0; i < 8; i++) expect(Math.hypot(...rays.subarray(3 * i, 3 * i + 3))).toBeCloseTo(1, 15);
  });
});

describe('a depth camera', () => {
  it('sees a wall that faces it at one depth, not at one distance', () => {
    expectNear(read(new AnalyticWorld(-99, [wall(3)]), camera()), Array(8).fill(3));
  });

  it('sees a post to the left in the left columns', () => {
    // At depth 2 the second column's centre looks 0.5 m to the left.
    const post: Block = { min: [2, 0.4, -9], max: [2.2, 0.6, 9] };
    expectNear(read(new AnalyticWorld(-99, [post, wall(5)]), camera()), [5, 2, 5, 5, 5, 2, 5, 5]);
  });

  it('sees the floor below: h / slope, the same along a row', () => {
    const world = new AnalyticWorld(0, []);
    world.pose[2] = 1;
    // Rows at slopes 0.75, 0.25, -0.25, -0.75 of a 4 x 4 image.
    const rows = [6, 6, 4, 1 / 0.75];
    expectNear(
      read(world, camera({ height: 4 })),
      rows.flatMap((depth) => Array(4).fill(depth)),
    );
  });

  it('looks where its mount points', () => {
    const world = new AnalyticWorld(0, []);
    world.pose[2] = 1;
    // Straight down: the floor faces it.
    const down = { xyz: [0, 0, 0.5], quat: quatFromRpy([0, Math.PI / 2, 0]) } as const;
    expectNear(read(world, camera({ pose: down })), Array(8).fill(1.5));
    // 30 degrees down, one pixel: on the axis, h / sin 30.
    const oblique = { xyz: [0, 0, 0], quat: quatFromRpy([0, Math.PI / 6, 0]) } as const;
    expectNear(read(world, camera({ pose: oblique, width: 1, height: 1 })), [1 / sin(Math.PI / 6)]);
  });

  it('reaches its range along x in the corners too, and reads within it', () => {
    expectNear(read(new AnalyticWorld(-99, [wall(5.999)]), camera()), Array(8).fill(5.999));
    expect(read(new AnalyticWorld(-99, [wall(6.001)]), camera())).toEqual(Array(8).fill(6));
    expect(read(new AnalyticWorld(-99, []), camera())).toEqual(Array(8).fill(6));
    expect(read(new AnalyticWorld(-99, [wall(0.1)]), camera())).toEqual(Array(8).fill(0.2));
  });

  it('loses the stated share of pixels, seed 21', () => {
    const sensor = camera({ width: 64, height: 48 });
    const rig = makeRig([sensor], { camera: { dropout: 0.1 } }, new AnalyticWorld(-99, [wall(3)]), 21);
    rig.sense(0);
    const lost = [...rig.measured.sensors.camera!].map((depth) => (depth === 6 ? 1 : 0));
    // 4 standard errors: sqrt(0.09 / 3072) = 0.0054
    expect(Math.abs(mean(lost) - 0.1)).toBeLessThan(0.022);
  });
});
