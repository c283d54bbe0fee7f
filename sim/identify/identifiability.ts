/**
 * What a recording can tell: the Gauss-Newton Fisher matrix at the optimum gives each parameter's standard deviation and
 * which two hide behind one another. An open-loop error persists, so residuals are not independent: n of them whose
 * neighbours correlate by r count as n (1 - r) / (1 + r) (Bartlett 1946); overlapping windows count for the time they add.
 * Knows no simulator.
 */

import { identity, solvePositive } from '../../core/linear-algebra.ts';
import { type LeastSquaresPoint, type LeastSquaresProblem, normalEquations } from './least-squares.ts';
import { type FitParameter, slopeAt, toCoordinate, toValue } from './parameters.ts';
import type { RobustLoss } from './robust-loss.ts';

/** A parameter known to less than this, relative, is reported as identified. */
export const IDENTIFIABLE = 0.2;
/** Two parameters correlated beyond this cannot be told apart. */
const CONFOUNDED = 0.9;

export interface Certainty {
  readonly parameter: FitParameter;
  readonly value: number;
  /** In the parameter's unit. */
  readonly sd: number;
  /** sd over the value, or over the parameter's reference where the value is smaller. */
  readonly relativeSd: number;
  readonly identifiable: boolean;
  /** The parameter it cannot be told apart from, when it is not identifiable because of that. */
  readonly confoundedWith: FitParameter | null;
  /** The value lies on the edge of the range that was searched. */
  readonly atEdge: boolean;
}

export interface Sampling {
  readonly nJoints: number;
  /** Stride over length of the windows, at most 1. */
  readonly independentShares: readonly number[];
}

export async function certaintyOf(
  parameters: readonly FitParameter[],
  point: LeastSquaresPoint,
  problem: LeastSquaresProblem,
  sampling: Sampling,
): Promise<Certainty[]> {
  const { loss } = problem;
  const n = parameters.length;
  const variance = residualVariance(point, loss);
  const effective = effectiveShares(point, loss, sampling.nJoints);
  // weight * count undoes the loss's mean over a window's residuals
  const gain = (w: number, k: number) =>
    (sampling.independentShares[loss.recordingOf(w)]! * loss.count(w) * effective(w, kindOf(k, sampling.nJoints))) /
    variance;
  const { matrix: information } = await normalEquations(problem, point, { central: true, gain });
  for (const [i, parameter] of parameters.entries()) {
    // What was known before: a uniform distribution over the range has variance width^2 / 12.
    const width = toCoordinate(parameter, parameter.upper) - toCoordinate(parameter, parameter.lower);
    information[i * n + i] = information[i * n + i]! + 12 / width ** 2;
  }
  const covariance = inverse(information, n);
  return parameters.map((parameter, i) => {
    const value = toValue(parameter, point.u[i]!);
    const sd = Math.sqrt(covariance[i * n + i]!) * slopeAt(parameter, value);
    const relativeSd = sd / Math.max(Math.abs(value), parameter.reference);
    const atEdge = isAtEdge(parameter, value);
    const identifiable = relativeSd < IDENTIFIABLE && !atEdge;
    return {
      parameter,
      value,
      sd,
      relativeSd,
      identifiable,
      confoundedWith: identifiable ? null : partnerOf(parameters, covariance, i),
      atEdge,
    };
  });
}

/** Residuals come a reading at a time: positions (0), then velocities (1). */
function kindOf(k: number, nJoints: number): 0 | 1 {
  return k % (2 * nJoints) < nJoints ? 0 : 1;
}

/**
 * (1 - r) / (1 + r) of the residuals of a window's recording, by kind, with r the correlation of neighbouring readings of
 * one joint about zero.
 */
function effectiveShares(point: LeastSquaresPoint, loss: RobustLoss, nJoints: number) {
  const sums = new Map<number, { readonly products: [number, number]; readonly squares: [number, number] }>();
  for (const [w, residuals] of point.residuals.entries()) {
    const recording = loss.recordingOf(w);
    const sum = sums.get(recording) ?? { products: [0, 0], squares: [0, 0] };
    sums.set(recording, sum);
    const share = loss.share(residuals, w);
    for (let k = 2 * nJoints; k < residuals.length; k++) {
      const kind = kindOf(k, nJoints);
      const [before, now] = [residuals[k - 2 * nJoints]!, residuals[k]!];
      sum.products[kind] += share * before * now;
      sum.squares[kind] += (share * (before * before + now * now)) / 2;
    }
  }
  return (w: number, kind: 0 | 1): number => {
    const { products, squares } = sums.get(loss.recordingOf(w))!;
    const r = squares[kind] > 0 ? Math.max(0, products[kind] / squares[kind]) : 0;
    return (1 - r) / (1 + r);
  };
}

/** No friction is a natural end of a range; the others are where the search was stopped. */
function isAtEdge({ transform, lower, upper }: FitParameter, value: number): boolean {
  const near = 1e-3 * (upper - lower);
  return value > upper - near || (transform !== 'log1p' && value < lower + near);
}

/** Mean of m / s^2 over the windows, weighed as the fit weighs them. */
function residualVariance(point: LeastSquaresPoint, loss: RobustLoss): number {
  let sum = 0;
  let weights = 0;
  for (const [w, residuals] of point.residuals.entries()) {
    // weight * count = rho' / s^2, so its product with m is rho' m / s^2
    const x = loss.weight(residuals, w) * loss.count(w);
    sum += x * loss.meanSquare(residuals, w);
    weights += loss.share(residuals, w);
  }
  return sum / weights;
}

function partnerOf(parameters: readonly FitParameter[], covariance: Float64Array, i: number): FitParameter | null {
  const n = parameters.length;
  let best: FitParameter | null = null;
  let most = CONFOUNDED;
  for (const [j, parameter] of parameters.entries()) {
    if (j === i) continue;
    const correlation = covariance[i * n + j]! / Math.sqrt(covariance[i * n + i]! * covariance[j * n + j]!);
    if (Math.abs(correlation) > most) [best, most] = [parameter, Math.abs(correlation)];
  }
  return best;
}

function inverse(matrix: Float64Array, n: number): Float64Array {
  const unit = identity(n);
  const out = new Float64Array(n * n);
  for (let k = 0; k < n; k++) {
    const column = solvePositive(matrix, unit.subarray(k * n, (k + 1) * n), n);
    if (column === null) throw new RangeError('the information matrix is not positive definite');
    for (let i = 0; i < n; i++) out[i * n + k] = column[i]!;
  }
  return out;
}

/**
 * The one parameter to give up before fitting the rest again, or null when all are identifiable. Of confounded ones, the
 * last in the order of the parameters, which is the order of what is best known beforehand; else the least certain.
 */
export function firstToGiveUp(certainties: readonly Certainty[]): Certainty | null {
  const doubtful = certainties.filter((c) => !c.identifiable);
  const confounded = doubtful.filter((c) => c.confoundedWith !== null);
  if (confounded.length > 0) return confounded.at(-1)!;
  return doubtful.reduce<Certainty | null>(
    (worst, c) => (worst === null || c.relativeSd > worst.relativeSd ? c : worst),
    null,
  );
}
