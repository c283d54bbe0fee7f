/**
 * Which frame of a ring is due now. A robot is shown as it is: the newest frame. A trainer delivers bursts of frames,
 * faster or slower than real time: they are copied aside and played at the pace of the simulation, in unbroken
 * stretches. When the trainer has run too far ahead the next stretch starts near the present; when it is slower than
 * real time a burst is played in slow motion, so that it lasts until the next. Knows no client.
 */

import { type Frame, makeFrame, type OpenFrameRing } from '../../core/frame-ring.ts';

/** The frame to show; the object is reused. `jump`: it does not follow from the one before. */
export interface DueFrame {
  readonly frame: Frame;
  readonly jump: boolean;
}

export interface Pace {
  /** @param now s, any clock that never goes back @returns null when nothing new is due */
  next(now: number): DueFrame | null;
}

export class NewestFrame implements Pace {
  readonly #ring: OpenFrameRing;
  readonly #frame: Frame;

  constructor(ring: OpenFrameRing) {
    this.#ring = ring;
    this.#frame = makeFrame(ring.spec);
  }

  next(): DueFrame | null {
    const newest = this.#ring.published - 1;
    if (newest <= this.#frame.number || !this.#ring.read(newest, this.#frame)) return null;
    return { frame: this.#frame, jump: false };
  }
}

/** Longest stretch copied aside, s and bytes. */
const STRETCH_SECONDS = 4;
const STRETCH_BYTES = 32 * 1024 * 1024;
/** Slowest motion, as a share of real time; a trainer slower than this is shown with pauses. */
const SLOWEST = 0.25;
/** Weight of the newest interval between bursts in their mean. */
const INTERVAL_WEIGHT = 0.5;

export class SimulationPace implements Pace {
  readonly #ring: OpenFrameRing;
  /** A queue in a circle: `#count` frames from `#head` on, and always one free slot, for the frame on show. */
  readonly #queue: Frame[] = [];
  readonly #slots: number;
  #head = 0;
  #count = 0;
  /** The ring's frame to copy next. */
  #wanted: number;
  /** When the frame before the queue's first was due; NaN while nothing plays. */
  #playedUntil = Number.NaN;
  /** From frame to frame on show, s. */
  #period: number;
  /** When the last burst came, and the mean interval between bursts; NaN while unknown. */
  #lastBurst = Number.NaN;
  #interval = Number.NaN;
  #jump = false;

  constructor(ring: OpenFrameRing) {
    this.#ring = ring;
    const { dt } = ring.spec;
    const bytes = makeFrame(ring.spec).values.byteLength;
    const wanted = Math.min(STRETCH_SECONDS / dt, STRETCH_BYTES / Math.max(1, bytes));
    this.#slots = Math.max(2, Math.ceil(wanted)) + 1;
    this.#wanted = ring.oldest;
    this.#period = dt;
  }

  next(now: number): DueFrame | null {
    if (this.#copy() > 0) this.#adapt(now);
    if (this.#count === 0) {
      // Starved: go on from here when frames come, without hurrying after the lost time.
      this.#playedUntil = Number.NaN;
      return null;
    }
    const period = this.#period;
    if (Number.isNaN(this.#playedUntil)) this.#playedUntil = now - period;
    const due = Math.min(this.#count, Math.floor((now - this.#playedUntil) / period + 1e-6));
    if (due < 1) return null;
    const frame = this.#queue[(this.#head + due - 1) % this.#slots]!;
    const jump = this.#jump;
    this.#head = (this.#head + due) % this.#slots;
    this.#count -= due;
    this.#playedUntil += due * period;
    this.#jump = false;
    return { frame, jump };
  }

  /** A burst came: play what waits so that it lasts until the next is expected, within bounds. */
  #adapt(now: number): void {
    const { dt } = this.#ring.spec;
    if (!Number.isNaN(this.#lastBurst)) {
      const interval = now - this.#lastBurst;
      const before = Number.isNaN(this.#interval) ? interval : this.#interval;
      this.#interval = before + INTERVAL_WEIGHT * (interval - before);
      this.#period = Math.max(dt, Math.min(dt / SLOWEST, this.#interval / this.#count));
    }
    this.#lastBurst = now;
  }

  /** Take what the ring has, as far as it continues the stretch and there is room. @returns how many frames */
  #copy(): number {
    if (this.#count === 0 && this.#wanted < this.#ring.oldest) {
      this.#wanted = this.#ring.oldest;
      this.#jump = true;
    }
    const before = this.#count;
    while (this.#count < this.#slots - 1 && this.#wanted < this.#ring.published) {
      const at = (this.#head + this.#count) % this.#slots;
      const frame = this.#queue[at] ?? makeFrame(this.#ring.spec);
      this.#queue[at] = frame;
      if (!this.#ring.read(this.#wanted, frame)) break;
      this.#count++;
      this.#wanted++;
    }
    return this.#count - before;
  }
}
