/** Whether a sensor's stated quality is one: known parts, finite numbers of the right sign. Knows no sensor's workings. */

import { InputError, nearest } from '../../core/errors.ts';
import type { SensorSpec } from '../../core/sensor.ts';
import type { SensorQuality } from '../robot-spec.ts';

/** The parts that `SensorQuality.parts` may name. */
export function partsOf(kind: SensorSpec['kind'] | 'encoders'): readonly string[] {
  if (kind === 'encoders') return ['position', 'velocity'];
  return kind === 'imu' ? ['orientation', 'gyro', 'accelerometer'] : ['reading'];
}

/** @param name the sensor's, for the message @throws InputError */
export function checkQuality(name: string, quality: SensorQuality, parts: readonly string[]): void {
  const check = (
    field: string,
    value: number | null | undefined,
    isRight: (value: number) => boolean,
    want: string,
  ) => {
    if (value === undefined || value === null || isRight(value)) return;
    throw new InputError(`quality of sensor ${name}: ${field} should be ${want}, found ${value}`);
  };
  const isLength = (value: number) => value >= 0 && value < Infinity;
  check('latency', quality.latency, isLength, 'seconds, 0 or more');
  check('dropout', quality.dropout, (value) => value >= 0 && value <= 1, 'a share from 0 to 1');
  check('rateHz', quality.rateHz, (value) => value > 0 && value < Infinity, 'above 0, or null');
  for (const [part, noise] of Object.entries(quality.parts ?? {})) {
    if (!parts.includes(part)) {
      throw new InputError(`quality of sensor ${name}: no part named ${part}`, { repair: suggest(part, parts) });
    }
    for (const [field, value] of Object.entries(noise)) check(`${part}.${field}`, value, isLength, '0 or more');
  }
}

/** The repair for a name that is none of `known`. */
export function suggest(word: string, known: readonly string[]): string {
  const close = nearest(word, known);
  return close === undefined ? `known: ${known.join(', ')}` : `did you mean ${close}?`;
}
