/**
 * What a simulated robot measures beside its joints as the ROS messages of its topics, in the JSON that rosbridge makes of
 * them: numbers that are not finite are null, and a beam that hits nothing is infinite. Knows no socket.
 */

import { InputError } from '../../core/errors.ts';
import type { RobotState } from '../../core/robot.ts';
import { imuMessage, odometryMessage, scanMessage } from '../../core/ros-sensors.ts';
import { isOdometry } from '../../core/ros-topics.ts';
import { IMU, type SensorSpec } from '../../core/sensor.ts';
import { baseType, type RosVersion, rosTime } from '../ros-names.ts';

/** A sensor and its readings a second; null for one a state. */
export interface ServedSensor {
  readonly spec: SensorSpec;
  readonly rateHz: number | null;
}

interface TopicName {
  readonly topic: string;
  readonly type: string;
}

export interface ServedTopics {
  readonly state: TopicName;
  readonly sensors?: Readonly<Record<string, TopicName>> | undefined;
  readonly odometry?: TopicName | undefined;
}

export interface SensorPublication {
  readonly topic: string;
  /** As the contract writes it. */
  readonly type: string;
  /** The message of a state; null while there is no new reading. @param stamp s */
  message(state: RobotState, stamp: number): Record<string, unknown> | null;
}

/** @throws InputError for a topic type that does not fit its sensor */
export function sensorPublications(
  ros: ServedTopics,
  sensors: readonly ServedSensor[],
  version: RosVersion,
): SensorPublication[] {
  const publications = sensors.flatMap(({ spec, rateHz }): SensorPublication[] => {
    const source = ros.sensors?.[spec.name];
    if (source === undefined) return [];
    const make = messageOf(spec, baseType(source.type), version);
    const isDue = everyReading(rateHz);
    const message = (state: RobotState, stamp: number) =>
      isDue(state.time) ? make(state.sensors[spec.name]!, stamp) : null;
    return [{ topic: source.topic, type: source.type, message }];
  });
  const { odometry } = ros;
  if (odometry === undefined || isOdometry(ros.state.type)) return publications;
  const message = (state: RobotState, stamp: number) => odometryJson(state, stamp, version);
  return [...publications, { ...odometry, message }];
}

export function odometryJson(state: RobotState, stamp: number, version: RosVersion): Record<string, unknown> {
  return plain(odometryMessage(state.base, state.twist, ZERO), stamp, version);
}

const ZERO = { sec: 0, nanosec: 0 };

function messageOf(spec: SensorSpec, type: string, version: RosVersion) {
  const refuse = (wanted: string) =>
    new InputError(`sensor ${spec.name}: a ${spec.kind} should be published as ${wanted}, found ${type}`, {
      repair: 'correct ros.sensors of the robot',
    });
  if (spec.kind === 'imu') {
    if (type !== 'sensor_msgs/Imu') throw refuse('sensor_msgs/Imu');
    return (reading: Float64Array, stamp: number) =>
      plain(imuMessage(reading.subarray(0, IMU.size), ZERO, spec.link), stamp, version);
  }
  if (spec.kind === 'lidar' && type === 'sensor_msgs/LaserScan') {
    return (reading: Float64Array, stamp: number) => {
      // Where nothing is hit the reading is the range's end; a real driver says infinite (REP 117).
      const ranges = reading.map((range) => (range < spec.maxRange ? range : Infinity));
      return plain(scanMessage(ranges, ZERO, spec.link, spec), stamp, version);
    };
  }
  const [double, single] = ['std_msgs/Float64MultiArray', 'std_msgs/Float32MultiArray'];
  if (type !== double && type !== single) throw refuse(`${double} or ${single}`);
  const round = type === single ? Math.fround : (value: number) => value;
  return (reading: Float64Array) => ({
    layout: { dim: [], data_offset: 0 },
    data: Array.from(reading, (value) => finite(round(value))),
  });
}

/** True for the first state and then once in each period of the sensor, on the robot's clock. */
function everyReading(rateHz: number | null): (time: number) => boolean {
  if (rateHz === null) return () => true;
  let last = NaN;
  return (time) => {
    const period = Math.floor(time * rateHz + 1e-6);
    if (period === last) return false;
    last = period;
    return true;
  };
}

/** As JSON has it: typed arrays as arrays, null for what is not finite, the stamp as this ROS writes it. */
function plain(message: object, stamp: number, version: RosVersion): Record<string, unknown> {
  const converted = convert(message) as { header: object };
  return { ...converted, header: { ...converted.header, stamp: rosTime(stamp, version) } };
}

function convert(value: unknown): unknown {
  if (typeof value === 'number') return finite(value);
  if (ArrayBuffer.isView(value) && 'length' in value) return Array.from(value as unknown as ArrayLike<number>, finite);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, convert(field)]));
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
