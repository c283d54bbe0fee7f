/**
 * std_msgs/Float64MultiArray and Float32MultiArray: the numbers as they are, for contacts, heights and depths. They carry
 * no time of measurement: age counts from arrival.
 */

import { describe, fieldsOf, listOf, numberOf, type SensorReader } from './reader.ts';

const floatArray = (type: string): SensorReader => ({
  type,
  stamped: false,
  read(message, out) {
    const fields = fieldsOf(message);
    const list = listOf(fields.data);
    if (list === null) return `expected a ${type}, found ${describe(message)}`;
    const offset = fieldsOf(fields.layout).data_offset ?? 0;
    if (offset !== 0) return `its data_offset is ${String(offset)}, expected 0`;
    if (list.length !== out.length) return `it has ${list.length} numbers, the contract expects ${out.length}`;
    for (let i = 0; i < out.length; i++) out[i] = numberOf(list[i]);
    return null;
  },
});

export const float64Array = floatArray('std_msgs/Float64MultiArray');
export const float32Array = floatArray('std_msgs/Float32MultiArray');
