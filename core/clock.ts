/** Time is a passed clock, so that simulation, bridge and tests choose their own. Knows no timers. */

export interface Clock {
  /** Seconds since an origin of the clock's choosing; never decreases. */
  now(): number;
}

/** A clock that moves only when told to. */
export class ManualClock implements Clock {
  #now: number;

  constructor(start = 0) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  /** @param seconds >= 0 */
  advance(seconds: number): void {
    this.#now += seconds;
  }
}

/** Wall time that never steps back: the epoch at start plus the monotonic timer. Seconds since 1970. */
export const systemClock: Clock = {
  now: () => (performance.timeOrigin + performance.now()) / 1000,
};
