/**
 * Finds where something that is neither motor, gravity nor friction moved the robot: somebody's hand, an obstacle. Over a
 * tenth of a second a model's velocity departs from the recorded one by its noise and a little more; where it departs by
 * ten times the usual, no parameter explains it. Knows no simulator: predictions come in.
 */

import type { Recording } from './recording.ts';
import { median, robustDeviation } from './robust-statistics.ts';
import { cutWindows, type Span, type Window } from './windows.ts';

const WINDOW = { seconds: 0.1, begin: 0, end: 1, soundStarts: false };
/** In robust standard deviations of the recording's own departures. */
const DISTURBED = 10;
/** A departure this small, in deviations of the velocity, is usual however well the rest agrees. */
const NEGLIGIBLE = 0.01;

/** The windows whose end velocities `findDisturbances` wants. @param stride s */
export function probeWindows(recording: Recording, stride = 0.02): Window[] {
  return cutWindows(recording, { ...WINDOW, stride });
}

/** @param predicted joint velocities at each window's end, simulated from the smoothed state at its start, rad/s, [nJoints] */
export function findDisturbances(
  recording: Recording,
  windows: readonly Window[],
  predicted: readonly ArrayLike<number>[],
): Span[] {
  const n = recording.joints.length;
  const marked = new Set<number>();
  for (let j = 0; j < n; j++) {
    const departures = windows.map((window, w) => predicted[w]![j]! - recording.qdSmooth[window.to * n + j]!);
    const centre = median(departures);
    const usual = Math.max(robustDeviation(departures, centre), NEGLIGIBLE * recording.qdScale[j]!);
    const limit = DISTURBED * usual;
    for (const [w, departure] of departures.entries()) if (Math.abs(departure - centre) > limit) marked.add(w);
  }
  return merge([...marked].sort((a, b) => a - b).map((w) => spanOf(recording, windows[w]!)));
}

function spanOf(recording: Recording, window: Window): Span {
  return { begin: recording.times[window.from]!, end: recording.times[window.to]! };
}

/** Spans in order of their beginnings, those that touch made one. */
function merge(spans: readonly Span[]): Span[] {
  const merged: { begin: number; end: number }[] = [];
  for (const span of spans) {
    const last = merged.at(-1);
    if (last !== undefined && span.begin <= last.end) last.end = Math.max(last.end, span.end);
    else merged.push({ ...span });
  }
  return merged;
}
