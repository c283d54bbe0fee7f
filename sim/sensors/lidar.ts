/**
 * A lidar that sweeps one plane: distances along beams in the sensor's x-y plane, counter-clockwise. What is nearer than
 * `minRange` reads as `minRange`: an obstacle that touches the sensor is never taken for free space. Knows no engine.
 */

import { clamp, cos, sin } from '../../core/math.ts';
import type { RandomStream } from '../../core/rng.ts';
import { quatRotate } from '../../core/rotation.ts';
import type { LidarSensor } from '../../core/sensor.ts';
import type { SensorQuality } from '../robot-spec.ts';
import { RAY_STRIDE, type SensedWorld } from '../sensed-world.ts';
import type { Instrument } from './instrument.ts';
import { Mount } from './mount.ts';
import { RangingError } from './ranging.ts';

export class Lidar implements Instrument {
  readonly castsRays = true;
  readonly #sensor: LidarSensor;
  readonly #mount: Mount;
  readonly #beams: Float64Array;
  readonly #rays: Float64Array;
  readonly #error: RangingError;

  /** @param link index into the model's links */
  constructor(sensor: LidarSensor, link: number, quality: SensorQuality) {
    this.#sensor = sensor;
    this.#mount = new Mount(link, sensor.pose);
    this.#beams = beamDirections(sensor);
    this.#rays = new Float64Array(RAY_STRIDE * sensor.beams).fill(sensor.maxRange);
    this.#error = new RangingError(quality, sensor.minRange, sensor.maxRange, quality.dropout ?? 0);
  }

  begin(random: RandomStream): void {
    this.#error.begin(random);
  }

  read(world: SensedWorld, _dt: number, out: Float64Array): void {
    this.#mount.place(world);
    const { minRange, maxRange } = this.#sensor;
    const rays = this.#rays;
    aimBeams(this.#mount, this.#beams, rays);
    world.castRays(rays, out);
    for (let i = 0; i < out.length; i++) out[i] = clamp(out[i]!, minRange, maxRange);
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

/** Origins and directions of the rays. @param mount placed @param beams of `beamDirections` @param rays [beams, RAY_STRIDE] */
function aimBeams(mount: Mount, beams: Float64Array, rays: Float64Array): void {
  quatRotate(mount.quat, X, forward);
  quatRotate(mount.quat, Y, left);
  for (let i = 0; 2 * i < beams.length; i++) {
    const at = RAY_STRIDE * i;
    const c = beams[2 * i]!;
    const s = beams[2 * i + 1]!;
    for (let k = 0; k < 3; k++) {
      rays[at + k] = mount.origin[k]!;
      rays[at + 3 + k] = c * forward[k]! + s * left[k]!;
    }
  }
}
