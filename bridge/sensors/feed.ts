/**
 * One sensor's readings as they come in: how old the newest is and what is wrong with it. A sensor the policy reads stops
 * the robot when it is silent, late or not finite; of one it does not read the reading becomes NaN, and goes on being
 * recorded. Knows no link.
 */

import { type Fault, makeFault, milliseconds } from '../faults.ts';
import { stampOf } from '../ros-names.ts';
import { StateClock } from '../state-clock.ts';
import { fieldsOf, type SensorReader } from './reader.ts';

export interface FeedSource {
  readonly name: string;
  readonly topic: string;
  readonly type: string;
  readonly reader: SensorReader;
  /** 1 for each number that is read, [size]. */
  readonly needed: Uint8Array;
  /** A reading older than this is a fault, s. */
  readonly limit: number;
  /** Takes each new reading; it is reused. NaN where nothing is known. */
  readonly accept: (reading: Float64Array) => void;
}

export class SensorFeed {
  readonly source: FeedSource;
  /** Whether the policy reads it. */
  readonly isNeeded: boolean;
  /** Messages, right or wrong, and new readings among them. */
  messages = 0;
  readings = 0;
  readonly #reading: Float64Array;
  readonly #time: StateClock;
  #newest = NaN;
  #fault: Fault | null = null;

  constructor(source: FeedSource) {
    this.source = source;
    this.isNeeded = source.needed.some((flag) => flag === 1);
    this.#reading = new Float64Array(source.needed.length);
    this.#time = new StateClock(source.limit, `sensor ${source.name}`);
    this.#forget();
  }

  /** Smoothed time between readings, s; NaN before the second. */
  get interval(): number {
    return this.#time.interval;
  }

  set oneWay(seconds: number) {
    this.#time.oneWay = seconds;
  }

  /** The first message that could not be used. */
  get fault(): Fault | null {
    return this.#fault;
  }

  /** @param message of unknown origin @param receipt s */
  receive(message: unknown, receipt: number): void {
    this.messages++;
    const wrong = this.#take(message, receipt);
    if (wrong === null) return;
    this.#fault ??= wrong;
    this.#forget();
  }

  /** Since the newest reading was measured. @param robotTime the robot's clock, NaN where it is not known yet, s */
  age(now: number, robotTime: number): number {
    if (this.readings === 0) return Infinity;
    const own = this.#time.age(now);
    // By the robot's own clock a sensor is late also by what every one of its readings is late.
    return this.source.reader.stamped && robotTime - this.#newest > own ? robotTime - this.#newest : own;
  }

  /** What forbids to go on; null for a sensor that is well, or that nobody reads. */
  check(now: number, robotTime: number): Fault | null {
    const { name, topic, limit } = this.source;
    const age = this.age(now, robotTime);
    if (!this.isNeeded) {
      if (age > limit && this.readings > 0) this.#forget();
      return null;
    }
    if (this.#fault !== null) return this.#fault;
    if (age <= limit) return null;
    const found = this.readings === 0 ? 'nothing has come' : `the newest reading is ${milliseconds(age)} old`;
    return makeFault(
      'stale-sensor',
      `sensor ${name}: ${found} on ${topic} (limit ${milliseconds(limit)})`,
      'look whether its driver is alive and the clocks of the robot agree (chrony)',
    );
  }

  #take(message: unknown, receipt: number): Fault | null {
    const { reader, needed, accept } = this.source;
    const reading = this.#reading;
    const wrong = reader.read(message, reading);
    if (wrong !== null) return this.#bad(wrong);
    for (let i = 0; i < reading.length; i++) {
      if (needed[i] === 1 && !Number.isFinite(reading[i])) {
        return this.#bad(`number ${i} of ${reading.length} is missing or not finite`);
      }
    }
    let stamp = receipt;
    if (reader.stamped) {
      const given = stampOf(fieldsOf(fieldsOf(message).header).stamp);
      if (given === null) return this.#bad('it has no header.stamp');
      stamp = given.seconds;
    }
    const accepted = this.#time.accept(stamp, receipt);
    if (typeof accepted === 'object') return { ...accepted, name: 'bad-sensor' };
    if (!accepted) return null;
    this.#newest = stamp;
    this.readings++;
    accept(reading);
    return null;
  }

  #bad(what: string): Fault {
    const { name, topic } = this.source;
    return makeFault('bad-sensor', `sensor ${name}: ${what} (${topic})`, 'look into the sensor and its driver');
  }

  #forget(): void {
    this.source.accept(this.#reading.fill(NaN));
  }
}
