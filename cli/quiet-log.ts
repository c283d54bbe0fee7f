/** Log lines for a person: a line that repeats many times a second is shown once a second, with how often it came. */

import { type Clock, systemClock } from '../core/clock.ts';

/** Seconds for which a line that differs only in its numbers is not shown again. */
const QUIET_SECONDS = 1;

export class QuietLog {
  readonly #write: (line: string) => void;
  readonly #clock: Clock;
  readonly #shown = new Map<string, { at: number; hidden: number }>();

  constructor(write: (line: string) => void, clock: Clock = systemClock) {
    this.#write = write;
    this.#clock = clock;
  }

  line(text: string): void {
    const now = this.#clock.now();
    const kind = text.replace(/[0-9.]+/g, '#');
    const last = this.#shown.get(kind);
    if (last !== undefined && now - last.at < QUIET_SECONDS) {
      last.hidden++;
      return;
    }
    const hidden = last?.hidden ?? 0;
    // Texts of unknown clients must not fill the memory.
    if (this.#shown.size > 1000) this.#shown.clear();
    this.#shown.set(kind, { at: now, hidden: 0 });
    this.#write(hidden === 0 ? text : `${text} (and ${hidden} more like it)`);
  }
}
