/**
 * Where a robot's sensors and its base are heard in ROS: the topics a contract gives, and the customary ones for what it
 * does not name. Shared by whoever writes a contract and whoever plays the robot. Knows no message.
 */

import type { RosContract } from './contract.ts';
import type { SensorSpec } from './sensor.ts';

const types: Readonly<Record<SensorSpec['kind'], string>> = {
  imu: 'sensor_msgs/msg/Imu',
  lidar: 'sensor_msgs/msg/LaserScan',
  contact: 'std_msgs/msg/Float64MultiArray',
  heights: 'std_msgs/msg/Float64MultiArray',
  depth: 'std_msgs/msg/Float64MultiArray',
};

/** Readings a sensor may miss before it is too old. */
const MISSED = 2.5;

export interface SensingParts {
  readonly sensors: readonly SensorSpec[];
  /** By sensor: readings a second, null for one a state; and how late they are, s. */
  readonly quality: Readonly<Record<string, { readonly rateHz?: number | null; readonly latency?: number }>>;
  readonly floating: boolean;
  /** Limit of the state's age, s. */
  readonly stateAge: number;
}

/** `ros` with a topic for each sensor and, where the base floats, for odometry. What it names stays as it is. */
export function completeRos(ros: RosContract, { sensors, quality, floating, stateAge }: SensingParts): RosContract {
  const topics = sensors.map(({ name, kind }) => {
    const { rateHz, latency = 0 } = quality[name] ?? {};
    const slowest = latency + (rateHz === undefined || rateHz === null ? 0 : MISSED / rateHz);
    const age = slowest > stateAge ? { age: slowest } : {};
    return [name, { topic: `/${name}`, type: types[kind], ...age }] as const;
  });
  const named = { ...Object.fromEntries(topics), ...ros.sensors };
  const odometry = ros.odometry ?? { topic: '/odom', type: 'nav_msgs/msg/Odometry' };
  return {
    ...ros,
    ...(Object.keys(named).length > 0 && { sensors: named }),
    ...(floating && !isOdometry(ros.state.type) && { odometry }),
  };
}

/** The topic that tells where the base is; null when none does. */
export function odometryTopic(ros: RosContract): string | null {
  if (isOdometry(ros.state.type)) return ros.state.topic;
  return ros.odometry?.topic ?? null;
}

/** Whether a type, in either ROS's spelling, is nav_msgs/Odometry. */
export function isOdometry(type: string): boolean {
  return type.replace('/msg/', '/') === 'nav_msgs/Odometry';
}
