/**
 * The sensors a robot may carry beside its joint encoders: what each is, where it sits and what its numbers mean. Plain
 * data, shared by simulator, contract and bridge. Knows no engine, no noise and no message.
 */

import type { Pose } from './robot-model.ts';

interface Mounted {
  readonly name: string;
  /** The link it is fixed to. */
  readonly link: string;
  /** Its frame in the link's frame: x forward, y left, z up. */
  readonly pose: Pose;
}

/** Orientation of the sensor in the world x, y, z, w; angular velocity, rad/s, and specific force, m/s2, along its axes. */
export interface ImuSensor extends Mounted {
  readonly kind: 'imu';
}

/** One number a link: 1 while it presses on anything but its own robot with at least `threshold`, else 0. */
export interface ContactSensor {
  readonly kind: 'contact';
  readonly name: string;
  readonly links: readonly string[];
  /** N */
  readonly threshold: number;
}

/** How far the ground lies below the sensor's origin, along the world's vertical, under each point of a grid, m. */
export interface HeightSensor extends Mounted {
  readonly kind: 'heights';
  /** Points in the frame that is level and turned with the sensor's heading, m. */
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly maxRange: number;
}

/** Distance along each beam in the sensor's x-y plane, m; `maxRange` where nothing is hit. */
export interface LidarSensor extends Mounted {
  readonly kind: 'lidar';
  readonly beams: number;
  /** Angles of the first and the last beam, rad, counter-clockwise from x. */
  readonly from: number;
  readonly to: number;
  readonly minRange: number;
  readonly maxRange: number;
}

/** Distance along x (not along the ray), m, row by row from the top left; `maxRange` where nothing is hit. */
export interface DepthSensor extends Mounted {
  readonly kind: 'depth';
  readonly width: number;
  readonly height: number;
  /** Horizontal opening angle, rad. Pixels are square. */
  readonly fov: number;
  readonly minRange: number;
  readonly maxRange: number;
}

export type SensorSpec = ImuSensor | ContactSensor | HeightSensor | LidarSensor | DepthSensor;

/** Where an IMU's parts begin in its reading. */
export const IMU = { orientation: 0, gyro: 4, accelerometer: 7, size: 10 } as const;

/** Numbers in one reading. */
export function sensorSize(sensor: SensorSpec): number {
  switch (sensor.kind) {
    case 'imu':
      return IMU.size;
    case 'contact':
      return sensor.links.length;
    case 'heights':
      return sensor.points.length;
    case 'lidar':
      return sensor.beams;
    case 'depth':
      return sensor.width * sensor.height;
  }
}

/** Sizes by name, as `makeState` takes them. */
export function sensorSizes(sensors: readonly SensorSpec[]): Record<string, number> {
  return Object.fromEntries(sensors.map((sensor) => [sensor.name, sensorSize(sensor)]));
}
