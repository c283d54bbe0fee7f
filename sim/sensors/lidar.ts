/**
 * A lidar that sweeps one plane: distances along beams in the sensor's x-y plane, counter-clockwise. What is nearer than
 * `minRange` reads as `minRange`: an obstacle that touches the sensor is never taken for free space. Knows no engine.
 */

import { clamp, cos, sin } from '../../core/math.ts';
import type { RandomStream } from '../../core/rng.ts';
import { quatRotate } from '../../core/rotation.ts';
import type { LidarSensor } from '../../core/sensor.ts';
import type { SensorQuality } from '../robot-spec.ts';
import type { SensedWorld } from '../sensed-world.ts';
import type { Instrument } from './instrument.ts';
import { Mount } from './mount.ts';
import { RangingError } from './ranging.ts';

export class Lidar implements Instrument {
  readonly castsRays = true;
  readonly #sensor: LidarSensor;
  readonly #mount: Mount;
  readonly #beams: Float64Array;
  readonly #error: RangingError;

  /** @param link index into the model's links */
  constructor(sensor: LidarSensor, link: number, quality: SensorQuality) {
    this.#sensor = sensor;
    this.#mount = new Mount(link, sensor.pose);
    this.#beams = beamDirections(sensor);
    this.#error = new RangingError(quality, sensor.minRange, sensor.maxRange, quality.dropout ?? 0);
  }

  begin(random: RandomStream): void {
    this.#error.begin(random);
  }

  read(world: SensedWorld, _dt: number, out: Float64Array): void {
    this.#mount.place(world);
    readLidar(world, this.#mount, this.#beams, this.#sensor.minRange, this.#sensor.maxRange, out);
  }

  corrupt(exact: Float64Array, dt: number, random: RandomStream, out: Float64Array): void {
    this.#error.corrupt(exact, dt, random, out);
  }
}

/**
 * Angle from beam to beam, rad. The first beam is at `from` and the last at `to`; only when they lie a full turn apart the
 * last stops one increment short of `to`, where the first already looks.
 */
export function beamIncrement({ from, to, beams }: LidarSensor): number {
  const isFullTurn = Math.abs(to - from) >= 2 * Math.PI - 1e-6;
  const gaps = isFullTurn ? beams : beams - 1;
  return gaps > 0 ? (to - from) / gaps : 0;
}

/** x and y of each beam's direction in the sensor's frame, [2 beams]. */
export function beamDirections(sensor: LidarSensor): Float64Array {
  const increment = beamIncrement(sensor);
  const directions = new Float64Array(2 * sensor.beams);
  for (let i = 0; i < sensor.beams; i++) {
    const angle = sensor.from + i * increment;
    directions[2 * i] = cos(angle);
    directions[2 * i + 1] = sin(angle);
  }
  return directions;
}

const X = [1, 0, 0] as const;
const Y = [0, 1, 0] as const;
const forward = new Float64Array(3);
const left = new Float64Array(3);

/** @param mount placed @param beams of `beamDirections` @param minRange m @param maxRange m @param out m, [beams] */
export function readLidar(
  world: SensedWorld,
  mount: Mount,
  beams: Float64Array,
  minRange: number,
  maxRange: number,
  out: Float64Array,
): void {
  quatRotate(mount.quat, X, forward);
  quatRotate(mount.quat, Y, left);
  const ox = mount.origin[0]!;
  const oy = mount.origin[1]!;
  const oz = mount.origin[2]!;
  for (let i = 0; i < out.length; i++) {
    const c = beams[2 * i]!;
    const s = beams[2 * i + 1]!;
    const dx = c * forward[0]! + s * left[0]!;
    const dy = c * forward[1]! + s * left[1]!;
    const dz = c * forward[2]! + s * left[2]!;
    const distance = world.castRay(ox, oy, oz, dx, dy, dz, maxRange);
    out[i] = clamp(distance, minRange, maxRange);
  }
}
