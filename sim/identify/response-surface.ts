/**
 * A second-order response surface (Box & Wilson 1951): what simulations say at a few points, as a quadratic function of
 * the parameters. A search that asks for a hundred thousand simulations gets them for the price of a hundred. Knows no
 * simulator; trusted within its box only.
 */

import { clamp } from '../../core/math.ts';
import type { RandomStream } from '../../core/rng.ts';
import type { Outcomes } from './dropo.ts';
import { identity, solvePositive } from '../../core/linear-algebra.ts';
import { deviation, median } from './robust-statistics.ts';
import { latinHypercube } from './truncated-normal.ts';

export interface SurfaceBox {
  readonly lower: readonly number[];
  readonly upper: readonly number[];
}

export interface Surface {
  /** The same as what it was fitted to, of points within the box; a point beyond counts as the nearest within. */
  readonly outcomes: (points: readonly (readonly number[])[]) => Float64Array[];
  /** Root mean square of its error at fresh points over the spread of the outcomes; the median over the numbers. */
  readonly error: number;
}

/** Points simulated for each coefficient, and fresh ones to judge by. */
const PER_COEFFICIENT = 2.5;
const FRESH = 12;
const RIDGE = 1e-6;

export async function fitSurface(
  simulate: Outcomes,
  { lower, upper }: SurfaceBox,
  random: RandomStream,
): Promise<Surface> {
  const n = lower.length;
  const count = ((n + 1) * (n + 2)) / 2;
  const place = (share: readonly number[]) => share.map((p, i) => lower[i]! + p * (upper[i]! - lower[i]!));
  const design = latinHypercube(Math.ceil(PER_COEFFICIENT * count), n, random).map(place);
  const fresh = latinHypercube(FRESH, n, random).map(place);
  const all = await simulate([...design, ...fresh]);
  const seen = all.slice(0, design.length);
  const numbers = seen[0]!.length;

  /** 1, z, z z^T of the point scaled to [-1, 1]. */
  const row = (point: readonly number[]): Float64Array => {
    const z = point.map((x, i) => clamp((2 * (x - lower[i]!)) / (upper[i]! - lower[i]!) - 1, -1, 1));
    const squares = z.flatMap((a, i) => z.slice(i).map((b) => a * b));
    return Float64Array.from([1, ...z, ...squares]);
  };
  const rows = design.map(row);
  const coefficients = new Float64Array(numbers * count);
  for (let t = 0; t < numbers; t++) coefficients.set(regress(rows, seen, t, count), t * count);
  // Where a simulation ended early its neighbours do, too.
  const anyEnded = seen.some((outcomes) => !outcomes.every(Number.isFinite));
  const outcomes = (points: readonly (readonly number[])[]) =>
    points.map((point) => {
      const x = row(point);
      const out = new Float64Array(numbers);
      for (let t = 0; t < numbers; t++) {
        let sum = 0;
        for (let i = 0; i < count; i++) sum += coefficients[t * count + i]! * x[i]!;
        out[t] = sum;
      }
      if (!anyEnded) return out;
      const like = seen[nearest(x, rows, n)]!;
      return out.map((value, t) => (Number.isFinite(like[t]!) ? value : Number.NaN));
    });
  return { outcomes, error: surfaceError(outcomes(fresh), all.slice(design.length), seen) };
}

/** (X^T X)^-1 X^T y with a trace of ridge, over the simulations that did not end early. */
function regress(rows: readonly Float64Array[], seen: readonly Float64Array[], t: number, count: number): Float64Array {
  const matrix = identity(count).map((one) => RIDGE * one);
  const right = new Float64Array(count);
  for (const [k, x] of rows.entries()) {
    const y = seen[k]![t]!;
    if (!Number.isFinite(y)) continue;
    for (let i = 0; i < count; i++) {
      right[i] = right[i]! + x[i]! * y;
      for (let j = 0; j < count; j++) matrix[i * count + j] = matrix[i * count + j]! + x[i]! * x[j]!;
    }
  }
  return solvePositive(matrix, right, count)!;
}

/** Index of the row whose point lies nearest: entries 1 to n are the coordinates. */
function nearest(x: Float64Array, rows: readonly Float64Array[], n: number): number {
  let best = 0;
  let least = Infinity;
  for (const [k, other] of rows.entries()) {
    let square = 0;
    for (let i = 1; i <= n; i++) square += (x[i]! - other[i]!) ** 2;
    if (square < least) [best, least] = [k, square];
  }
  return best;
}

function surfaceError(said: Float64Array[], truth: Float64Array[], seen: Float64Array[]): number {
  const ratios = Float64Array.from(seen[0]!, (_, t) => {
    const spread = deviation(seen.map((o) => o[t]!).filter(Number.isFinite));
    const errors = said.map((o, k) => o[t]! - truth[k]![t]!).filter(Number.isFinite);
    const square = errors.reduce((sum, e) => sum + e * e, 0) / Math.max(1, errors.length);
    return spread > 0 ? Math.sqrt(square) / spread : 0;
  });
  return median(ratios);
}
