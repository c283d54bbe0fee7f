/**
 * Depth images of the table of `arm-push`, computed without an engine: a pinhole over a plane with upright cylinders. The same
 * numbers as the engine's rays within its rounding, at a fraction of the cost. Knows no robot; what it hides is not drawn.
 */

import type { RandomStream } from '../core/rng.ts';
import { quatRotate } from '../core/rotation.ts';
import type { DepthSensor } from '../core/sensor.ts';
import type { Scene } from './scene.ts';
import { pixelDirections } from './sensors/depth-camera.ts';
import { armPush } from './tasks/arm-push.ts';

/** The camera of `arm-push`. Its link stands at the world's origin. */
export const TABLE_CAMERA = armPush.sensors!.find((sensor): sensor is DepthSensor => sensor.kind === 'depth')!;

/** L515 at 1 m, and lost pixels, as `arm-push` has them, up to three times as bad. */
const NOISE = [0.001, 0.0075] as const;
const LOST = [0, 0.03] as const;

export interface DepthView {
  /** m along the optical axis, `maxRange` where nothing is met, [height, width]. */
  readonly image: Float32Array;
  /** Of the object, m. */
  readonly object: readonly [x: number, y: number];
}

/** A table with an object, as the camera sees it with its errors. */
export function depthView(random: RandomStream): DepthView {
  const scene = armPush.scene!(random, 0);
  const image = depthImage(scene, TABLE_CAMERA);
  const noise = random.between(...NOISE);
  const lost = random.between(...LOST);
  for (let i = 0; i < image.length; i++)
    image[i] = random.uniform() < lost ? TABLE_CAMERA.maxRange : image[i]! + noise * random.normal();
  const [x, y] = scene.objects[0]!.pose.xyz;
  return { image, object: [x, y] };
}

/** Without errors, m, [height, width]. */
export function depthImage(scene: Scene, camera: DepthSensor): Float32Array {
  const directions = pixelDirections(camera);
  const image = new Float32Array(camera.width * camera.height);
  const [ox, oy, oz] = camera.pose.xyz;
  const ray = new Float64Array(3);
  for (let i = 0; i < image.length; i++) {
    ray.set(directions.subarray(3 * i, 3 * i + 3));
    const axial = ray[0]!;
    quatRotate(camera.pose.quat, ray, ray);
    const [dx, dy, dz] = [ray[0]!, ray[1]!, ray[2]!];
    let distance = dz < 0 ? -oz / dz : Infinity;
    for (const { geometry, pose } of scene.objects) {
      if (geometry.kind !== 'cylinder') continue;
      const [cx, cy, cz] = pose.xyz;
      const top = cz + geometry.length / 2;
      // The lid, then the side: |o + t d - c| = r in the plane
      const lid = (top - oz) / dz;
      const [lx, ly] = [ox + lid * dx - cx, oy + lid * dy - cy];
      if (lid > 0 && lx * lx + ly * ly <= geometry.radius ** 2) distance = Math.min(distance, lid);
      const [a, b] = [dx * dx + dy * dy, dx * (ox - cx) + dy * (oy - cy)];
      const root = b * b - a * ((ox - cx) ** 2 + (oy - cy) ** 2 - geometry.radius ** 2);
      if (root < 0) continue;
      const side = (-b - Math.sqrt(root)) / a;
      const height = oz + side * dz;
      if (side > 0 && height >= cz - geometry.length / 2 && height <= top) distance = Math.min(distance, side);
    }
    const depth = distance * axial;
    image[i] = depth < camera.maxRange ? Math.max(depth, camera.minRange) : camera.maxRange;
  }
  return image;
}
