/**
 * The way of a sensor's readings to whoever asks for them: when one is taken, whether it is lost, and when it arrives. Until
 * a newer one arrives the last one stays. Knows nothing of what the numbers mean.
 */

import type { RandomStream } from '../../core/rng.ts';
import type { SensorQuality } from '../robot-spec.ts';
import { DelayLine, TIME_SLACK } from './delay-line.ts';

export class Channel {
  readonly #line: DelayLine;
  /** Readings a second; 0 for one at every call. */
  readonly #rate: number;
  readonly #dropout: number;
  #isFresh = true;
  /** When the first reading was taken, when the last, when the next is due, s. */
  readonly #times = { first: 0, last: 0, next: 0 };

  /** @param size numbers in a reading @param dropout share of readings that are lost */
  constructor(size: number, quality: SensorQuality, dropout: number) {
    this.#line = new DelayLine(size, quality.latency ?? 0);
    this.#rate = quality.rateHz ?? 0;
    this.#dropout = dropout;
  }

  /** A new episode. Its first reading is never lost and arrives at once: the sensor has been running before. */
  clear(): void {
    this.#line.clear();
    this.#isFresh = true;
  }

  /** Whether a reading is taken at `time`, s: the k-th at the first call at or after k / rate. */
  isDue(time: number): boolean {
    return this.#isFresh || this.#rate === 0 || time >= this.#times.next - TIME_SLACK;
  }

  /** Time since the last reading was taken, s; 0 before the first. */
  elapsed(time: number): number {
    return this.#isFresh ? 0 : time - this.#times.last;
  }

  /** Send off the reading taken at `time`. */
  send(reading: Float64Array, time: number, random: RandomStream): void {
    const times = this.#times;
    if (this.#isFresh) times.first = time;
    times.last = time;
    if (this.#rate > 0) {
      const taken = Math.floor((time - times.first + TIME_SLACK) * this.#rate);
      times.next = times.first + (taken + 1) / this.#rate;
    }
    const isLost = this.#dropout > 0 && !this.#isFresh && random.uniform() < this.#dropout;
    if (!isLost) this.#line.push(reading, time);
    this.#isFresh = false;
  }

  /** The reading that has arrived by `time`. Not to be kept. Of no use before the first is sent. */
  receive(time: number): Float64Array {
    return this.#line.newest(time);
  }
}
