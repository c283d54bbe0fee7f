/**
 * Readings of a robot's sensors and its base as ROS messages that hold float64, and back: what recordings and a simulated
 * robot's server share. Knows no file, no socket, and nothing of JSON.
 */

import type { ScanGeometry } from './episode.ts';
import {
  float64MultiArrayType,
  type ImuMessage,
  imuType,
  type LaserScanMessage,
  laserScanType,
  type OdometryMessage,
  type RosTime,
  type RosType,
} from './ros-messages.ts';
import { quatConjugate, quatRotate } from './rotation.ts';
import { IMU } from './sensor.ts';

const FULL_CIRCLE: ScanGeometry = { from: 0, to: 2 * Math.PI, minRange: 0, maxRange: 100 };

/** How readings of one sensor lie in the messages of one type. */
export interface SensorRecord {
  readonly type: RosType<never>;
  encode(reading: Float64Array, stamp: RosTime, frame: string, scan?: ScanGeometry): Uint8Array;
  /** @throws Error when the bytes are no such message */
  decode(bytes: Uint8Array): Float64Array;
  /** Whether the message keeps every bit of the reading. */
  isExact(reading: Float64Array): boolean;
}

/** @param type of the sensor's topic in ROS 1 spelling; whatever is no IMU and no scan is recorded as an array */
export function sensorRecord(type: string, size: number): SensorRecord {
  if (type === 'sensor_msgs/Imu' && size === IMU.size) return imuRecord;
  return type === 'sensor_msgs/LaserScan' ? scanRecord : arrayRecord;
}

const imuRecord: SensorRecord = {
  type: imuType as RosType<never>,
  encode: (reading, stamp, frame) => imuType.encode(imuMessage(reading, stamp, frame)),
  decode: (bytes) => {
    const { orientation: q, angular_velocity: w, linear_acceleration: a } = imuType.decode(bytes);
    return Float64Array.of(q.x, q.y, q.z, q.w, w.x, w.y, w.z, a.x, a.y, a.z);
  },
  isExact: () => true,
};

const scanRecord: SensorRecord = {
  type: laserScanType as RosType<never>,
  encode: (reading, stamp, frame, scan) =>
    laserScanType.encode(scanMessage(reading, stamp, frame, scan ?? FULL_CIRCLE)),
  decode: (bytes) => Float64Array.from(laserScanType.decode(bytes).ranges),
  isExact: (reading) => reading.every((value) => Object.is(Math.fround(value), value)),
};

const arrayRecord: SensorRecord = {
  type: float64MultiArrayType as RosType<never>,
  encode: (data) => float64MultiArrayType.encode({ layout: { dim: [], data_offset: 0 }, data }),
  decode: (bytes) => Float64Array.from(float64MultiArrayType.decode(bytes).data),
  isExact: () => true,
};

export function imuMessage(reading: ArrayLike<number>, stamp: RosTime, frame: string): ImuMessage {
  const { orientation: q, gyro, accelerometer } = IMU;
  return {
    header: { stamp, frame_id: frame },
    orientation: { ...vectorAt(reading, q), w: reading[q + 3]! },
    orientation_covariance: new Float64Array(9),
    angular_velocity: vectorAt(reading, gyro),
    angular_velocity_covariance: new Float64Array(9),
    linear_acceleration: vectorAt(reading, accelerometer),
    linear_acceleration_covariance: new Float64Array(9),
  };
}

export function scanMessage(
  reading: ArrayLike<number>,
  stamp: RosTime,
  frame: string,
  { from, to, minRange, maxRange }: ScanGeometry,
): LaserScanMessage {
  return {
    header: { stamp, frame_id: frame },
    angle_min: from,
    angle_max: to,
    angle_increment: reading.length > 1 ? (to - from) / (reading.length - 1) : 0,
    time_increment: 0,
    scan_time: 0,
    range_min: minRange,
    range_max: maxRange,
    ranges: Float32Array.from(reading),
    intensities: new Float32Array(0),
  };
}

const turned = new Float64Array(4);
const linear = new Float64Array(3);

/** @param base,twist as in RobotState: the twist's linear part is turned into the base's axes, as nav_msgs wants it */
export function odometryMessage(base: Float64Array, twist: Float64Array, stamp: RosTime): OdometryMessage {
  quatConjugate(base.subarray(3), turned);
  quatRotate(turned, twist, linear);
  return {
    header: { stamp, frame_id: 'odom' },
    child_frame_id: 'base_link',
    pose: {
      pose: { position: vectorAt(base, 0), orientation: { ...vectorAt(base, 3), w: base[6]! } },
      covariance: new Float64Array(36),
    },
    twist: { twist: { linear: vectorAt(linear, 0), angular: vectorAt(twist, 3) }, covariance: new Float64Array(36) },
  };
}

function vectorAt(values: ArrayLike<number>, at: number): { x: number; y: number; z: number } {
  return { x: values[at]!, y: values[at + 1]!, z: values[at + 2]! };
}
