/**
 * How old the robot's newest state is, and what time it is on the robot. The robot's clock is compared with ours by the
 * least difference ever seen between receipt and stamp (after Cristian, "Probabilistic clock synchronization", 1989);
 * what a state took longer than the quickest one is its delay. A stamp that stands still is no new state.
 */

import { type Fault, makeFault } from './faults.ts';

/** Two quartz clocks may part by this much; a delay that grows faster is seen as one. */
const DRIFT = 1e-4;

export class StateClock {
  readonly #jumpLimit: number;
  readonly #subject: string;
  /** receipt - stamp of the quickest message: clock difference plus the least way. */
  #offset = NaN;
  #oneWay = 0;
  #stamp = -Infinity;
  #receipt = -Infinity;
  #interval = NaN;

  /** @param jumpLimit a robot clock that jumps ahead by more is a fault, s @param subject whose stamps they are */
  constructor(jumpLimit: number, subject = 'the state') {
    this.#subject = subject;
    this.#jumpLimit = jumpLimit;
  }

  /** Half the least round trip, s: what the comparison of clocks alone cannot see. */
  set oneWay(seconds: number) {
    this.#oneWay = seconds;
  }

  /** When the newest state arrived, s on our clock; -Infinity before the first. */
  get receipt(): number {
    return this.#receipt;
  }

  /** Smoothed time between states, s; NaN before the second. */
  get interval(): number {
    return this.#interval;
  }

  /**
   * Take the stamp of a state.
   * @returns true for a new state, false for one that is not newer than the last, or a fault
   */
  accept(stamp: number, receipt: number): boolean | Fault {
    if (!(stamp > 0)) {
      return makeFault(
        'bad-stamp',
        `${this.#subject}'s stamp is ${stamp} s`,
        'let the robot stamp its states with its clock',
      );
    }
    if (stamp < this.#stamp) {
      const back = (this.#stamp - stamp).toFixed(3);
      return makeFault(
        'bad-stamp',
        `${this.#subject}'s stamp went back by ${back} s`,
        'only one publisher may send states, and the robot clock must not be set while it runs',
      );
    }
    if (stamp === this.#stamp) return false;
    const difference = receipt - stamp;
    if (difference < this.#offset - this.#jumpLimit) {
      const ahead = (this.#offset - difference).toFixed(3);
      return makeFault(
        'bad-stamp',
        `${this.#subject}'s stamp jumped ahead by ${ahead} s`,
        'the robot clock must not be set while it runs: deploy again',
      );
    }
    if (Number.isNaN(this.#offset)) {
      this.#offset = difference;
    } else {
      const elapsed = receipt - this.#receipt;
      this.#offset = Math.min(difference, this.#offset + DRIFT * elapsed);
      this.#interval = Number.isNaN(this.#interval) ? elapsed : this.#interval + 0.05 * (elapsed - this.#interval);
    }
    this.#stamp = stamp;
    this.#receipt = receipt;
    return true;
  }

  /** The robot's clock at our time `now`, s. */
  robotTime(now: number): number {
    // offset = ours - robot's + one way
    return now - this.#offset + this.#oneWay;
  }

  /** Since the sensors were read: by stamp, and by receipt where that says more. Infinity before the first state. */
  age(now: number): number {
    if (this.#receipt === -Infinity) return Infinity;
    return Math.max(this.robotTime(now) - this.#stamp, this.sinceReceipt(now));
  }

  sinceReceipt(now: number): number {
    return now - this.#receipt;
  }
}
