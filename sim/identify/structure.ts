/**
 * Whether a fit's structure can be right. The Fisher matrix of the sensors' noise alone says how certain its parameters
 * would be if it were; drawing blocks of windows again (one Gauss-Newton step a draw) says how far they move from one part of
 * the data to another. A wrong structure asks for other parameters in other parts of the motion, so the second grows and the
 * first does not (the comparison behind White's information matrix test, 1982). Knows no simulator.
 */

import { type Key, RandomStream } from '../../core/rng.ts';
import type { Estimation } from './estimate.ts';
import { solvePositive } from '../../core/linear-algebra.ts';
import type { FitParameter } from './parameters.ts';
import type { ProblemWindow } from './problem.ts';
import type { Recording } from './recording.ts';
import { deviation, median, noiseOf } from './robust-statistics.ts';

export interface StructureCheck {
  /** Bootstrap over Fisher standard deviation of every identified parameter that is not at an end of its range. */
  readonly ratios: readonly { readonly parameter: FitParameter; readonly ratio: number }[];
  /** Their median. */
  readonly ratio: number;
  /** Root mean square of what is left of the residuals, in deviations of the sensors' noise. */
  readonly misfit: number;
  /** No certainty of this fit is to be believed. */
  readonly suspect: boolean;
}

/** Between what a planted pendulum gave, 0.9, and one with 0.1 rad of play in its gears, 1.8. */
export const SUSPECT = 1.4;
const DRAWS = 400;
const STEP = 0.004;
/** A thousandth of the deviation: what an encoder's steps hide. */
const LEAST_VARIANCE = 1e-6;
/** A window starts from a reading, whose noise moves it along these: t^0 to t^(MODES - 1). */
const MODES = 4;

/** @param recordings those that the fit's windows count @param block how many are drawn together, neighbours in time */
export async function checkStructure(
  { estimates, fit }: Estimation,
  recordings: readonly Recording[],
  block: number,
  key: Key,
): Promise<StructureCheck> {
  const { problem, point, windows } = fit;
  const { loss, lower, upper } = problem;
  const known = estimates.filter((e) => e.identifiable);
  const n = point.u.length;
  // The parameters of the fit are the identifiable ones, in their order.
  const free = known.map((_, i) => point.u[i]! - STEP > lower[i]! && point.u[i]! + STEP < upper[i]!);
  const shifted = (sign: number) =>
    point.u.map((_, i) => point.u.map((u, k) => (k === i && free[i] ? u + sign * STEP : u)));
  const answers = await problem.residuals([...shifted(1), ...shifted(-1)]);
  const variances = recordings.map(noiseVariances);
  const information = new Float64Array(n * n);
  let squares = 0;
  let count = 0;
  const steps = windows.map((window, w) => {
    const recording = recordings[window.recording]!;
    const variance = variances[window.recording]!;
    const mask = loss.mask(w);
    const whiten = (value: (k: number) => number) =>
      point.residuals[w]!.map((_, k) => (mask[k] === 0 ? 0 : value(k) / Math.sqrt(variance[k % variance.length]!)));
    const e = whiten((k) => point.residuals[w]![k]!);
    const columns = known.map((_, i) => whiten((k) => (answers[i]![w]![k]! - answers[n + i]![w]![k]!) / (2 * STEP)));
    const basis = startModes(recording, window, whiten);
    for (const vector of [e, ...columns]) for (const mode of basis) takeAway(vector, mode);
    const share = loss.share(point.residuals[w]!, w);
    const matrix = new Float64Array(n * n);
    const gradient = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      gradient[i] = share * dot(columns[i]!, e);
      for (let j = 0; j < n; j++) matrix[i * n + j] = share * dot(columns[i]!, columns[j]!);
    }
    for (let a = 0; a < n * n; a++) information[a] = information[a]! + matrix[a]!;
    squares += share * dot(e, e);
    count += share * (loss.count(w) - basis.length);
    return { matrix, gradient };
  });
  for (let i = 0; i < n; i++) if (!free[i]) information[i * n + i] = 1;
  const moved = movesOf(steps, free, block, new RandomStream(key));
  const ratios = known.flatMap(({ parameter }, i) => {
    if (!free[i]) return [];
    const unit = new Float64Array(n);
    unit[i] = 1;
    const fisher = Math.sqrt(solvePositive(information, unit, n)?.[i] ?? Infinity);
    return [{ parameter, ratio: deviation(moved.map((move) => move[i]!)) / fisher }];
  });
  const ratio = ratios.length === 0 ? 0 : median(ratios.map((r) => r.ratio));
  return { ratios, ratio, misfit: Math.sqrt(squares / count), suspect: ratio > SUSPECT };
}

interface GaussNewton {
  readonly matrix: Float64Array;
  readonly gradient: Float64Array;
}

/** u* - u = -(sum of J^T W J)^-1 sum of J^T W e, of as many windows drawn again in blocks. */
function movesOf(steps: readonly GaussNewton[], free: readonly boolean[], block: number, random: RandomStream) {
  const n = free.length;
  return Array.from({ length: DRAWS }, () => {
    const matrix = new Float64Array(n * n);
    const gradient = new Float64Array(n);
    for (let taken = 0; taken < steps.length; taken += block) {
      const start = random.below(steps.length);
      for (let i = 0; i < block && taken + i < steps.length; i++) {
        const step = steps[(start + i) % steps.length]!;
        for (let a = 0; a < n * n; a++) matrix[a] = matrix[a]! + step.matrix[a]!;
        for (let a = 0; a < n; a++) gradient[a] = gradient[a]! + step.gradient[a]!;
      }
    }
    for (let i = 0; i < n; i++) matrix[i * n + i] = matrix[i * n + i]! * (1 + 1e-6) + (free[i] ? 1e-12 : 1);
    return solvePositive(matrix, gradient, n) ?? gradient.fill(0);
  });
}

/** Orthonormal: how the readings of a window, whitened, move with its start, q = t^m and qd = m t^(m - 1) of each joint. */
function startModes(
  { times, qScale, qdScale }: Recording,
  { from }: ProblemWindow,
  whiten: (value: (k: number) => number) => Float64Array,
): Float64Array[] {
  const n = qScale.length;
  const basis: Float64Array[] = [];
  for (let j = 0; j < n; j++) {
    for (let m = 0; m < MODES; m++) {
      const vector = whiten((k) => {
        const t = times[from + 1 + Math.floor(k / (2 * n))]! - times[from]!;
        const part = k % (2 * n);
        if (part === j) return t ** m / qScale[j]!;
        return part === n + j && m > 0 ? (m * t ** (m - 1)) / qdScale[j]! : 0;
      });
      for (const earlier of basis) takeAway(vector, earlier);
      const length = Math.sqrt(dot(vector, vector));
      if (length > 1e-9) basis.push(vector.map((x) => x / length));
    }
  }
  return basis;
}

/** @param unit of length 1 */
function takeAway(vector: Float64Array, unit: Float64Array): void {
  const along = dot(vector, unit);
  for (let k = 0; k < vector.length; k++) vector[k] = vector[k]! - along * unit[k]!;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k]! * b[k]!;
  return sum;
}

/** Of the sensors' noise on positions, then velocities, in squared units of the recording's deviation, [2 nJoints]. */
export function noiseVariances({ q, qd, qScale, qdScale }: Recording): number[] {
  const n = qScale.length;
  const of = (values: Float64Array, scales: readonly number[]) =>
    scales.map((scale, j) => LEAST_VARIANCE + (noiseOf(values.filter((_, k) => k % n === j)) / scale) ** 2);
  return [...of(q, qScale), ...of(qd, qdScale)];
}
