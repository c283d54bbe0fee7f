/**
 * DROPO on recordings: how the parameters that an identification could tell are spread, so that a fifth of a second of
 * simulation under that spread covers what the robot did. Simulations are spent on response surfaces around the fit, made
 * anew and wider until the spread lies well within one. Knows no files and no threads.
 */

import { foldIn, type Key, RandomStream } from '../../core/rng.ts';
import { dropo } from './dropo.ts';
import type { ParameterEstimate } from './estimate.ts';
import type { IdentifiedGroup } from './identify.ts';
import { type FitParameter, slopeAt, toCoordinate, toValue } from './parameters.ts';
import type { Evaluator, ProblemWindow } from './problem.ts';
import type { Recording } from './recording.ts';
import { fitSurface } from './response-surface.ts';
import { noiseVariances } from './structure.ts';
import { latinHypercube, quantilesOf } from './truncated-normal.ts';
import { cutWindows, overlaps, type Span } from './windows.ts';

export interface DistributionTask {
  readonly evaluator: Evaluator;
  readonly recordings: readonly Recording[];
  readonly group: Pick<IdentifiedGroup, 'members' | 'dynamics' | 'estimates'>;
  /** What is left out of each recording, and the share of it that may be used. */
  readonly disturbances: readonly (readonly Span[])[];
  readonly share: number;
}

export interface DistributionOptions {
  readonly key: Key;
  /** @default 60 */
  readonly samples?: number;
  /** Likelihoods of a search. @default 1000 */
  readonly evaluations?: number;
  /** @default 60 */
  readonly transitions?: number;
  readonly onProgress?: (message: string) => void;
}

/** A truncated normal over one parameter, in its unit. */
export interface ParameterSpread {
  readonly parameter: FitParameter;
  /** Of the distribution as it is cut off. */
  readonly mean: number;
  readonly sd: number;
  readonly lower: number;
  readonly upper: number;
  /** False where the transitions told no more than was known: the task's own range stays. */
  readonly informed: boolean;
}

export interface Distribution {
  readonly spreads: readonly ParameterSpread[];
  /** Mean over the transitions, nats. */
  readonly logLikelihood: number;
  readonly transitions: number;
  /** Of the last response surface, as a share of what it describes. */
  readonly surfaceError: number;
}

/** s: long enough for friction and mass to show beside the sensors' noise. */
const HORIZON = 0.2;
/** Of a surface to each side: this many deviations of the fit, and at least this much of the coordinate. */
const REACH = 6;
const LEAST_REACH = 0.2;
const ROUNDS = 3;
/** Variance of an outcome beside the sensors' noise, in squared units of the recording's deviation. */
const EPSILON = 1e-5;
/** A residual that a simulation which blew up is given, or beyond. */
const BLOWN_UP = 1e3;

export async function distributionOf(task: DistributionTask, options: DistributionOptions): Promise<Distribution> {
  const told = task.group.estimates.filter((estimate) => estimate.identifiable);
  const parameters = told.map(({ parameter }) => parameter);
  const windows = transitionsOf(task, options.transitions ?? 60);
  const nominal = task.group.dynamics;
  const n = task.recordings[0]!.joints.length;
  const simulate = async (points: readonly (readonly number[])[]) => {
    const residuals = await task.evaluator.evaluate({ parameters, nominal, points, windows, start: 'smoothed' });
    return residuals.map((ofPoint) => {
      const out = new Float64Array(ofPoint.length * 2 * n);
      for (const [t, r] of ofPoint.entries()) out.set(outcome(r, n), t * 2 * n);
      return out;
    });
  };
  const lowest = parameters.map((p) => toCoordinate(p, p.lower));
  const highest = parameters.map((p) => toCoordinate(p, p.upper));
  const prior = {
    mean: told.map(({ parameter, nominal: value }) => toCoordinate(parameter, value)),
    sd: lowest.map((lower, i) => (highest[i]! - lower) / 4),
  };
  let centre = told.map(({ parameter, value }) => toCoordinate(parameter, value));
  let reach = told.map(reachOf);
  const noise = noiseVariance(task, n);
  for (let round = 1; ; round++) {
    const key = foldIn(options.key, round);
    const lower = centre.map((c, i) => Math.max(lowest[i]!, c - reach[i]!));
    const upper = centre.map((c, i) => Math.min(highest[i]!, c + reach[i]!));
    options.onProgress?.(`distribution: round ${round}, ${windows.length} transitions`);
    const surface = await fitSurface(simulate, { lower, upper }, new RandomStream(foldIn(key, 1)));
    const found = await dropo(
      { lower, upper, prior, simulate: surface.outcomes, noise },
      {
        key: foldIn(key, 2),
        samples: options.samples ?? 60,
        evaluations: options.evaluations ?? 1000,
      },
    );
    // Where the box cut the spread off it was too small, unless it ends where the parameter's range does.
    const tight = centre.map((_, i) => {
      const below = lower[i]! > lowest[i]! && found.mean[i]! - 2 * found.sd[i]! < lower[i]!;
      const above = upper[i]! < highest[i]! && found.mean[i]! + 2 * found.sd[i]! > upper[i]!;
      return below || above;
    });
    if (round < ROUNDS && tight.includes(true)) {
      centre = [...found.mean];
      reach = reach.map((r, i) => (tight[i] ? 2 * r : r));
      continue;
    }
    const shares = latinHypercube(400, parameters.length, new RandomStream(foldIn(key, 3)));
    const points = quantilesOf(found, lower, upper, shares);
    return {
      spreads: parameters.map((parameter, i): ParameterSpread => {
        const values = points.map((point) => toValue(parameter, point[i]!));
        const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
        return {
          parameter,
          mean,
          sd: Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length),
          lower: toValue(parameter, Math.max(lower[i]!, found.mean[i]! - 3 * found.sd[i]!)),
          upper: toValue(parameter, Math.min(upper[i]!, found.mean[i]! + 3 * found.sd[i]!)),
          informed: found.informed[i]!,
        };
      }),
      logLikelihood: found.logLikelihood,
      transitions: windows.length,
      surfaceError: surface.error,
    };
  }
}

/** Of the fit's deviation, as a coordinate. */
function reachOf({ parameter, value, sd }: ParameterEstimate): number {
  return Math.max(LEAST_REACH, (REACH * sd) / slopeAt(parameter, value));
}

/** Windows evenly spread over the members, from a sound reading to a sound reading. */
function transitionsOf({ recordings, group, disturbances, share }: DistributionTask, most: number): ProblemWindow[] {
  const all = group.members.flatMap((index) => {
    const recording = recordings[index]!;
    const settings = { seconds: HORIZON, stride: HORIZON, begin: 0, end: share, soundStarts: true };
    return cutWindows(recording, settings)
      .filter((window) => recording.wild[window.to] === 0 && !overlaps(recording, window, disturbances[index]!))
      .map((window) => ({ ...window, recording: index }));
  });
  if (all.length <= most) return all;
  return Array.from({ length: most }, (_, i) => all[Math.floor(((i + 0.5) * all.length) / most)]!);
}

/** The last reading's residuals: positions, then velocities. */
function outcome(residuals: Float64Array, n: number): Float64Array {
  const last = residuals.slice(-2 * n);
  return last.some((e) => !(Math.abs(e) < BLOWN_UP)) ? last.fill(Number.NaN) : last;
}

/** Of the readings that a transition ends with, the start's noise included: twice the sensors', in scaled units, [2 n]. */
function noiseVariance({ recordings, group }: DistributionTask, n: number): number[] {
  const each = group.members.map((index) => noiseVariances(recordings[index]!));
  return Array.from(
    { length: 2 * n },
    (_, a) => EPSILON + (2 * each.reduce((sum, noise) => sum + noise[a]!, 0)) / each.length,
  );
}
