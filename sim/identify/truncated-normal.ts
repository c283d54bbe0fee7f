/**
 * Normal distributions cut off at the ends of an interval, and points that represent a product of them: a Latin hypercube
 * of quantiles (McKay, Beckman & Conover 1979), the same strata whatever mean and deviation, so that what is computed from
 * the points changes smoothly with both. Knows no robot.
 */

import { exp, log } from '../../core/math.ts';
import type { RandomStream } from '../../core/rng.ts';

/** P(Z <= z) of a standard normal; Abramowitz & Stegun 26.2.17, absolute error below 7.5e-8. */
export function normalCdf(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const tail =
    0.3989422804014327 *
    exp((-z * z) / 2) *
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return z < 0 ? tail : 1 - tail;
}

/** z with P(Z <= z) = p, by Acklam's rational approximation (relative error below 1.2e-9). @param p in (0, 1) */
export function normalQuantile(p: number): number {
  const tail = (q: number) => {
    const r = Math.sqrt(-2 * log(q));
    return (
      (((((-7.784894002430293e-3 * r - 0.3223964580411365) * r - 2.400758277161838) * r - 2.549732539343734) * r +
        4.374664141464968) *
        r +
        2.938163982698783) /
      ((((7.784695709041462e-3 * r + 0.3224671290700398) * r + 2.445134137142996) * r + 3.754408661907416) * r + 1)
    );
  };
  if (p < 0.02425) return tail(p);
  if (p > 1 - 0.02425) return -tail(1 - p);
  const q = p - 0.5;
  const r = q * q;
  return (
    ((((((-39.69683028665376 * r + 220.9460984245205) * r - 275.9285104469687) * r + 138.357751867269) * r -
      30.66479806614716) *
      r +
      2.506628277459239) *
      q) /
    (((((-54.47609879822406 * r + 161.5858368580409) * r - 155.6989798598866) * r + 66.80131188771972) * r -
      13.28068155288572) *
      r +
      1)
  );
}

/** Of the normal distribution before it is cut off. */
export interface Spread {
  readonly mean: readonly number[];
  readonly sd: readonly number[];
}

/** Midpoints of `count` equally likely strata, in another random order in each dimension, [count][n], each in (0, 1). */
export function latinHypercube(count: number, n: number, random: RandomStream): number[][] {
  const points = Array.from({ length: count }, () => new Array<number>(n).fill(0));
  for (let i = 0; i < n; i++) {
    const order = Array.from({ length: count }, (_, k) => k);
    for (let k = count - 1; k > 0; k--) {
      const other = random.below(k + 1);
      [order[k], order[other]] = [order[other]!, order[k]!];
    }
    for (const [k, stratum] of order.entries()) points[k]![i] = (stratum + 0.5) / count;
  }
  return points;
}

/**
 * The points at the given quantiles of the truncated normals, [count][n].
 * @param shares each in (0, 1)
 */
export function quantilesOf(
  { mean, sd }: Spread,
  lower: readonly number[],
  upper: readonly number[],
  shares: readonly (readonly number[])[],
): number[][] {
  const from = mean.map((m, i) => normalCdf((lower[i]! - m) / sd[i]!));
  const to = mean.map((m, i) => normalCdf((upper[i]! - m) / sd[i]!));
  return shares.map((share) =>
    share.map((p, i) => {
      const q = from[i]! + p * (to[i]! - from[i]!);
      const x = mean[i]! + sd[i]! * normalQuantile(Math.min(1 - 1e-12, Math.max(1e-12, q)));
      return Math.min(upper[i]!, Math.max(lower[i]!, x));
    }),
  );
}
