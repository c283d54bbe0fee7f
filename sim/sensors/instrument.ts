/**
 * What the suite asks of every kind of sensor: an exact reading of the world, and the same with the errors of its kind. When
 * a reading is taken, lost or delayed is not its business. Knows no engine.
 */

import type { RandomStream } from '../../core/rng.ts';
import type { SensedWorld } from '../sensed-world.ts';

export interface Instrument {
  /** Whether a reading costs rays; then none is cast but for a reading that is taken. */
  readonly castsRays: boolean;
  /** A new episode: draw biases, forget the last one. */
  begin(random: RandomStream): void;
  /** The exact reading. @param dt since the last call, s; 0 at the first of an episode @param out [sensorSize] */
  read(world: SensedWorld, dt: number, out: Float64Array): void;
  /**
   * The reading with errors.
   * @param exact what `read` wrote last @param dt since the last call, s; 0 at the first of an episode @param out [sensorSize]
   */
  corrupt(exact: Float64Array, dt: number, random: RandomStream, out: Float64Array): void;
}
