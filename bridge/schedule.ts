/**
 * When the control loop ticks: absolute deadlines, next = previous + period, so that lateness never adds up; and a slow
 * phase lock that puts the deadlines just behind the arrival of states, so that a command answers a state at once.
 * Knows neither timers nor robot.
 */

import { clamp, wrapAngle } from '../core/math.ts';

/** How long after a state's arrival a tick is meant to be, s. */
const LEAD = 0.0003;
/** Of the phase error taken back at each tick, and the largest part of a period that a deadline is moved. */
const GAIN = 0.1;
const MAX_NUDGE = 0.01;
/** A state that is late is waited for, at most this part of a period and this long, s. */
const GRACE = { part: 0.2, seconds: 0.002 } as const;

export class Schedule {
  readonly period: number;
  readonly #grace: number;
  #deadline = 0;
  /** Deadlines that passed without a tick. */
  missed = 0;

  /** @param period s */
  constructor(period: number) {
    this.period = period;
    this.#grace = Math.min(GRACE.part * period, GRACE.seconds);
  }

  start(now: number): void {
    this.#deadline = now;
    this.missed = 0;
  }

  get deadline(): number {
    return this.#deadline;
  }

  /** The tick happens now at the latest, with or without a new state. */
  get latest(): number {
    return this.#deadline + this.#grace;
  }

  /**
   * Set the next deadline.
   * @param now of this tick @param receipt of the newest state @param interval between states, NaN where not known
   * @returns how late this tick was, s
   */
  advance(now: number, receipt: number, interval: number): number {
    const late = now - this.#deadline;
    this.#deadline += this.period;
    if (this.#deadline <= now) {
      const skipped = Math.floor((now - this.#deadline) / this.period) + 1;
      this.#deadline += skipped * this.period;
      this.missed += skipped;
    }
    if (interval > 0 && Number.isFinite(receipt)) {
      // Phase error in (-cycle/2, cycle/2]: positive when ticks come too long after states.
      const turn = (2 * Math.PI) / phaseCycle(this.period, interval);
      const error = wrapAngle((now - receipt - LEAD) * turn) / turn;
      this.#deadline -= clamp(GAIN * error, -MAX_NUDGE * this.period, MAX_NUDGE * this.period);
    }
    return late;
  }
}

/** Most ticks after which the pattern of ticks and states repeats, for the phase lock to see it. */
const MAX_PATTERN = 4;

/**
 * The time modulo which ticks keep their phase to states: 250 Hz states and 100 Hz ticks (4 ms, 10 ms) meet every
 * second tick, so phases are alike modulo 2 ms. The interval itself where they never meet.
 */
function phaseCycle(period: number, interval: number): number {
  for (let ticks = 1; ticks <= MAX_PATTERN; ticks++) {
    const states = (ticks * period) / interval;
    if (Math.abs(states - Math.round(states)) < 0.05 && states >= 1)
      return (ticks * period) / Math.round(states) / ticks;
  }
  return interval;
}
