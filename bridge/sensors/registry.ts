/** Every sensor reader by the ROS type it reads. Add one by adding a file and a line. */

import { InputError } from '../../core/errors.ts';
import { baseType } from '../ros-names.ts';
import { float32Array, float64Array } from './float-array.ts';
import { imu } from './imu.ts';
import { laserScan } from './laser-scan.ts';
import { odometry } from './odometry.ts';
import type { SensorReader } from './reader.ts';

const readers: ReadonlyMap<string, SensorReader> = new Map(
  [imu, laserScan, float64Array, float32Array, odometry].map((reader) => [reader.type, reader]),
);

export const sensorTypes: readonly string[] = [...readers.keys()];

/** @param where names the sensor @throws InputError naming the types there are */
export function readerOf(type: string, where: string): SensorReader {
  const reader = readers.get(baseType(type));
  if (reader !== undefined) return reader;
  throw new InputError(`contract: ${where} comes as ${type}, which this bridge cannot read`, {
    repair: `types: ${sensorTypes.join(', ')}`,
  });
}
