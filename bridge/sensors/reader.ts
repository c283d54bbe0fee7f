/** What a sensor reader is: it turns a message of one ROS type into the numbers of a reading (core/sensor.ts). */

import type { ScanGeometry } from '../../core/episode.ts';

export interface SensorReader {
  /** As ROS 1 writes it. */
  readonly type: string;
  /** Messages carry the time of the measurement. */
  readonly stamped: boolean;
  /**
   * Write the reading; NaN stands for what the message does not tell.
   * @param message of unknown origin @param out its length is what the contract expects
   * @returns what is wrong with the message, and then `out` holds nothing; or null
   */
  read(message: unknown, out: Float64Array): string | null;
  /** How the beams of a scan lie, where the message tells. */
  scan?(message: unknown): ScanGeometry | null;
}

export type Fields = Readonly<Record<string, unknown>>;

/** The fields of an object; of anything else none. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

/** NaN for whatever is no finite number: null is what NaN and the infinities become in JSON. */
export function numberOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : NaN;
}

export function listOf(value: unknown): ArrayLike<unknown> | null {
  if (Array.isArray(value)) return value;
  return ArrayBuffer.isView(value) && 'length' in value ? (value as unknown as ArrayLike<unknown>) : null;
}

/** Write x, y, z of a vector. */
export function readVector(value: unknown, out: Float64Array, at: number): void {
  const { x, y, z } = fieldsOf(value);
  out[at] = numberOf(x);
  out[at + 1] = numberOf(y);
  out[at + 2] = numberOf(z);
}

/** A rotation's length may differ from 1 by this much: float32 and rounding to a few digits, no more. */
const LENGTH_TOLERANCE = 0.01;

/**
 * Write x, y, z, w of a rotation as they came.
 * @returns what is wrong with it; numbers that are missing are not wrong, but NaN
 */
export function readRotation(value: unknown, out: Float64Array, at: number): string | null {
  readVector(value, out, at);
  out[at + 3] = numberOf(fieldsOf(value).w);
  const [x, y, z, w] = [out[at]!, out[at + 1]!, out[at + 2]!, out[at + 3]!];
  const length = Math.sqrt(x * x + y * y + z * z + w * w);
  return Math.abs(length - 1) > LENGTH_TOLERANCE ? `its orientation has length ${length.toFixed(3)}, expected 1` : null;
}

/** What came, in a few words. */
export function describe(message: unknown): string {
  if (typeof message !== 'object' || message === null) return String(message).slice(0, 60);
  return `fields ${Object.keys(message).join(', ')}`.slice(0, 80);
}
