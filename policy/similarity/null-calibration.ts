/**
 * What a distance is when nothing differs: the same distance between two halves of the source, one of them as large as the
 * target. Any sample of few, correlated episodes is some distance away; only what exceeds this says that the domains differ.
 */

import { foldIn, type Key, RandomStream } from '../../core/rng.ts';
import { type GroupedRows, otherEpisodes, pickEpisodes } from './grouped-rows.ts';

export interface Calibrated {
  /** Mean over the splits, from the source's rest to the target. */
  readonly distance: number;
  /** Of the distances from the source's rest to the part drawn from it. */
  readonly nullMean: number;
  readonly nullSd: number;
  readonly q95: number;
  /** (distance - nullMean) / nullSd, or over the least deviation that counts */
  readonly z: number;
  /** distance <= q95 */
  readonly isSimilar: boolean;
}

/** A distance between rows of two domains; the key is of what it draws, and the same for both distances of a split. */
export type Distance<T extends GroupedRows = GroupedRows> = (
  source: T,
  target: T,
  key: Key,
) => number | Promise<number>;

export interface CalibrationSettings<T extends GroupedRows> {
  readonly splits: number;
  /** Differences of the distance that mean nothing, however little two halves of the source differ. @default 0 */
  readonly leastSd?: number;
  /** Some episodes of a set. @default `pickEpisodes` */
  readonly pick?: (data: T, episodes: readonly number[]) => T;
}

/**
 * Each split draws as many source episodes as the target has; the rest of the source is the other side of both distances, so
 * that both are between sets of the same sizes.
 * @throws RangeError when the source has fewer episodes than twice the target's
 */
export async function calibrated<T extends GroupedRows>(
  distance: Distance<T>,
  source: T,
  target: T,
  settings: CalibrationSettings<T>,
  key: Key,
): Promise<Calibrated> {
  const { splits, leastSd = 0, pick = (data, episodes) => ({ ...data, ...pickEpisodes(data, episodes) }) } = settings;
  if (source.episodes < 2 * target.episodes) {
    throw new RangeError(
      `expected at least twice the target's ${target.episodes} episodes of the source, found ${source.episodes}`,
    );
  }
  const random = new RandomStream(key);
  const order = new Int32Array(source.episodes);
  const nulls: number[] = [];
  let sum = 0;
  for (let split = 0; split < splits; split++) {
    random.permutation(order);
    const drawn = [...order.subarray(0, target.episodes)];
    const rest = pick(source, otherEpisodes(source.episodes, drawn));
    const drawing = foldIn(key, split);
    nulls.push(await distance(rest, pick(source, drawn), drawing));
    sum += await distance(rest, target, drawing);
  }
  return judged(sum / splits, nulls, leastSd);
}

/** @param nulls distances where nothing differs, at least two */
export function judged(distance: number, nulls: readonly number[], leastSd = 0): Calibrated {
  const n = nulls.length;
  const nullMean = nulls.reduce((sum, d) => sum + d, 0) / n;
  const nullSd = Math.sqrt(nulls.reduce((sum, d) => sum + (d - nullMean) ** 2, 0) / (n - 1));
  const q95 = quantile(nulls, 0.95);
  return {
    distance,
    nullMean,
    nullSd,
    q95,
    z: (distance - nullMean) / Math.max(1e-12, leastSd, nullSd),
    isSimilar: distance <= q95,
  };
}

/** The ceil(p (n + 1))-th smallest, as split conformal prediction takes it, and the largest where that is beyond them. */
function quantile(values: readonly number[], p: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length, Math.ceil(p * (sorted.length + 1))) - 1]!;
}
