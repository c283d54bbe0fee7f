/**
 * A height scan: how far the ground lies below the sensor under each point of a level grid that turns with its heading. Rays
 * fall from `maxRange` above the sensor, so ground from that far above it (stairs ahead, a step beside) to that far below is
 * found, and readings lie within [-maxRange, maxRange]. It sees the topmost surface: under a roof, keep `maxRange` below the
 * clearance. Knows no engine.
 */

import type { RandomStream } from '../../core/rng.ts';
import type { HeightSensor } from '../../core/sensor.ts';
import type { SensorQuality } from '../robot-spec.ts';
import { RAY_STRIDE, type SensedWorld } from '../sensed-world.ts';
import type { Instrument } from './instrument.ts';
import { Mount } from './mount.ts';
import { RangingError } from './ranging.ts';

export class HeightScan implements Instrument {
  readonly castsRays = true;
  readonly #mount: Mount;
  readonly #points: Float64Array;
  readonly #rays: Float64Array;
  readonly #maxRange: number;
  readonly #error: RangingError;

  /** @param link index into the model's links */
  constructor(sensor: HeightSensor, link: number, quality: SensorQuality) {
    this.#mount = new Mount(link, sensor.pose);
    this.#points = Float64Array.from(sensor.points.flat());
    this.#rays = new Float64Array(RAY_STRIDE * sensor.points.length);
    this.#maxRange = sensor.maxRange;
    this.#error = new RangingError(quality, -sensor.maxRange, sensor.maxRange, 0);
  }

  begin(random: RandomStream): void {
    this.#error.begin(random);
  }

  read(world: SensedWorld, _dt: number, out: Float64Array): void {
    this.#mount.place(world);
    aimDown(this.#mount, this.#points, this.#maxRange, this.#rays);
    world.castRays(this.#rays, out);
    // height = z_sensor - z_ground
    for (let i = 0; i < out.length; i++) out[i] = out[i]! - this.#maxRange;
  }

  corrupt(exact: Float64Array, dt: number, random: RandomStream, out: Float64Array): void {
    this.#error.corrupt(exact, dt, random, out);
  }
}

/** @param mount placed @param points x, y of each, m, [2 n] @param maxRange m @param rays [n, RAY_STRIDE] */
function aimDown(mount: Mount, points: Float64Array, maxRange: number, rays: Float64Array): void {
  const x = mount.quat[0]!;
  const y = mount.quat[1]!;
  const z = mount.quat[2]!;
  const w = mount.quat[3]!;
  // Heading: the sensor's x axis seen from above; where it points straight up or down, a quarter turn right of the y axis.
  let cosine = 1 - 2 * (y * y + z * z);
  let sine = 2 * (x * y + w * z);
  let length = Math.sqrt(cosine * cosine + sine * sine);
  if (length < 1e-9) {
    cosine = 1 - 2 * (x * x + z * z);
    sine = -2 * (x * y - w * z);
    length = Math.sqrt(cosine * cosine + sine * sine);
  }
  cosine /= length;
  sine /= length;
  const ox = mount.origin[0]!;
  const oy = mount.origin[1]!;
  const top = mount.origin[2]! + maxRange;
  for (let i = 0; 2 * i < points.length; i++) {
    const at = RAY_STRIDE * i;
    const px = points[2 * i]!;
    const py = points[2 * i + 1]!;
    rays[at] = ox + cosine * px - sine * py;
    rays[at + 1] = oy + sine * px + cosine * py;
    rays[at + 2] = top;
    rays[at + 3] = 0;
    rays[at + 4] = 0;
    rays[at + 5] = -1;
    rays[at + 6] = 2 * maxRange;
  }
}
