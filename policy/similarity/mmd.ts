/**
 * Maximum mean discrepancy (Gretton et al. 2012, JMLR 13): how far two sets of rows are apart in the mean of a kernel's
 * features. Unbiased estimate; mixture of five Gaussian kernels whose widths the source alone decides, so that values can be
 * compared; significance by permuting whole episodes. Steps of one episode are alike, so under the null the estimate itself
 * is above zero: the p-value or a source-vs-source split says what it means.
 */

import { exp } from '../../core/math.ts';
import { type Key, RandomStream } from '../../core/rng.ts';
import type { GroupedRows } from './grouped-rows.ts';

/** sigma^2 of the mixture in medians of the squared distance. Each is twice the one before, which `mixture` makes use of. */
export const BANDWIDTHS = [0.25, 0.5, 1, 2, 4] as const;

/** Median of the squared distance between two rows of different episodes, or of any where there is one episode alone. */
export function bandwidthOf({ rows, dim, episode, episodes }: GroupedRows): number {
  const n = episode.length;
  // 200 rows make 19,900 pairs.
  const stride = Math.max(1, Math.floor(n / 200));
  const distances: number[] = [];
  for (let i = 0; i < n; i += stride) {
    for (let j = i + stride; j < n; j += stride) {
      if (episodes > 1 && episode[i] === episode[j]) continue;
      distances.push(squaredDistance(rows, i, rows, j, dim));
    }
  }
  distances.sort((a, b) => a - b);
  return distances[distances.length >> 1] ?? 1;
}

function squaredDistance(a: Float64Array, i: number, b: Float64Array, j: number, dim: number): number {
  let sum = 0;
  for (let k = 0; k < dim; k++) {
    const d = a[i * dim + k]! - b[j * dim + k]!;
    sum += d * d;
  }
  return sum;
}

/** Mean over the widths of exp(-d^2 / (2 sigma^2)). */
function mixture(squared: number, bandwidth: number): number {
  // The widest; each narrower one is its square.
  let k = exp(-squared / (2 * 4 * bandwidth));
  let sum = k;
  for (let i = 1; i < BANDWIDTHS.length; i++) {
    k *= k;
    sum += k;
  }
  return sum / BANDWIDTHS.length;
}

/**
 * 1/(m(m-1)) sum_(i!=j) k(x_i,x_j) + 1/(n(n-1)) sum_(i!=j) k(y_i,y_j) - 2/(mn) sum k(x_i,y_j)
 * @param bandwidth `bandwidthOf` the source
 */
export function mmd2(x: GroupedRows, y: GroupedRows, bandwidth: number): number {
  const sums = kernelSums(x, y, bandwidth);
  const inX = Uint8Array.from({ length: x.episodes + y.episodes }, (_, e) => (e < x.episodes ? 1 : 0));
  return mmd2Of(sums, inX);
}

/** Kernel sums between episodes: what any assignment of whole episodes to the two sides is computed of. */
interface KernelSums {
  readonly episodes: number;
  /** [episodes, episodes], a row with itself left out. */
  readonly sums: Float64Array;
  /** Rows of each, [episodes]. */
  readonly counts: Float64Array;
}

function kernelSums(x: GroupedRows, y: GroupedRows, bandwidth: number): KernelSums {
  const episodes = x.episodes + y.episodes;
  const n = x.episode.length + y.episode.length;
  const { dim } = x;
  const rows = new Float64Array(n * dim);
  rows.set(x.rows);
  rows.set(y.rows, x.rows.length);
  const of = Int32Array.from({ length: n }, (_, i) =>
    i < x.episode.length ? x.episode[i]! : x.episodes + y.episode[i - x.episode.length]!,
  );
  const sums = new Float64Array(episodes * episodes);
  const counts = new Float64Array(episodes);
  for (let i = 0; i < n; i++) {
    const e = of[i]!;
    counts[e] = counts[e]! + 1;
    for (let j = 0; j < i; j++) {
      const k = mixture(squaredDistance(rows, i, rows, j, dim), bandwidth);
      const f = of[j]!;
      sums[e * episodes + f] = sums[e * episodes + f]! + k;
      sums[f * episodes + e] = sums[f * episodes + e]! + k;
    }
  }
  return { episodes, sums, counts };
}

/** @param inX 1 for the episodes of the first side */
function mmd2Of({ episodes, sums, counts }: KernelSums, inX: Uint8Array): number {
  let [xx, yy, xy, m, n] = [0, 0, 0, 0, 0];
  for (let e = 0; e < episodes; e++) {
    if (inX[e] === 1) m += counts[e]!;
    else n += counts[e]!;
    for (let f = 0; f < episodes; f++) {
      const k = sums[e * episodes + f]!;
      if (inX[e] !== inX[f]) xy += k;
      else if (inX[e] === 1) xx += k;
      else yy += k;
    }
  }
  // xy holds each pair twice.
  return xx / (m * (m - 1)) + yy / (n * (n - 1)) - xy / (m * n);
}

export interface MmdTest {
  readonly mmd2: number;
  /** (1 + permutations that are as far apart) / (1 + permutations). */
  readonly p: number;
}

/** @param permutations of the episodes' labels, at least 200 for a p below .05 to mean something */
export function mmdTest(x: GroupedRows, y: GroupedRows, bandwidth: number, permutations: number, key: Key): MmdTest {
  const sums = kernelSums(x, y, bandwidth);
  const inX = Uint8Array.from({ length: sums.episodes }, (_, e) => (e < x.episodes ? 1 : 0));
  const observed = mmd2Of(sums, inX);
  const random = new RandomStream(key);
  const order = new Int32Array(sums.episodes);
  let asFar = 0;
  for (let k = 0; k < permutations; k++) {
    random.permutation(order);
    const shuffled = Uint8Array.from(order, (e) => (e < x.episodes ? 1 : 0));
    // The same split again sums in the same order, so a tie is exact.
    if (mmd2Of(sums, shuffled) >= observed) asFar++;
  }
  return { mmd2: observed, p: (1 + asFar) / (1 + permutations) };
}
