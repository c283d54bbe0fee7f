/**
 * A depth camera: a pinhole that looks along x with y to the left and z up. Each pixel's value is the distance along x of
 * what the ray through its centre meets, row by row from the top left. What is nearer than `minRange` reads as `minRange`.
 * Knows no engine and no lens.
 */

import { clamp, cos, sin } from '../../core/math.ts';
import type { RandomStream } from '../../core/rng.ts';
import { quatRotate } from '../../core/rotation.ts';
import type { DepthSensor } from '../../core/sensor.ts';
import type { SensorQuality } from '../robot-spec.ts';
import type { SensedWorld } from '../sensed-world.ts';
import type { Instrument } from './instrument.ts';
import { Mount } from './mount.ts';
import { RangingError } from './ranging.ts';

export class DepthCamera implements Instrument {
  readonly castsRays = true;
  readonly #sensor: DepthSensor;
  readonly #mount: Mount;
  readonly #rays: Float64Array;
  readonly #error: RangingError;

  /** @param link index into the model's links */
  constructor(sensor: DepthSensor, link: number, quality: SensorQuality) {
    this.#sensor = sensor;
    this.#mount = new Mount(link, sensor.pose);
    this.#rays = pixelDirections(sensor);
    this.#error = new RangingError(quality, sensor.minRange, sensor.maxRange, quality.dropout ?? 0);
  }

  begin(random: RandomStream): void {
    this.#error.begin(random);
  }

  read(world: SensedWorld, _dt: number, out: Float64Array): void {
    this.#mount.place(world);
    readDepth(world, this.#mount, this.#rays, this.#sensor.minRange, this.#sensor.maxRange, out);
  }

  corrupt(exact: Float64Array, dt: number, random: RandomStream, out: Float64Array): void {
    this.#error.corrupt(exact, dt, random, out);
  }
}

/** Unit vectors through the pixels' centres in the sensor's frame, row by row from the top left, [3 width height]. */
export function pixelDirections({ width, height, fov }: DepthSensor): Float64Array {
  // focal length in pixels: width / 2 = f tan(fov / 2)
  const focal = (width / 2) * (cos(fov / 2) / sin(fov / 2));
  const directions = new Float64Array(3 * width * height);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const y = (width / 2 - column - 0.5) / focal;
      const z = (height / 2 - row - 0.5) / focal;
      const length = Math.sqrt(1 + y * y + z * z);
      directions.set([1 / length, y / length, z / length], 3 * (row * width + column));
    }
  }
  return directions;
}

const ray = new Float64Array(3);

/** @param mount placed @param rays of `pixelDirections` @param minRange m @param maxRange m @param out m, [pixels] */
export function readDepth(
  world: SensedWorld,
  mount: Mount,
  rays: Float64Array,
  minRange: number,
  maxRange: number,
  out: Float64Array,
): void {
  const ox = mount.origin[0]!;
  const oy = mount.origin[1]!;
  const oz = mount.origin[2]!;
  for (let i = 0; i < out.length; i++) {
    const along = rays[3 * i]!;
    for (let k = 0; k < 3; k++) ray[k] = rays[3 * i + k]!;
    quatRotate(mount.quat, ray, ray);
    const reach = maxRange / along;
    const distance = world.castRay(ox, oy, oz, ray[0]!, ray[1]!, ray[2]!, reach);
    // depth = distance cos(angle between ray and x)
    out[i] = distance >= reach ? maxRange : clamp(distance * along, minRange, maxRange);
  }
}
