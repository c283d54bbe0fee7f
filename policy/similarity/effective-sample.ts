/**
 * How many independent readings a set of correlated ones is worth: steps of an episode repeat each other for as long as
 * the integrated autocorrelation time (Sokal 1997, "Monte Carlo methods in statistical mechanics"). Knows no robot.
 */

import type { GroupedRows } from './grouped-rows.ts';

/** The sum stops at the first lag of this many times itself: a longer one adds noise alone. */
const WINDOW = 5;

export interface EffectiveSample {
  /** sum_e T_e / tau */
  readonly size: number;
  /** Of the slowest column, in steps; at least 1. */
  readonly tau: number;
}

/**
 * Deviations are from the mean over all episodes: from its own, a short episode would look as if it forgot faster.
 * @returns of the column that changes slowest
 */
export function effectiveSample(data: GroupedRows): EffectiveSample {
  let tau = 1;
  for (let k = 0; k < data.dim; k++) tau = Math.max(tau, autocorrelationTime(data, k));
  return { size: data.episode.length / tau, tau };
}

/** tau = 1 + 2 sum_(lag >= 1) rho(lag), of one column, in steps; 1 for a constant one. */
export function autocorrelationTime({ rows, dim, episode, episodes }: GroupedRows, column: number): number {
  const series: number[][] = Array.from({ length: episodes }, () => []);
  let mean = 0;
  for (let i = 0; i < episode.length; i++) mean += rows[i * dim + column]! / episode.length;
  for (let i = 0; i < episode.length; i++) series[episode[i]!]!.push(rows[i * dim + column]! - mean);
  const longest = Math.max(...series.map(({ length }) => length));
  const variance = covarianceAt(series, 0);
  if (!(variance > 1e-18 * (1 + mean * mean))) return 1;
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
