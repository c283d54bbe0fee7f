/**
 * Statistics of few seeds: interquartile mean, stratified bootstrap and probability of improvement as rliable has them (Agarwal
 * et al., "Deep reinforcement learning at the edge of the statistical precipice", NeurIPS 2021), tail risk, paired differences,
 * and how well one domain ranks policies for another (MMRV: Li et al., "Evaluating real-world robot manipulation policies in
 * simulation", CoRL 2024). Knows no policy.
 */

import { type Key, RandomStream } from '../../core/rng.ts';
import { mean } from '../../policy/evaluate.ts';

/** Seeds of each stratum: a task, or a domain of it. */
export type Strata = readonly (readonly number[])[];

export interface Estimate {
  readonly value: number;
  readonly ci95: readonly [number, number];
}

/** Mean of the middle half: floor(n / 4) values are cut from each end, so fewer than four are averaged whole. */
export function iqm(values: readonly number[]): number {
  const cut = Math.floor(values.length / 4);
  return mean(sorted(values).slice(cut, values.length - cut));
}

export function median(values: readonly number[]): number {
  const all = sorted(values);
  const middle = Math.floor(all.length / 2);
  return all.length % 2 === 1 ? all[middle]! : (all[middle - 1]! + all[middle]!) / 2;
}

/**
 * A statistic of all strata with its percentile bootstrap interval: seeds are drawn again within their own stratum, so no
 * resample has more of an easy domain than was measured.
 */
export function stratifiedBootstrap(
  strata: Strata,
  statistic: (strata: Strata) => number,
  key: Key,
  resamples = 2000,
): Estimate {
  const random = new RandomStream(key);
  const draws = Float64Array.from({ length: resamples }, () =>
    statistic(strata.map((values) => values.map(() => values[random.below(values.length)]!))),
  ).sort();
  return { value: statistic(strata), ci95: [quantile(draws, 0.025), quantile(draws, 0.975)] };
}

/** The interquartile mean over all runs of all strata. */
export function iqmOf(strata: Strata, key: Key): Estimate {
  return stratifiedBootstrap(strata, (all) => iqm(all.flat()), key);
}

/** P(x > y) + P(x = y) / 2 over all pairs: Mann and Whitney's U over m n. */
export function probabilityOfImprovement(x: readonly number[], y: readonly number[]): number {
  return mean(x.flatMap((a) => y.map((b) => (a > b ? 1 : a === b ? 0.5 : 0))));
}

/** Conditional value at risk: the mean of the worst `share` of the returns, at least of one. */
export function cvar(values: readonly number[], share = 0.1): number {
  return mean(sorted(values).slice(0, Math.max(1, Math.ceil(share * values.length))));
}

export interface PairedDifference {
  /** Mean of b - a. */
  readonly mean: number;
  /** By Student's t, and by the bootstrap; both need two pairs. */
  readonly t95: readonly [number, number];
  readonly bootstrap95: readonly [number, number];
  readonly pairs: number;
}

/** @param a,b of the same seeds and starts, in the same order */
export function pairedDifference(a: readonly number[], b: readonly number[], key: Key): PairedDifference {
  if (a.length !== b.length) throw new RangeError(`paired values should be as many, found ${a.length} and ${b.length}`);
  const differences = b.map((value, i) => value - a[i]!);
  const n = differences.length;
  const centre = mean(differences);
  const sd = Math.sqrt(differences.reduce((sum, d) => sum + (d - centre) ** 2, 0) / (n - 1));
  const half = (studentT975(n - 1) * sd) / Math.sqrt(n);
  return {
    mean: centre,
    t95: n < 2 ? [Number.NaN, Number.NaN] : [centre - half, centre + half],
    bootstrap95: stratifiedBootstrap([differences], ([d]) => mean(d!), key).ci95,
    pairs: n,
  };
}

/**
 * The 97.5% quantile of Student's t: z + (z^3 + z) / 4v + ..., Cornish and Fisher's expansion (Abramowitz and Stegun 26.7.5);
 * below five degrees, where it is off by more than 0.01, the exact values.
 */
export function studentT975(degrees: number): number {
  const exact = [Number.NaN, 12.7062, 4.3027, 3.1824, 2.7764];
  if (degrees < exact.length) return exact[Math.max(0, degrees)]!;
  const z = 1.959964;
  const g1 = (z ** 3 + z) / 4;
  const g2 = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  const g3 = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384;
  return z + g1 / degrees + g2 / degrees ** 2 + g3 / degrees ** 3;
}

export function pearson(x: readonly number[], y: readonly number[]): number {
  const [mx, my] = [mean(x), mean(y)];
  const sum = (f: (i: number) => number) => x.reduce((total, _, i) => total + f(i), 0);
  const covariance = sum((i) => (x[i]! - mx) * (y[i]! - my));
  return covariance / Math.sqrt(sum((i) => (x[i]! - mx) ** 2) * sum((i) => (y[i]! - my) ** 2));
}

/**
 * Mean maximum rank violation: for each policy the largest loss in the *real* domain among those that the simulator ranks
 * wrongly against it, mean over policies. Not symmetric, hence the names.
 *
 *  MMRV = mean_i max_j |R_i - R_j| 1[(S_i > S_j) != (R_i > R_j)]
 */
export function mmrv({ real, sim }: { readonly real: readonly number[]; readonly sim: readonly number[] }): number {
  return mean(
    real.map((r, i) =>
      Math.max(...real.map((other, j) => (sim[i]! > sim[j]! !== r > other ? Math.abs(r - other) : 0))),
    ),
  );
}

function quantile(draws: Float64Array, p: number): number {
  return draws[Math.round(p * (draws.length - 1))]!;
}

function sorted(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}
