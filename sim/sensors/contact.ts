/**
 * Contact switches: which links press on something. Errors act on the force before it is compared, in N, so a noisy switch
 * flickers near its threshold and nowhere else, and what is read stays 0 or 1. Knows no engine.
 */

import type { RandomStream } from '../../core/rng.ts';
import type { ContactSensor } from '../../core/sensor.ts';
import type { SensorQuality } from '../robot-spec.ts';
import type { SensedWorld } from '../sensed-world.ts';
import type { Instrument } from './instrument.ts';
import { ReadingError } from './reading-error.ts';

export class Contact implements Instrument {
  readonly castsRays = false;
  readonly #links: readonly number[];
  readonly #threshold: number;
  readonly #forces: Float64Array;
  readonly #error: ReadingError;

  /** @param links indices into the model's links */
  constructor(sensor: ContactSensor, links: readonly number[], { parts }: SensorQuality) {
    this.#links = links;
    this.#threshold = sensor.threshold;
    this.#forces = new Float64Array(links.length);
    this.#error = new ReadingError(parts?.reading, links.length);
  }

  begin(random: RandomStream): void {
    this.#error.begin(random);
  }

  read(world: SensedWorld, _dt: number, out: Float64Array): void {
    world.contactForces(this.#links, this.#forces);
    compareForces(this.#forces, this.#threshold, out);
  }

  corrupt(_exact: Float64Array, dt: number, random: RandomStream, out: Float64Array): void {
    this.#error.apply(this.#forces, 0, this.#forces.length, dt, random);
    compareForces(this.#forces, this.#threshold, out);
  }
}

/** 1 where a force reaches the threshold, else 0. @param forces N @param threshold N */
export function compareForces(forces: Float64Array, threshold: number, out: Float64Array): void {
  for (let i = 0; i < forces.length; i++) out[i] = forces[i]! >= threshold ? 1 : 0;
}
