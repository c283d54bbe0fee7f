/**
 * Levenberg & Marquardt (Marquardt 1963) on the robust loss, with iteratively reweighted windows and derivatives by
 * differences of simulations. Finishes in tens of evaluations what the evolution strategy has found roughly. Knows the
 * loss and an evaluator, no robot.
 */

import { identity, solvePositive } from '../../core/linear-algebra.ts';
import type { RobustLoss } from './robust-loss.ts';

/** Residuals at search points, [points][windows]. */
export type Residuals = (points: readonly (readonly number[])[]) => Promise<Float64Array[][]>;

export interface LeastSquaresProblem {
  readonly residuals: Residuals;
  readonly loss: RobustLoss;
  readonly lower: readonly number[];
  readonly upper: readonly number[];
}

export interface LeastSquaresOptions {
  readonly maxIterations: number;
  /** Stop when an iteration lowers the loss by less than this share. @default 2e-4 */
  readonly tolerance?: number;
  readonly onIteration?: (loss: number) => void;
}

export interface LeastSquaresPoint {
  readonly u: readonly number[];
  readonly residuals: Float64Array[];
  readonly value: number;
}

/**
 * Change of a coordinate for a difference: well above single-precision physics, small beside what bends the model, such as
 * a joint that starts to slip.
 */
const STEP = 0.004;

/** Sum over windows of weight * J^T J and weight * J^T e, [n * n] and [n]. */
export interface NormalEquations {
  readonly matrix: Float64Array;
  readonly gradient: Float64Array;
}

export async function leastSquares(
  problem: LeastSquaresProblem,
  start: readonly number[],
  options: LeastSquaresOptions,
): Promise<LeastSquaresPoint> {
  const { residuals, loss } = problem;
  const n = start.length;
  let point = await evaluateAt(problem, start);
  let damping = 1e-2;
  for (let iteration = 0; iteration < options.maxIterations; iteration++) {
    const { matrix, gradient } = await normalEquations(problem, point);
    // Two step lengths are tried at once: evaluations come in pairs for free on two cores.
    let next: LeastSquaresPoint | undefined;
    for (let attempt = 0; attempt < 4 && next === undefined; attempt++) {
      const dampings = [damping, damping * 10];
      const candidates = dampings.map((d) => step(problem, point.u, matrix, gradient, d, n));
      const found = await residuals(candidates);
      const values = found.map((r) => loss.value(r));
      const best = values[0]! <= values[1]! ? 0 : 1;
      if (values[best]! < point.value) {
        next = { u: candidates[best]!, residuals: found[best]!, value: values[best]! };
        damping = Math.max(1e-6, dampings[best]! / 5);
      } else {
        damping *= 100;
      }
    }
    if (next === undefined) break;
    const gain = (point.value - next.value) / point.value;
    point = next;
    options.onIteration?.(point.value);
    if (gain < (options.tolerance ?? 2e-4)) break;
  }
  return point;
}

export async function evaluateAt(problem: LeastSquaresProblem, u: readonly number[]): Promise<LeastSquaresPoint> {
  const [residuals] = await problem.residuals([u]);
  return { u, residuals: residuals!, value: problem.loss.value(residuals!) };
}

/** u - (A + damping diag(A))^-1 g, inside the box. Coordinates that push out of the box stay where they are. */
function step(
  { lower, upper }: LeastSquaresProblem,
  u: readonly number[],
  matrix: Float64Array,
  gradient: Float64Array,
  damping: number,
  n: number,
): number[] {
  const free = u.map(
    (value, i) => !(value <= lower[i]! && gradient[i]! > 0) && !(value >= upper[i]! && gradient[i]! < 0),
  );
  const a = identity(n);
  const trace = u.reduce((sum, _, i) => sum + matrix[i * n + i]!, 0);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) if (free[i] && free[j]) a[i * n + j] = matrix[i * n + j]!;
    if (free[i]) a[i * n + i] = matrix[i * n + i]! * (1 + damping) + damping * 1e-4 * trace;
  }
  const move = solvePositive(
    a,
    Float64Array.from(gradient, (g, i) => (free[i] ? g : 0)),
    n,
  );
  return u.map((value, i) => {
    const limited = Math.min(0.7, Math.max(-0.7, move?.[i] ?? 0));
    return Math.min(upper[i]!, Math.max(lower[i]!, value - limited));
  });
}

export interface NormalOptions {
  /** Differences to both sides: twice the evaluations, for the last word on what can be told apart. @default false */
  readonly central?: boolean;
  /** Multiplies the weight of residual `k` of window `w`. @default 1 */
  readonly gain?: (w: number, k: number) => number;
}

export async function normalEquations(
  { residuals, loss, lower, upper }: LeastSquaresProblem,
  point: LeastSquaresPoint,
  { central = false, gain }: NormalOptions = {},
): Promise<NormalEquations> {
  const n = point.u.length;
  const sign = point.u.map((value, i) => (value + STEP > upper[i]! ? -1 : 1));
  // At the edge of the box there is nothing on the other side.
  const twoSided = point.u.map((value, i) => central && value - STEP >= lower[i]! && value + STEP <= upper[i]!);
  const shifted = (direction: number) =>
    point.u.map((_, i) => point.u.map((value, k) => (k === i ? value + direction * sign[i]! * STEP : value)));
  const ahead = await residuals([...shifted(1), ...(central ? shifted(-1) : [])]);
  const matrix = new Float64Array(n * n);
  const gradient = new Float64Array(n);
  const row = new Float64Array(n);
  for (const [w, e] of point.residuals.entries()) {
    const windowWeight = loss.weight(e, w);
    const mask = loss.mask(w);
    for (let k = 0; k < e.length; k++) {
      if (mask[k] === 0) continue;
      const weight = gain === undefined ? windowWeight : windowWeight * gain(w, k);
      for (let i = 0; i < n; i++) {
        const behind = twoSided[i] ? ahead[n + i]![w]![k]! : e[k]!;
        row[i] = (ahead[i]![w]![k]! - behind) / (sign[i]! * STEP * (twoSided[i] ? 2 : 1));
      }
      for (let i = 0; i < n; i++) {
        gradient[i] = gradient[i]! + weight * row[i]! * e[k]!;
        for (let j = 0; j <= i; j++) matrix[i * n + j] = matrix[i * n + j]! + weight * row[i]! * row[j]!;
      }
    }
  }
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) matrix[j * n + i] = matrix[i * n + j]!;
  return { matrix, gradient };
}
