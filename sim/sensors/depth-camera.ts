/**
 * A depth camera: a pinhole that looks along x with y to the left and z up. Each pixel's value is the distance along x of
 * what the ray through its centre meets, row by row from the top left. What is nearer than `minRange` reads as `minRange`.
 * Knows no engine and no lens.
 */

import { cos, sin } from '../../core/math.ts';
import type { RandomStream } from '../../core/rng.ts';
import { rotateAt } from '../../core/rotation.ts';
import type { DepthSensor } from '../../core/sensor.ts';
import type { SensorQuality } from '../robot-spec.ts';
import { RAY_STRIDE, type SensedWorld } from '../sensed-world.ts';
import type { Instrument } from './instrument.ts';
import { Mount } from './mount.ts';
import { RangingError } from './ranging.ts';

export class DepthCamera implements Instrument {
  readonly castsRays = true;
  /** Nearest and farthest reading, m. */
  readonly #limits: Float64Array;
  readonly #mount: Mount;
  readonly #pixels: Float64Array;
  readonly #rays: Float64Array;
  readonly #error: RangingError;

  /** @param link index into the model's links */
  constructor(sensor: DepthSensor, link: number, quality: SensorQuality) {
    this.#limits = Float64Array.of(sensor.minRange, sensor.maxRange);
    this.#mount = new Mount(link, sensor.pose);
    this.#pixels = pixelDirections(sensor);
    this.#rays = new Float64Array(RAY_STRIDE * sensor.width * sensor.height);
    // The far plane: a ray reaches the further the more it is off the axis.
    for (let i = 0; 3 * i < this.#pixels.length; i++)
      this.#rays[RAY_STRIDE * i + 6] = sensor.maxRange / this.#pixels[3 * i]!;
    this.#error = new RangingError(quality, sensor.minRange, sensor.maxRange, quality.dropout ?? 0);
  }

  begin(random: RandomStream): void {
    this.#error.begin(random);
  }

  read(world: SensedWorld, _dt: number, out: Float64Array): void {
    this.#mount.place(world);
    const rays = this.#rays;
    const limits = this.#limits;
    aimPixels(this.#mount, this.#pixels, rays);
    world.castRays(rays, out);
    // depth = distance cos(angle between ray and x)
    for (let i = 0; i < out.length; i++) {
      const depth = Math.min(Math.max(out[i]! * this.#pixels[3 * i]!, limits[0]!), limits[1]!);
      out[i] = out[i]! >= rays[RAY_STRIDE * i + 6]! ? limits[1]! : depth;
    }
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

/** Origins and directions of the rays. @param mount placed @param pixels of `pixelDirections` @param rays [pixels, RAY_STRIDE] */
function aimPixels(mount: Mount, pixels: Float64Array, rays: Float64Array): void {
  for (let i = 0; 3 * i < pixels.length; i++) {
    const at = RAY_STRIDE * i;
    for (let k = 0; k < 3; k++) ray[k] = pixels[3 * i + k]!;
    rotateAt(mount.quat, 0, ray, ray);
    for (let k = 0; k < 3; k++) {
      rays[at + k] = mount.origin[k]!;
      rays[at + 3 + k] = ray[k]!;
    }
  }
}
