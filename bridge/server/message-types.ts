/**
 * The ROS messages this server knows, and the check of a JSON value against one, strict as the real server's: missing
 * fields get their defaults; an extra field, a wrong type or a number that is not finite spoils the whole message.
 * ROS 1 and ROS 2 differ in the types' names (`pkg/Type`, `pkg/msg/Type`), in stamps ({secs, nsecs}, {sec, nanosec})
 * and in the header's seq, which only ROS 1 has. Definitions: https://github.com/ros2/common_interfaces
 */

import { baseType, type RosVersion, rosTime } from '../ros-names.ts';
import { isRecord } from './protocol.ts';

type Definition = Readonly<Record<string, string>>;

export type Field = readonly [name: string, type: string];

const vector3 = { x: 'float64', y: 'float64', z: 'float64' };

/** By ROS 1 name. Arrays end in [], those of a fixed length in [n]. */
const definitions: ReadonlyMap<string, Definition> = new Map(
  Object.entries<Definition>({
    'std_msgs/Header': { seq: 'uint32', stamp: 'time', frame_id: 'string' },
    'std_msgs/Empty': {},
    'std_msgs/Bool': { data: 'bool' },
    'std_msgs/Int32': { data: 'int32' },
    'std_msgs/Float64': { data: 'float64' },
    'std_msgs/String': { data: 'string' },
    'std_msgs/MultiArrayDimension': { label: 'string', size: 'uint32', stride: 'uint32' },
    'std_msgs/MultiArrayLayout': { dim: 'std_msgs/MultiArrayDimension[]', data_offset: 'uint32' },
    'std_msgs/Float64MultiArray': { layout: 'std_msgs/MultiArrayLayout', data: 'float64[]' },
    'std_msgs/Float32MultiArray': { layout: 'std_msgs/MultiArrayLayout', data: 'float32[]' },
    'geometry_msgs/Vector3': vector3,
    'geometry_msgs/Point': vector3,
    'geometry_msgs/Quaternion': { ...vector3, w: 'float64' },
    'geometry_msgs/Pose': { position: 'geometry_msgs/Point', orientation: 'geometry_msgs/Quaternion' },
    'geometry_msgs/PoseWithCovariance': { pose: 'geometry_msgs/Pose', covariance: 'float64[36]' },
    'geometry_msgs/TwistWithCovariance': { twist: 'geometry_msgs/Twist', covariance: 'float64[36]' },
    'geometry_msgs/TwistStamped': { header: 'std_msgs/Header', twist: 'geometry_msgs/Twist' },
    'geometry_msgs/Twist': { linear: 'geometry_msgs/Vector3', angular: 'geometry_msgs/Vector3' },
    'sensor_msgs/JointState': {
      header: 'std_msgs/Header',
      name: 'string[]',
      position: 'float64[]',
      velocity: 'float64[]',
      effort: 'float64[]',
    },
    'sensor_msgs/Imu': {
      header: 'std_msgs/Header',
      orientation: 'geometry_msgs/Quaternion',
      orientation_covariance: 'float64[9]',
      angular_velocity: 'geometry_msgs/Vector3',
      angular_velocity_covariance: 'float64[9]',
      linear_acceleration: 'geometry_msgs/Vector3',
      linear_acceleration_covariance: 'float64[9]',
    },
    'sensor_msgs/LaserScan': {
      header: 'std_msgs/Header',
      angle_min: 'float32',
      angle_max: 'float32',
      angle_increment: 'float32',
      time_increment: 'float32',
      scan_time: 'float32',
      range_min: 'float32',
      range_max: 'float32',
      ranges: 'float32[]',
      intensities: 'float32[]',
    },
    'nav_msgs/Odometry': {
      header: 'std_msgs/Header',
      child_frame_id: 'string',
      pose: 'geometry_msgs/PoseWithCovariance',
      twist: 'geometry_msgs/TwistWithCovariance',
    },
    'trajectory_msgs/JointTrajectoryPoint': {
      positions: 'float64[]',
      velocities: 'float64[]',
      accelerations: 'float64[]',
      effort: 'float64[]',
      time_from_start: 'duration',
    },
    'trajectory_msgs/JointTrajectory': {
      header: 'std_msgs/Header',
      joint_names: 'string[]',
      points: 'trajectory_msgs/JointTrajectoryPoint[]',
    },
  }),
);

const integers: Readonly<Record<string, readonly [number, number]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
};

/** The element's type of an array and its fixed length, or 0; null for what is no array. */
export function arrayOf(type: string): { readonly element: string; readonly length: number } | null {
  const match = /^(.*)\[(\d*)\]$/.exec(type);
  return match === null ? null : { element: match[1]!, length: Number(match[2]) };
}

/** What conforming needs to know besides the type. */
export interface MessageContext {
  readonly ros: RosVersion;
  /** Server time, s since 1970, for stamps that are left out. */
  readonly now: number;
}

/** Why a value is not a message of its type. */
export class MessageRefusal extends Error {}

/** The type's name as the given ROS writes it. */
export function typeName(type: string, ros: RosVersion): string {
  const base = baseType(type);
  return ros === 1 ? base : base.replace('/', '/msg/');
}

export function isKnownType(type: string): boolean {
  return definitions.has(baseType(type));
}

/** Field names and types of a message type, for rosapi. */
export function fieldsOf(type: string, ros: RosVersion): Field[] {
  const fields = Object.entries(definitions.get(baseType(type)) ?? {});
  return baseType(type) === 'std_msgs/Header' && ros === 2 ? fields.filter(([name]) => name !== 'seq') : fields;
}

/**
 * A complete message of `type` from JSON.
 * @throws MessageRefusal saying which field is wrong and why
 */
export function conform(type: string, value: unknown, context: MessageContext): Record<string, unknown> {
  if (!isKnownType(type)) throw new MessageRefusal(`unknown type ${type}`);
  return conformFields(type, fieldsOf(type, context.ros), value, context, 'msg');
}

/**
 * A complete record of the given fields from JSON.
 * @param type names what it should be, `path` where it stands, for the refusal
 * @throws MessageRefusal saying which field is wrong and why
 */
export function conformFields(
  type: string,
  fields: readonly Field[],
  value: unknown,
  context: MessageContext,
  path: string,
): Record<string, unknown> {
  if (!isRecord(value)) throw new MessageRefusal(`${path} should be ${type}, found ${describe(value)}`);
  for (const key of Object.keys(value)) {
    if (!fields.some(([name]) => name === key)) throw new MessageRefusal(`${path}: ${type} has no field ${key}`);
  }
  const message: Record<string, unknown> = {};
  for (const [name, fieldType] of fields) {
    const given = Object.hasOwn(value, name);
    message[name] = given
      ? conformField(fieldType, value[name], context, `${path}.${name}`)
      : defaultOf(fieldType, context);
  }
  return message;
}

function conformField(type: string, value: unknown, context: MessageContext, path: string): unknown {
  const array = arrayOf(type);
  if (array !== null) {
    const { element, length } = array;
    if (!Array.isArray(value) || (length > 0 && value.length !== length))
      throw new MessageRefusal(`${path} should be ${type}, found ${describe(value)}`);
    return value.map((item, i) => conformField(element, item, context, `${path}[${i}]`));
  }
  switch (type) {
    case 'string':
      if (typeof value === 'string') return value;
      break;
    case 'bool':
      if (typeof value === 'boolean') return value;
      break;
    case 'float32':
      if (typeof value === 'number' && Number.isFinite(Math.fround(value))) return Math.fround(value);
      break;
    case 'float64':
      if (typeof value === 'number' && Number.isFinite(value)) return value;
      break;
    case 'int32':
    case 'uint32': {
      const [lower, upper] = integers[type]!;
      if (typeof value === 'number' && Number.isInteger(value) && value >= lower && value <= upper) return value;
      break;
    }
    case 'time':
    case 'duration':
      return conformTime(value, context, path);
    default:
      return conformFields(type, fieldsOf(type, context.ros), value, context, path);
  }
  throw new MessageRefusal(`${path} should be ${type}, found ${describe(value)}`);
}

function conformTime(value: unknown, context: MessageContext, path: string): Record<string, number> {
  const time = partsOf(value);
  if (time === undefined) throw new MessageRefusal(`${path} should be a time, found ${describe(value)}`);
  return stampOf(time[0], time[1], context.ros);
}

function defaultOf(type: string, context: MessageContext): unknown {
  const array = arrayOf(type);
  if (array !== null) return Array.from({ length: array.length }, () => defaultOf(array.element, context));
  if (type === 'string') return '';
  if (type === 'bool') return false;
  if (type === 'time') return rosTime(context.now, context.ros);
  if (type === 'duration') return rosTime(0, context.ros);
  if (type === 'float32' || type === 'float64' || Object.hasOwn(integers, type)) return 0;
  return conformFields(type, fieldsOf(type, context.ros), {}, context, type);
}

/** Seconds of a ROS time of either form; undefined when it is none. */
export function secondsOf(value: unknown): number | undefined {
  const time = partsOf(value);
  return time === undefined ? undefined : time[0] + time[1] * 1e-9;
}

function stampOf(whole: number, nano: number, ros: RosVersion): Record<string, number> {
  return ros === 1 ? { secs: whole, nsecs: nano } : { sec: whole, nanosec: nano };
}

/** Seconds and nanoseconds of either form. */
function partsOf(value: unknown): [number, number] | undefined {
  if (!isRecord(value)) return undefined;
  const [first, second] = 'secs' in value || 'nsecs' in value ? ['secs', 'nsecs'] : ['sec', 'nanosec'];
  const { [first!]: whole = 0, [second!]: nano = 0, ...rest } = value;
  if (Object.keys(rest).length > 0 || !Number.isInteger(whole) || !Number.isInteger(nano)) return undefined;
  return [whole as number, nano as number];
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'number' ? String(value) : typeof value;
}
