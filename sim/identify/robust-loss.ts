/**
 * How bad a set of windows is, such that neither a push by hand nor a broken reading decides the fit: a window's mean
 * square error m counts as rho(m / s^2), rho(x) = k^2 x / (k^2 + x) (Geman & McClure 1985), with s^2 the median m of its
 * recording at a reference point; velocities read wild count nothing. Dividing by s^2 also weighs each recording by its
 * own noise, as maximum likelihood does. Knows no search.
 */

import type { ProblemWindow } from './problem.ts';
import type { Recording } from './recording.ts';
import { median } from './robust-statistics.ts';

/** Windows beyond this many typical errors lose their say. */
const SATURATION = 2.5;

export class RobustLoss {
  readonly #windows: readonly ProblemWindow[];
  /** 1 for the residuals that count, 0 for wild ones, and how many count; one entry a window. */
  readonly #masks: readonly { readonly mask: Uint8Array; readonly count: number }[];
  /** s^2 of each recording. */
  #reference: readonly number[];

  /** @param reference residuals at the reference point, one array a window */
  constructor(recordings: readonly Recording[], windows: readonly ProblemWindow[], reference: readonly Float64Array[]) {
    this.#windows = windows;
    this.#masks = windows.map((window) => maskOf(recordings[window.recording]!, window));
    this.#reference = [];
    this.refer(reference);
  }

  /** Take the residuals of another point as the typical ones. */
  refer(residuals: readonly Float64Array[]): void {
    const means = residuals.map((r, w) => this.meanSquare(r, w));
    const count = 1 + Math.max(...this.#windows.map((window) => window.recording));
    this.#reference = Array.from({ length: count }, (_, index) => {
      const own = means.filter((_, w) => this.#windows[w]!.recording === index);
      return Math.max(1e-12, median(own));
    });
  }

  /** Mean square of the residuals of window `w` that count. */
  meanSquare(residuals: Float64Array, w: number): number {
    const { mask, count } = this.#masks[w]!;
    let sum = 0;
    for (let i = 0; i < residuals.length; i++) sum += mask[i]! * residuals[i]! * residuals[i]!;
    return sum / count;
  }

  mask(w: number): Uint8Array {
    return this.#masks[w]!.mask;
  }

  /** Mean rho over the windows. */
  value(residuals: readonly Float64Array[]): number {
    let sum = 0;
    for (const [w, r] of residuals.entries()) {
      const x = this.meanSquare(r, w) / this.#reference[this.#windows[w]!.recording]!;
      sum += (SATURATION ** 2 * x) / (SATURATION ** 2 + x);
    }
    return sum / residuals.length;
  }

  /**
   * What window `w`'s squared residuals are to be multiplied by so that their sum has the gradient of `value`, times the
   * number of windows: rho'(x) / (s^2 count), rho'(x) = (k^2 / (k^2 + x))^2.
   */
  weight(residuals: Float64Array, w: number): number {
    const reference = this.#reference[this.#windows[w]!.recording]!;
    return this.share(residuals, w) / (reference * this.#masks[w]!.count);
  }

  /** rho'(x) of window `w`: 1 for a good window, towards 0 for one that is beyond explaining. */
  share(residuals: Float64Array, w: number): number {
    const x = this.meanSquare(residuals, w) / this.#reference[this.#windows[w]!.recording]!;
    return (SATURATION ** 2 / (SATURATION ** 2 + x)) ** 2;
  }

  /** Index of the recording that window `w` is of. */
  recordingOf(w: number): number {
    return this.#windows[w]!.recording;
  }

  /** How many of window `w`'s residuals count. */
  count(w: number): number {
    return this.#masks[w]!.count;
  }
}

/** Residuals come a reading at a time: positions, then velocities. */
function maskOf(recording: Recording, window: ProblemWindow): { mask: Uint8Array; count: number } {
  const n = recording.joints.length;
  const mask = new Uint8Array((window.to - window.from) * 2 * n).fill(1);
  for (let k = window.from + 1; k <= window.to; k++) {
    if (recording.wild[k] === 1) mask.fill(0, (k - window.from - 1) * 2 * n + n, (k - window.from) * 2 * n);
  }
  return { mask, count: mask.reduce((sum, flag) => sum + flag, 0) };
}
