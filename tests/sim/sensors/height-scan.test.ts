/** Height scans over a floor, stairs above the sensor, a pit; heading, tilt, limits. */

import { describe, expect, it } from 'vitest';
import type { Pose } from '../../../core/robot-model.ts';
import { quatFromRpy } from '../../../core/rotation.ts';
import type { HeightSensor } from '../../../core/sensor.ts';
import { AnalyticWorld, type Block } from './analytic-world.ts';
import { AT_ORIGIN, makeRig } from './rig.ts';

const scan = (points: HeightSensor['points'], pose: Pose = AT_ORIGIN, maxRange = 2): HeightSensor => ({
  kind: 'heights',
  name: 'scan',
  link: 'base',
  pose,
  points,
  maxRange,
});

/** Steps of 0.2 m along x from x = 1 on, each 0.5 m deep. */
const stairs: Block[] = [0, 1, 2, 3, 4].map((i) => ({
  min: [1 + 0.5 * i, -5, -1],
  max: [1 + 0.5 * (i + 1), 5, 0.2 * (i + 1)],
}));

function read(world: AnalyticWorld, sensor: HeightSensor): number[] {
  const rig = makeRig([sensor], {}, world);
  rig.sense(0);
  expect(rig.measured.sensors.scan).toEqual(rig.truth.sensors.scan);
  return [...rig.measured.sensors.scan!];
}

function expectNear(found: readonly number[], wanted: readonly number[]) {
  expect(found).toHaveLength(wanted.length);
  for (const [i, value] of wanted.entries()) expect(found[i]!).toBeCloseTo(value, 12);
}

describe('a height scan', () => {
  it('reads floor and stairs, those above the sensor as negative', () => {
    const world = new AnalyticWorld(0, stairs);
    world.pose[2] = 0.5;
    const points = [0, 1.2, 1.7, 2.2, 2.7, 3.2].map((x) => [x, 0.1] as const);
    expectNear(read(world, scan(points)), [0.5, 0.3, 0.1, -0.1, -0.3, -0.5]);
  });

  it('turns with the heading, and stays level under roll and pitch', () => {
    const world = new AnalyticWorld(0, stairs);
    world.pose.set([0, 0, 0.5]);
    const points = [
      [1.2, 0],
      [0, 1.2],
      [-1.2, 0],
      [0, -1.2],
    ] as const;
    world.pose.set(quatFromRpy([0, 0, Math.PI / 2]), 3);
    // Facing y, the stairs along x are to the right.
    expectNear(read(world, scan(points)), [0.5, 0.5, 0.5, 0.3]);
    world.pose.set(quatFromRpy([0.4, -0.6, Math.PI / 2]), 3);
    expectNear(read(world, scan(points)), [0.5, 0.5, 0.5, 0.3]);
    // Pitched straight down, facing y: x points down, y still to the left.
    world.pose.set(quatFromRpy([0, Math.PI / 2, Math.PI / 2]), 3);
    expectNear(read(world, scan(points)), [0.5, 0.5, 0.5, 0.3]);
  });

  it('measures from where it is mounted', () => {
    const world = new AnalyticWorld(0, stairs);
    world.pose[2] = 0.5;
    const mounted = scan(
      [
        [0, 0],
        [0.5, 0],
      ],
      { xyz: [1.2, 0, 0.3], quat: [0, 0, 0, 1] },
    );
    expectNear(read(world, mounted), [0.6, 0.4]);
  });

  it('ends at its range below and above', () => {
    // A pit without a bottom, and a tower.
    const world = new AnalyticWorld(Number.NEGATIVE_INFINITY, [{ min: [1, -1, -1], max: [2, 1, 9] }]);
    expectNear(
      read(
        world,
        scan(
          [
            [0, 0],
            [1.5, 0],
          ],
          AT_ORIGIN,
          1.5,
        ),
      ),
      [1.5, -1.5],
    );
  });
});
