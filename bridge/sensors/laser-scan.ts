/** sensor_msgs/LaserScan: one range a beam, m; `range_max` where nothing was hit or nothing valid came. REP 117. */

import { describe, fieldsOf, listOf, numberOf, type SensorReader } from './reader.ts';

export const laserScan: SensorReader = {
  type: 'sensor_msgs/LaserScan',
  stamped: true,
  read(message, out) {
    const { ranges, range_max } = fieldsOf(message);
    const list = listOf(ranges);
    const far = numberOf(range_max);
    if (list === null || !(far > 0)) {
      return `expected a sensor_msgs/LaserScan with ranges and range_max, found ${describe(message)}`;
    }
    if (list.length !== out.length) return `it has ${list.length} ranges, the contract expects ${out.length}`;
    for (let i = 0; i < out.length; i++) {
      const range = list[i];
      if (range !== null && typeof range !== 'number') return `range ${i} is ${typeof range}, expected a number`;
      // null is Infinity or NaN that went through JSON
      out[i] = range !== null && range >= 0 && range < far ? range : far;
    }
    return null;
  },
  scan(message) {
    const { angle_min, angle_max, range_min, range_max } = fieldsOf(message);
    const scan = {
      from: numberOf(angle_min),
      to: numberOf(angle_max),
      minRange: numberOf(range_min),
      maxRange: numberOf(range_max),
    };
    return Object.values(scan).every(Number.isFinite) ? scan : null;
  },
};
