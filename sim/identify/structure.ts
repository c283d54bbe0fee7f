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
import type { Recording } from './recording.ts';
import { median, noiseOf } from './robust-statistics.ts';

export interface StructureCheck {
  /** Bootstrap over Fisher standard deviation of every identified parameter that is not at an end of its range. */
  readonly ratios: readonly { readonly parameter: FitParameter; readonly ratio: number }[];
  /** Their median. */
  readonly ratio: number;
  /** Beyond the largest that planted structures of the right kind gave: no certainty of this fit is to be believed. */
  readonly suspect: boolean;
}

/** Median ratio from which a structure is suspect. */
export const SUSPECT = 3;
const DRAWS = 400;
const STEP = 0.004;
/** A thousandth of the deviation: what an encoder's steps hide. */
const LEAST_VARIANCE = 1e-6;

/** @param block windows that are drawn together, neighbours in time */
export async function checkStructure(
  { estimates, fit }: Estimation,
  recordings: readonly Recording[],
  block: number,
  key: Key,
): Promise<StructureCheck> {
  const { problem, point } = fit;
  const { loss, lower, upper } = problem;
  const known = estimates.filter((e) => e.identifiable);
  const n = point.u.length;
  const windows = point.residuals.length;
  // The parameters of the fit are the identifiable ones, in their order.
  const free = known.map((_, i) => point.u[i]! - STEP > lower[i]! && point.u[i]! + STEP < upper[i]!);
  const shifted = (sign: number) =>
    point.u.map((_, i) => point.u.map((u, k) => (k === i && free[i] ? u + sign * STEP : u)));
  const answers = await problem.residuals([...shifted(1), ...shifted(-1)]);
  const matrices = Array.from({ length: windows }, () => new Float64Array(n * n));
  const gradients = Array.from({ length: windows }, () => new Float64Array(n));
  const information = new Float64Array(n * n);
  const variances = recordings.map(noiseVariances);
  const row = new Float64Array(n);
  for (const [w, e] of point.residuals.entries()) {
    const weight = loss.weight(e, w);
    const mask = loss.mask(w);
    const variance = variances[loss.recordingOf(w)]!;
    for (let k = 0; k < e.length; k++) {
      if (mask[k] === 0) continue;
      for (let i = 0; i < n; i++) row[i] = (answers[i]![w]![k]! - answers[n + i]![w]![k]!) / (2 * STEP);
      for (let i = 0; i < n; i++) {
        gradients[w]![i] = gradients[w]![i]! + weight * row[i]! * e[k]!;
        for (let j = 0; j < n; j++) {
          const product = row[i]! * row[j]!;
          matrices[w]![i * n + j] = matrices[w]![i * n + j]! + weight * product;
          information[i * n + j] = information[i * n + j]! + product / variance[k % variance.length]!;
        }
      }
    }
  }
  const random = new RandomStream(key);
  const sums = new Float64Array(n);
  const squares = new Float64Array(n);
  for (let draw = 0; draw < DRAWS; draw++) {
    const matrix = new Float64Array(n * n);
    const gradient = new Float64Array(n);
    for (let taken = 0; taken < windows; taken += block) {
      const start = random.below(windows);
      for (let i = 0; i < block && taken + i < windows; i++) {
        const w = (start + i) % windows;
        for (let a = 0; a < n * n; a++) matrix[a] = matrix[a]! + matrices[w]![a]!;
        for (let a = 0; a < n; a++) gradient[a] = gradient[a]! + gradients[w]![a]!;
      }
    }
    for (let i = 0; i < n; i++) matrix[i * n + i] = matrix[i * n + i]! * (1 + 1e-6) + (free[i] ? 1e-12 : 1);
    // u* - u = -(sum of J^T W J)^-1 sum of J^T W e
    const move = solvePositive(matrix, gradient, n) ?? gradient.fill(0);
    for (let i = 0; i < n; i++) {
      sums[i] = sums[i]! + move[i]!;
      squares[i] = squares[i]! + move[i]! ** 2;
    }
  }
  for (let i = 0; i < n; i++) if (!free[i]) information[i * n + i] = 1;
  const ratios = known.flatMap(({ parameter }, i) => {
    if (!free[i]) return [];
    const mean = sums[i]! / DRAWS;
    const bootstrap = Math.sqrt(Math.max(0, squares[i]! / DRAWS - mean * mean));
    const unit = new Float64Array(n);
    unit[i] = 1;
    const fisher = Math.sqrt(solvePositive(information, unit, n)?.[i] ?? Infinity);
    return [{ parameter, ratio: bootstrap / fisher }];
  });
  const ratio = ratios.length === 0 ? 0 : median(ratios.map((r) => r.ratio));
  return { ratios, ratio, suspect: ratio > SUSPECT };
}

/** Of the sensors' noise on positions, then velocities, in squared units of the recording's deviation, [2 nJoints]. */
export function noiseVariances({ q, qd, qScale, qdScale }: Recording): number[] {
  const n = qScale.length;
  const of = (values: Float64Array, scales: readonly number[]) =>
    scales.map((scale, j) => LEAST_VARIANCE + (noiseOf(values.filter((_, k) => k % n === j)) / scale) ** 2);
  return [...of(q, qScale), ...of(qd, qdScale)];
}
