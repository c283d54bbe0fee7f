/**
 * How many independent readings a set of correlated ones is worth: steps of an episode repeat each other for as long as
 * the integrated autocorrelation time (Sokal 1997, "Monte Carlo methods in statistical mechanics"). Knows no robot.
 */

import { exp, log } from '../../core/math.ts';
import type { GroupedRows } from './grouped-rows.ts';

/** The sum stops at the first lag of this many times itself: a longer one adds noise alone. */
const WINDOW = 5;

export interface EffectiveSample {
  /** sum_e T_e / tau */
  readonly size: number;
  /** Steps from one independent reading to the next, at least 1. */
  readonly tau: number;
}

/**
 * Several columns: the geometric mean of their times, which is the multivariate effective size (Vats, Flegal & Jones 2019) of
 * uncorrelated ones. A goal that stands still for an episode then counts as one slow column, not as all there is to know.
 */
export function effectiveSample(data: GroupedRows): EffectiveSample {
  let [sum, moving] = [0, 0];
  for (let k = 0; k < data.dim; k++) {
    const tau = autocorrelationTime(data, k);
    if (tau === null) continue;
    sum += log(tau);
    moving++;
  }
  const tau = moving === 0 ? data.episode.length : exp(sum / moving);
  return { size: data.episode.length / tau, tau };
}

/**
 * tau = 1 + 2 sum_(lag >= 1) rho(lag), of one column, in steps; null for a constant one. Deviations are from the mean over all
 * episodes: from its own, a short episode would look as if it forgot faster.
 */
export function autocorrelationTime({ rows, dim, episode, episodes }: GroupedRows, column: number): number | null {
  const series: number[][] = Array.from({ length: episodes }, () => []);
  let mean = 0;
  for (let i = 0; i < episode.length; i++) mean += rows[i * dim + column]! / episode.length;
  for (let i = 0; i < episode.length; i++) series[episode[i]!]!.push(rows[i * dim + column]! - mean);
  const longest = Math.max(...series.map(({ length }) => length));
  const variance = covarianceAt(series, 0);
  if (!(variance > 1e-18 * (1 + mean * mean))) return null;
  let tau = 1;
  for (let lag = 1; lag < longest; lag++) {
    if (lag >= WINDOW * tau) return Math.max(1, tau);
    tau += (2 * covarianceAt(series, lag)) / variance;
  }
  // Never forgotten within an episode: then an episode is one reading.
  return Math.min(longest, Math.max(1, tau));
}

/** Mean over all pairs of steps `lag` apart within an episode. */
function covarianceAt(series: readonly (readonly number[])[], lag: number): number {
  let [sum, count] = [0, 0];
  for (const values of series) {
    for (let t = lag; t < values.length; t++) sum += values[t]! * values[t - lag]!;
    count += Math.max(0, values.length - lag);
  }
  return count === 0 ? 0 : sum / count;
}
