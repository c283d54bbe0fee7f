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

export const jointStateType: RosType<JointStateMessage> = rosType(
  'sensor_msgs/msg/JointState',
  ['std_msgs/Header header', 'string[] name', 'float64[] position', 'float64[] velocity', 'float64[] effort'],
  {
    'std_msgs/Header': ['builtin_interfaces/Time stamp', 'string frame_id'],
    'builtin_interfaces/Time': ['int32 sec', 'uint32 nanosec'],
  },
);

export const stringType: RosType<{ readonly data: string }> = rosType('std_msgs/msg/String', ['string data'], {});

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
