/**
 * The ROS 2 message types that recordings use: their definition texts, as `ros2 interface show` gives them, and the
 * codecs made from those texts. Bytes are CDR (OMG DDS-XTypes 1.3, little-endian). Knows no file and no topic.
 */

import { parse } from '@foxglove/rosmsg';
import { MessageReader, MessageWriter } from '@foxglove/rosmsg2-serialization';
import { clamp } from './math.ts';

/** builtin_interfaces/msg/Time */
export interface RosTime {
  readonly sec: number;
  readonly nanosec: number;
}

/** sensor_msgs/msg/JointState. Arrays are in the order of `name`; an empty one means "not given". */
export interface JointStateMessage {
  readonly header: { readonly stamp: RosTime; readonly frame_id: string };
  readonly name: readonly string[];
  readonly position: Float64Array;
  readonly velocity: Float64Array;
  readonly effort: Float64Array;
}

export interface RosType<T> {
  /** As ROS 2 writes it: package/msg/Name. */
  readonly name: string;
  /** The definition with those it depends on, in the format of a `ros2msg` schema. */
  readonly text: string;
  encode(message: T): Uint8Array;
  /** @throws Error when the bytes are not a message of this type */
  decode(bytes: Uint8Array): T;
}

const SEPARATOR = '='.repeat(80);

function rosType<T>(name: string, fields: readonly string[], dependencies: Record<string, readonly string[]>) {
  const parts = [fields.join('\n')];
  for (const [dependency, lines] of Object.entries(dependencies)) {
    parts.push(SEPARATOR, `MSG: ${dependency}`, lines.join('\n'));
  }
  const text = `${parts.join('\n')}\n`;
  const definitions = parse(text, { ros2: true });
  const writer = new MessageWriter(definitions);
  const reader = new MessageReader<T>(definitions);
  return {
    name,
    text,
    encode: (message: T) => writer.writeMessage(message),
    decode: (bytes: Uint8Array) => reader.readMessage(bytes),
  } satisfies RosType<T>;
}

const time = ['int32 sec', 'uint32 nanosec'];
const header = {
  'std_msgs/Header': ['builtin_interfaces/Time stamp', 'string frame_id'],
  'builtin_interfaces/Time': time,
};
const vector3 = ['float64 x', 'float64 y', 'float64 z'];
const quaternion = ['float64 x', 'float64 y', 'float64 z', 'float64 w'];

export const jointStateType: RosType<JointStateMessage> = rosType(
  'sensor_msgs/msg/JointState',
  ['std_msgs/Header header', 'string[] name', 'float64[] position', 'float64[] velocity', 'float64[] effort'],
  header,
);

export const stringType: RosType<{ readonly data: string }> = rosType('std_msgs/msg/String', ['string data'], {});

interface Vector {
  readonly x: number;
  readonly y: number;
  readonly z: number;
}
type Quaternion = Vector & { readonly w: number };
interface Header {
  readonly stamp: RosTime;
  readonly frame_id: string;
}

export interface ImuMessage {
  readonly header: Header;
  readonly orientation: Quaternion;
  readonly orientation_covariance: Float64Array;
  readonly angular_velocity: Vector;
  readonly angular_velocity_covariance: Float64Array;
  readonly linear_acceleration: Vector;
  readonly linear_acceleration_covariance: Float64Array;
}

export const imuType: RosType<ImuMessage> = rosType(
  'sensor_msgs/msg/Imu',
  [
    'std_msgs/Header header',
    'geometry_msgs/Quaternion orientation',
    'float64[9] orientation_covariance',
    'geometry_msgs/Vector3 angular_velocity',
    'float64[9] angular_velocity_covariance',
    'geometry_msgs/Vector3 linear_acceleration',
    'float64[9] linear_acceleration_covariance',
  ],
  { ...header, 'geometry_msgs/Quaternion': quaternion, 'geometry_msgs/Vector3': vector3 },
);

export interface LaserScanMessage {
  readonly header: Header;
  readonly angle_min: number;
  readonly angle_max: number;
  readonly angle_increment: number;
  readonly time_increment: number;
  readonly scan_time: number;
  readonly range_min: number;
  readonly range_max: number;
  readonly ranges: Float32Array;
  readonly intensities: Float32Array;
}

export const laserScanType: RosType<LaserScanMessage> = rosType(
  'sensor_msgs/msg/LaserScan',
  [
    'std_msgs/Header header',
    'float32 angle_min',
    'float32 angle_max',
    'float32 angle_increment',
    'float32 time_increment',
    'float32 scan_time',
    'float32 range_min',
    'float32 range_max',
    'float32[] ranges',
    'float32[] intensities',
  ],
  header,
);

export interface Float64MultiArrayMessage {
  readonly layout: { readonly dim: readonly never[]; readonly data_offset: number };
  readonly data: Float64Array;
}

export const float64MultiArrayType: RosType<Float64MultiArrayMessage> = rosType(
  'std_msgs/msg/Float64MultiArray',
  ['std_msgs/MultiArrayLayout layout', 'float64[] data'],
  {
    'std_msgs/MultiArrayLayout': ['std_msgs/MultiArrayDimension[] dim', 'uint32 data_offset'],
    'std_msgs/MultiArrayDimension': ['string label', 'uint32 size', 'uint32 stride'],
  },
);

export interface OdometryMessage {
  readonly header: Header;
  readonly child_frame_id: string;
  readonly pose: {
    readonly pose: { readonly position: Vector; readonly orientation: Quaternion };
    readonly covariance: Float64Array;
  };
  /** Along the axes of the child frame. */
  readonly twist: {
    readonly twist: { readonly linear: Vector; readonly angular: Vector };
    readonly covariance: Float64Array;
  };
}

export const odometryType: RosType<OdometryMessage> = rosType(
  'nav_msgs/msg/Odometry',
  [
    'std_msgs/Header header',
    'string child_frame_id',
    'geometry_msgs/PoseWithCovariance pose',
    'geometry_msgs/TwistWithCovariance twist',
  ],
  {
    ...header,
    'geometry_msgs/PoseWithCovariance': ['geometry_msgs/Pose pose', 'float64[36] covariance'],
    'geometry_msgs/TwistWithCovariance': ['geometry_msgs/Twist twist', 'float64[36] covariance'],
    'geometry_msgs/Pose': ['geometry_msgs/Point position', 'geometry_msgs/Quaternion orientation'],
    'geometry_msgs/Twist': ['geometry_msgs/Vector3 linear', 'geometry_msgs/Vector3 angular'],
    'geometry_msgs/Point': vector3,
    'geometry_msgs/Quaternion': quaternion,
    'geometry_msgs/Vector3': vector3,
  },
);

/** The nearest stamp ROS can hold. @param seconds NaN counts as 0 */
export function stampOf(seconds: number): RosTime {
  const bounded = clamp(Number.isNaN(seconds) ? 0 : seconds, -(2 ** 31), 2 ** 31 - 1);
  const sec = Math.floor(bounded);
  const nanosec = Math.round((bounded - sec) * 1e9);
  return nanosec === 1e9 ? { sec: sec + 1, nanosec: 0 } : { sec, nanosec };
}

/** Nanoseconds since the clock's origin, not below 0. */
export function nanosecondsOf(seconds: number): bigint {
  const { sec, nanosec } = stampOf(seconds);
  return sec < 0 ? 0n : BigInt(sec) * 1_000_000_000n + BigInt(nanosec);
}
