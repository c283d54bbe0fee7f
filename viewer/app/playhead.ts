/**
 * The moment being shown: plays, pauses, scrubs, steps, loops; follows a live source closely and smoothly. Moved by
 * whoever knows how much wall time has passed. Knows no drawing.
 */

import type { FrameSource } from './frame-source.ts';

export const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 4, 8] as const;

/** What the playhead needs of a source. */
type Timeline = Pick<FrameSource, 'start' | 'end' | 'isLive' | 'neighbour'>;

/** Live is shown this long after it arrived, so that frames can be interpolated, s. */
const LIVE_DELAY = 0.04;
/** Further off than this the playhead jumps instead of catching up, s. */
const SNAP = 0.3;
/** How fast it catches up, 1/s. */
const CATCH_UP = 4;
/** How fast it learns the stream's own pace, 1/s. */
const LEARNING = 2;

export class Playhead {
  time = 0;
  playing = true;
  speed = 1;
  loop = true;
  /** Shows the newest of a live source. */
  live = false;
  #timeline: Timeline | null = null;
  /** Seconds of the stream in a second, and its end when that was last looked at. */
  #pace = 1;
  #lastEnd = 0;

  /** Show another source from its beginning, or its newest when it is live. */
  attach(timeline: Timeline): void {
    this.#timeline = timeline;
    this.live = timeline.isLive;
    this.time = timeline.isLive ? timeline.end : timeline.start;
    this.playing = true;
    this.#pace = 1;
    this.#lastEnd = timeline.end;
  }

  /** @param seconds of wall time since the last call */
  advance(seconds: number): void {
    const line = this.#timeline;
    if (line === null) return;
    if (this.playing && this.live) this.#follow(line, seconds);
    else if (this.playing) this.#play(line, seconds);
    this.#clamp();
  }

  #follow(line: Timeline, seconds: number): void {
    const grown = line.end - this.#lastEnd;
    this.#lastEnd = line.end;
    if (seconds > 0 && grown < SNAP) this.#pace += (grown / seconds - this.#pace) * Math.min(1, LEARNING * seconds);
    const goal = line.end - LIVE_DELAY;
    // At the stream's pace, with a gentle pull: frames arrive in jerks, the picture must not.
    const moved = this.time + seconds * this.#pace;
    const error = goal - moved;
    this.time = Math.abs(error) > SNAP ? goal : moved + error * Math.min(1, CATCH_UP * seconds);
  }

  #play(line: Timeline, seconds: number): void {
    this.time += seconds * this.speed;
    if (this.time < line.end) return;
    if (line.isLive) this.toLive();
    else if (this.loop && line.end > line.start) {
      this.time = line.start + ((this.time - line.start) % (line.end - line.start));
    } else {
      this.playing = false;
    }
  }

  togglePlaying(): void {
    const line = this.#timeline;
    if (this.playing) {
      this.playing = false;
      this.live = false;
      return;
    }
    this.playing = true;
    if (line === null || this.time < line.end) return;
    if (line.isLive) this.toLive();
    else this.time = line.start;
  }

  /** Leaves live; a scrubbed source stays where it is put. */
  seek(time: number): void {
    this.live = false;
    if (this.#timeline?.isLive) this.playing = false;
    this.time = time;
    this.#clamp();
  }

  /** One frame back or on, paused. */
  step(direction: -1 | 1): void {
    this.live = false;
    this.playing = false;
    if (this.#timeline !== null) this.time = this.#timeline.neighbour(this.time, direction);
    this.#clamp();
  }

  toLive(): void {
    if (!this.#timeline?.isLive) return;
    this.live = true;
    this.playing = true;
    this.speed = 1;
    this.time = this.#timeline.end;
  }

  /** To the next of SPEEDS. Live has one speed: changing it leaves live. */
  changeSpeed(direction: -1 | 1): void {
    const nearest = SPEEDS.reduce((best, s) => (Math.abs(s - this.speed) < Math.abs(best - this.speed) ? s : best));
    const index = SPEEDS.indexOf(nearest) + direction;
    this.setSpeed(SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, index))]!);
  }

  setSpeed(speed: number): void {
    this.speed = speed;
    if (speed !== 1) this.live = false;
  }

  /** A live source forgets its oldest frames; the playhead does not stay with them. */
  #clamp(): void {
    const line = this.#timeline;
    if (line === null) return;
    this.time = Math.max(line.start, Math.min(line.end, this.time));
  }
}
