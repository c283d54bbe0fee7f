/**
 * A delta action learned in two ways, by inverting the simulator and through it, and the one taken that makes simulations
 * of windows it has not seen depart less; none, where neither does. Knows no files and no threads.
 */

import { foldIn, type Key } from '../../core/rng.ts';
import type { DeltaActionModel } from '../delta-action.ts';
import { type DeltaTask, fitDelta, invertDelta, refineDelta } from './delta-fit.ts';
import type { ProblemWindow } from './problem.ts';
import { RobustLoss } from './robust-loss.ts';
import { cutWindows, overlaps, type Span } from './windows.ts';

/** What of a recording may be used, s. */
export interface Part {
  readonly recording: number;
  readonly begin: number;
  readonly end: number;
}

export interface ChosenDelta {
  readonly model: DeltaActionModel;
  readonly how: 'none' | 'inverted' | 'through the simulator';
  /** Robust loss on the windows that decided, relative to the simulator's without a correction. */
  readonly relativeLoss: number;
}

/** Windows whose inverse teaches, s; and those that decide. */
const SHORT = 0.1;
const LONG = 0.5;
/** The last of each part decides. */
const HELD = 0.25;
/** Windows that weights are refined on, and how often. */
const MOST_LONG = 40;
const ITERATIONS = 5;
/** Of the net that is refined through the simulator: each of its weights costs a simulation of every window. */
const REFINED_HIDDEN = 4;

/** @param disturbances spans of each recording that nothing is learned from */
export async function learnDelta(
  task: DeltaTask,
  parts: readonly Part[],
  disturbances: readonly (readonly Span[])[],
  key: Key,
): Promise<ChosenDelta> {
  const { recordings, evaluator, dynamics } = task;
  const early = parts.map((p) => ({ ...p, end: p.begin + (1 - HELD) * (p.end - p.begin) }));
  const late = parts.map((p) => ({ ...p, begin: p.begin + (1 - HELD) * (p.end - p.begin) }));
  const cut = (some: readonly Part[], seconds: number, stride: number): ProblemWindow[] =>
    some.flatMap(({ recording, begin, end }) => {
      const duration = recordings[recording]!.times.at(-1)!;
      // A part shorter than a window is one.
      const length = Math.min(seconds, 0.95 * (end - begin));
      const settings = { seconds: length, stride, begin: begin / duration, end: end / duration, soundStarts: true };
      return cutWindows(recordings[recording]!, settings)
        .filter((window) => !overlaps(recordings[recording]!, window, disturbances[recording]!))
        .map((window) => ({ ...window, recording }));
    });
  const learn = await invertDelta(task, cut(early, SHORT, SHORT / 2));
  const choose = await invertDelta(task, cut(late, SHORT, SHORT / 2));
  const seconds = parts.reduce((sum, { begin, end }) => sum + end - begin, 0);
  const judged = cut(late, LONG, 0.2);
  const none = { how: 'none', model: learn.model, relativeLoss: 1 } as const;
  if (learn.samples.outputs.length === 0 || choose.samples.outputs.length === 0 || judged.length === 0) return none;
  const inverted = fitDelta(learn, choose, { key: foldIn(key, 1) });
  const small = fitDelta(learn, choose, { key: foldIn(key, 2), hidden: [REFINED_HIDDEN] });
  const refined = await refineDelta(
    task,
    small,
    cut(early, LONG, Math.max(0.2, seconds / MOST_LONG)),
    judged,
    ITERATIONS,
  );
  const candidates = [
    { how: 'none', model: { ...inverted, weights: inverted.weights.map(() => 0) } },
    { how: 'inverted', model: inverted },
    { how: 'through the simulator', model: refined },
  ] as const;
  const residuals: Float64Array[][] = [];
  for (const { model } of candidates) {
    const [found] = await evaluator.evaluate({
      parameters: [],
      nominal: dynamics,
      points: [[]],
      windows: judged,
      start: 'smoothed',
      delta: model,
    });
    residuals.push(found!);
  }
  const loss = new RobustLoss(recordings, judged, residuals[0]!);
  const values = residuals.map((r) => loss.value(r));
  const best = Math.min(...values);
  return { ...candidates[values.indexOf(best)]!, relativeLoss: best / values[0]! };
}
