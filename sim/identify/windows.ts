/**
 * Multiple shooting: a recording is cut into short windows, each simulated open loop from the logged state at its start
 * under the logged torque, so that errors do not pile up and chaos does not set in. Knows no simulator.
 */

import type { Recording } from './recording.ts';

/** Readings `from` to `to` of a recording, both included; the simulation starts at `from`. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

export interface WindowSettings {
  /** s */
  readonly seconds: number;
  /** From start to start, s. */
  readonly stride: number;
  /** Shares of the recording between which windows lie. */
  readonly begin: number;
  readonly end: number;
  /** Let no window start at a wild reading: the next sound one is taken. */
  readonly soundStarts: boolean;
}

/** A billionth: times are sums of steps. */
const SLACK = 1e-9;

export function cutWindows(recording: Recording, settings: WindowSettings): Window[] {
  const { times, wild } = recording;
  const duration = times.at(-1)!;
  const last = settings.end * duration + SLACK;
  const windows: Window[] = [];
  let next = settings.begin * duration - SLACK;
  for (let from = 0; from < times.length; from++) {
    if (times[from]! < next || (settings.soundStarts && wild[from] === 1)) continue;
    const until = times[from]! + settings.seconds + SLACK;
    if (until - SLACK > last) break;
    let to = from;
    while (to + 1 < times.length && times[to + 1]! <= until) to++;
    if (to > from) windows.push({ from, to });
    while (next <= times[from]!) next += settings.stride;
  }
  return windows;
}

/** A stretch of a recording, s. */
export interface Span {
  readonly begin: number;
  readonly end: number;
}

/** Whether a window shares any time with any of the spans. */
export function overlaps(recording: Recording, window: Window, spans: readonly Span[]): boolean {
  const begin = recording.times[window.from]!;
  const end = recording.times[window.to]!;
  return spans.some((span) => span.begin <= end && span.end >= begin);
}

/** sqrt(mean of e^2) over the windows' residuals, which are in units of the recording's deviation. */
export function pooledError(residuals: readonly Float64Array[]): number {
  let sum = 0;
  let count = 0;
  for (const window of residuals) {
    for (const e of window) sum += e * e;
    count += window.length;
  }
  return Math.sqrt(sum / count);
}
