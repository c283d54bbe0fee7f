/** sensor_msgs/Imu: orientation, angular velocity, linear acceleration (specific force). REP 145. */

import { IMU } from '../../core/sensor.ts';
import { describe, fieldsOf, listOf, readRotation, readVector, type SensorReader } from './reader.ts';

export const imu: SensorReader = {
  type: 'sensor_msgs/Imu',
  stamped: true,
  read(message, out) {
    if (out.length !== IMU.size) return `an IMU gives ${IMU.size} numbers, the contract expects ${out.length}`;
    const { orientation, angular_velocity, linear_acceleration, ...rest } = fieldsOf(message);
    if (orientation === undefined || angular_velocity === undefined || linear_acceleration === undefined) {
      return `expected a sensor_msgs/Imu, found ${describe(message)}`;
    }
    readVector(angular_velocity, out, IMU.gyro);
    readVector(linear_acceleration, out, IMU.accelerometer);
    // A covariance that begins with -1 says that there is no such measurement.
    if (isAbsent(rest.angular_velocity_covariance)) out.fill(NaN, IMU.gyro, IMU.gyro + 3);
    if (isAbsent(rest.linear_acceleration_covariance)) out.fill(NaN, IMU.accelerometer, IMU.accelerometer + 3);
    if (!isAbsent(rest.orientation_covariance)) return readRotation(orientation, out, IMU.orientation);
    out.fill(NaN, IMU.orientation, IMU.orientation + 4);
    return null;
  },
};

function isAbsent(covariance: unknown): boolean {
  return listOf(covariance)?.[0] === -1;
}
