/**
 * An inertial measurement unit: orientation, angular velocity and specific force where it is mounted. Specific force is
 * what an accelerometer feels: acceleration less gravity, so +g upwards at rest and nothing in free fall. Acceleration is
 * the mean since the last call, so a contact's impulse within it shows. Knows no engine.
 */

import { cos, sin } from '../../core/math.ts';
import type { RandomStream } from '../../core/rng.ts';
import { quatConjugate, quatMultiply, quatRotate } from '../../core/rotation.ts';
import { IMU, type ImuSensor } from '../../core/sensor.ts';
import type { SensorQuality } from '../robot-spec.ts';
import type { SensedWorld } from '../sensed-world.ts';
import type { Instrument } from './instrument.ts';
import { Mount } from './mount.ts';
import { ReadingError } from './reading-error.ts';

export class Imu implements Instrument {
  readonly castsRays = false;
  readonly #mount: Mount;
  readonly #motion: ImuMotion = makeImuMotion();
  readonly #orientation: ReadingError;
  readonly #gyro: ReadingError;
  readonly #accelerometer: ReadingError;
  readonly #turn = new Float64Array(3);

  /** @param link index into the model's links */
  constructor(sensor: ImuSensor, link: number, { parts }: SensorQuality) {
    this.#mount = new Mount(link, sensor.pose);
    this.#orientation = new ReadingError(parts?.orientation, 3);
    this.#gyro = new ReadingError(parts?.gyro, 3);
    this.#accelerometer = new ReadingError(parts?.accelerometer, 3);
  }

  begin(random: RandomStream): void {
    this.#orientation.begin(random);
    this.#gyro.begin(random);
    this.#accelerometer.begin(random);
  }

  read(world: SensedWorld, dt: number, out: Float64Array): void {
    this.#mount.place(world);
    readImu(world, this.#mount, this.#motion, dt, out);
  }

  corrupt(exact: Float64Array, dt: number, random: RandomStream, out: Float64Array): void {
    out.set(exact);
    const turn = this.#turn;
    turn.fill(0);
    this.#orientation.add(turn, 0, 3, dt, random);
    if (!this.#orientation.isExact) turnBy(turn, out);
    // The unit's digital output is the quaternion: its components are what is stepped.
    this.#orientation.quantise(out, IMU.orientation, IMU.gyro);
    this.#gyro.apply(out, IMU.gyro, IMU.accelerometer, dt, random);
    this.#accelerometer.apply(out, IMU.accelerometer, IMU.size, dt, random);
  }
}

/** What one reading leaves for the next, and scratch. */
export interface ImuMotion {
  /** The mounting point's velocity at the last reading along the world's axes, m/s, [3]. */
  readonly velocity: Float64Array;
  readonly twist: Float64Array;
  readonly inverse: Float64Array;
  readonly vector: Float64Array;
}

export function makeImuMotion(): ImuMotion {
  return {
    velocity: new Float64Array(3),
    twist: new Float64Array(6),
    inverse: new Float64Array(4),
    vector: new Float64Array(3),
  };
}

/**
 * @param mount placed @param dt since the last reading, s; 0 when there is none, then the acceleration is taken as 0
 * @param out orientation, gyro, accelerometer, [IMU.size]
 */
export function readImu(world: SensedWorld, mount: Mount, motion: ImuMotion, dt: number, out: Float64Array): void {
  const { velocity, twist, inverse, vector } = motion;
  const { lever, quat } = mount;
  world.linkTwist(mount.link, twist);
  const wx = twist[3]!;
  const wy = twist[4]!;
  const wz = twist[5]!;
  // v = v_link + w x r
  const vx = twist[0]! + wy * lever[2]! - wz * lever[1]!;
  const vy = twist[1]! + wz * lever[0]! - wx * lever[2]!;
  const vz = twist[2]! + wx * lever[1]! - wy * lever[0]!;
  const rate = dt > 0 ? 1 / dt : 0;
  const ax = (vx - velocity[0]!) * rate;
  const ay = (vy - velocity[1]!) * rate;
  const az = (vz - velocity[2]!) * rate;
  velocity[0] = vx;
  velocity[1] = vy;
  velocity[2] = vz;

  for (let k = 0; k < 4; k++) out[IMU.orientation + k] = quat[k]!;
  quatConjugate(quat, inverse);
  vector[0] = wx;
  vector[1] = wy;
  vector[2] = wz;
  quatRotate(inverse, vector, vector);
  for (let k = 0; k < 3; k++) out[IMU.gyro + k] = vector[k]!;
  // f = R^-1 (a - g), g = (0, 0, -gravity)
  vector[0] = ax;
  vector[1] = ay;
  vector[2] = az + world.gravity;
  quatRotate(inverse, vector, vector);
  for (let k = 0; k < 3; k++) out[IMU.accelerometer + k] = vector[k]!;
}

const small = new Float64Array(4);

/** The quaternion at the start of `out`, turned by a rotation vector in its own frame: q exp(turn / 2). @param turn rad, [3] */
function turnBy(turn: Float64Array, out: Float64Array): void {
  const x = turn[0]!;
  const y = turn[1]!;
  const z = turn[2]!;
  const angle = Math.sqrt(x * x + y * y + z * z);
  const s = angle > 0 ? sin(angle / 2) / angle : 0;
  small[0] = x * s;
  small[1] = y * s;
  small[2] = z * s;
  small[3] = cos(angle / 2);
  quatMultiply(out, small, out);
}
