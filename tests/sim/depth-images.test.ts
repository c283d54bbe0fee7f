/** Depth images against geometry done by hand. */

import { describe, expect, it } from 'vitest';
import { keyOf, RandomStream } from '../../core/rng.ts';
import { quatFromRpy } from '../../core/rotation.ts';
import type { DepthSensor } from '../../core/sensor.ts';
import { depthImage, depthView, TABLE_CAMERA } from '../../sim/depth-images.ts';
import type { Scene } from '../../sim/scene.ts';

/** Straight down from 1 m. */
const DOWN: DepthSensor = {
  ...TABLE_CAMERA,
  width: 3,
  height: 3,
  pose: { xyz: [0, 0, 1], quat: quatFromRpy([0, Math.PI / 2, 0]) },
};

function tableWith(x: number): Scene {
  const geometry = { kind: 'cylinder', radius: 0.05, length: 0.06 } as const;
  const pose = { xyz: [x, 0, 0.03], quat: [0, 0, 0, 1] } as const;
  return { ground: 'plane', statics: [], objects: [{ name: 'object', mass: 1, geometry, pose, friction: 0.5 }] };
}

describe('depthImage', () => {
  it('sees the table at the height of the camera and the lid of what stands below it', () => {
    const image = depthImage(tableWith(0), DOWN);
    // Depth is along the axis: every pixel of the table is 1 m deep, the lid 0.94 m.
    expect([...image]).toEqual([1, 1, 1, 1, 0.94, 1, 1, 1, 1].map((depth) => expect.closeTo(depth, 5)));
  });

  it('sees the side of a thing that stands before the ray', () => {
    // Along the table at 3 cm height, from 1 m away: the side is 5 cm nearer than the middle.
    const level: DepthSensor = { ...DOWN, pose: { xyz: [0, 0, 0.03], quat: [0, 0, 0, 1] } };
    expect(depthImage(tableWith(1), level)[4]).toBeCloseTo(0.95, 5);
  });
});

it('depthView labels what it shows: nearer than the empty table where the object is, and there alone', () => {
  const empty = depthImage({ ground: 'plane', statics: [], objects: [] }, TABLE_CAMERA);
  const { image, object } = depthView(new RandomStream(keyOf(4)));
  const nearer = [...image].filter((depth, i) => depth < empty[i]! - 0.025).length;
  expect(nearer).toBeGreaterThan(3);
  expect(nearer).toBeLessThan(40);
  expect(object[0]).toBeGreaterThan(0.4);
});
