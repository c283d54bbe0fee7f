/**
 * Waiting until a moment, in Node: a timer to shortly before it, then turns of the event loop, so that messages are
 * still read while the last millisecond passes. Node's timers alone are late by up to a millisecond and more.
 */

import { type Clock, systemClock } from '../core/clock.ts';

export interface Pacer {
  readonly clock: Clock;
  /** Resolves as soon as `deadline` has come and `ready` holds, at `latest` in any case. Times in s on the clock. */
  wait(deadline: number, latest: number, ready: () => boolean): Promise<void>;
}

/** How long before the deadline the timer ends, s. */
const SPIN = 0.0015;

export const nodePacer: Pacer = {
  clock: systemClock,
  wait: (deadline, latest, ready) =>
    new Promise((resolve) => {
      const poll = () => {
        const now = systemClock.now();
        if (now >= latest || (now >= deadline && ready())) resolve();
        // A timer of less than a millisecond would be one of a millisecond.
        else if (deadline - now >= SPIN + 0.001) setTimeout(poll, Math.floor((deadline - now - SPIN) * 1000));
        else setImmediate(poll);
      };
      poll();
    }),
};
