/**
 * Rows of numbers that know which episode they came from: what every distance between two domains is computed of. Steps of
 * one episode resemble each other, so whatever is split, held out or permuted here is an episode, never a step.
 */

import { type Key, RandomStream } from '../../core/rng.ts';
import { orthogonal } from '../initial-weights.ts';

export interface GroupedRows {
  readonly dim: number;
  /** [n, dim] */
  readonly rows: Float64Array;
  /** Of each row, [n], numbered from 0. */
  readonly episode: Int32Array;
  readonly episodes: number;
}

/** @param episodes the rows of each, [steps][dim] */
export function groupRows(episodes: readonly (readonly ArrayLike<number>[])[]): GroupedRows {
  const dim = episodes.flatMap((rows) => rows.slice(0, 1))[0]?.length ?? 0;
  const count = episodes.reduce((sum, rows) => sum + rows.length, 0);
  const rows = new Float64Array(count * dim);
  const episode = new Int32Array(count);
  let at = 0;
  for (const [e, list] of episodes.entries()) {
    for (const row of list) {
      if (row.length !== dim)
        throw new RangeError(`episode ${e}: expected rows of ${dim} numbers, found ${row.length}`);
      rows.set(row, at * dim);
      episode[at++] = e;
    }
  }
  return { dim, rows, episode, episodes: episodes.length };
}

/** The rows of some episodes, which are numbered anew in the order given. An episode given twice counts twice. */
export function pickEpisodes({ dim, rows, episode, episodes }: GroupedRows, picked: readonly number[]): GroupedRows {
  const members: number[][] = Array.from({ length: episodes }, () => []);
  for (let i = 0; i < episode.length; i++) members[episode[i]!]!.push(i);
  const order = picked.flatMap((e) => members[e]!);
  const out = new Float64Array(order.length * dim);
  for (const [k, i] of order.entries()) out.set(rows.subarray(i * dim, (i + 1) * dim), k * dim);
  return {
    dim,
    rows: out,
    episode: Int32Array.from(picked.flatMap((e, k) => members[e]!.map(() => k))),
    episodes: picked.length,
  };
}

/** At most `most` rows, evenly spaced over all of them in their order, so that each episode keeps its share. */
export function thinRows({ dim, rows, episode, episodes }: GroupedRows, most: number): GroupedRows {
  const count = episode.length;
  if (count <= most) return { dim, rows, episode, episodes };
  const kept = Array.from({ length: most }, (_, k) => Math.floor(((k + 0.5) * count) / most));
  const out = new Float64Array(most * dim);
  for (const [k, i] of kept.entries()) out.set(rows.subarray(i * dim, (i + 1) * dim), k * dim);
  return { dim, rows: out, episode: Int32Array.from(kept, (i) => episode[i]!), episodes };
}

/** Mean and spread that make columns comparable; `columns` are those that vary at all. */
export interface Scale {
  readonly columns: readonly number[];
  /** [columns] each. */
  readonly mean: readonly number[];
  readonly sd: readonly number[];
}

/**
 * The source's statistics. A column that the source holds constant and the target moves is measured in the target's spread:
 * it differs, and must not be lost. One that neither moves says nothing and is left out.
 * @param least what counts as constant, one number a column @default a billionth of the column's size
 */
export function scaleOf(source: GroupedRows, target: GroupedRows, least?: ArrayLike<number>): Scale {
  const columns: number[] = [];
  const mean: number[] = [];
  const sd: number[] = [];
  for (let k = 0; k < source.dim; k++) {
    const [centre, own] = columnMoments(source, k);
    const floor = least?.[k] ?? 1e-9 * (1 + Math.abs(centre));
    const other = columnMoments(target, k)[1];
    if (own <= floor && other <= floor && Math.abs(columnMoments(target, k)[0] - centre) <= floor) continue;
    columns.push(k);
    mean.push(centre);
    sd.push(own > floor ? own : Math.max(other, floor));
  }
  return { columns, mean, sd };
}

function columnMoments({ rows, dim, episode }: GroupedRows, k: number): [mean: number, sd: number] {
  const n = episode.length;
  let mean = 0;
  for (let i = 0; i < n; i++) mean += rows[i * dim + k]! / n;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += (rows[i * dim + k]! - mean) ** 2;
  return [mean, Math.sqrt(squares / Math.max(1, n))];
}

/** (x - mean) / sd of the scale's columns. */
export function standardised(data: GroupedRows, { columns, mean, sd }: Scale): GroupedRows {
  const n = data.episode.length;
  const dim = columns.length;
  const rows = new Float64Array(n * dim);
  for (let i = 0; i < n; i++) {
    for (let c = 0; c < dim; c++) rows[i * dim + c] = (data.rows[i * data.dim + columns[c]!]! - mean[c]!) / sd[c]!;
  }
  return { ...data, dim, rows };
}

/** Projected on `most` random directions at right angles, where there are more columns: covariances stay affordable. */
export function projected(data: GroupedRows, most: number, key: Key): GroupedRows {
  if (data.dim <= most) return data;
  const axes = orthogonal(data.dim, most, 1, key);
  const n = data.episode.length;
  const rows = new Float64Array(n * most);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < data.dim; k++) {
      const x = data.rows[i * data.dim + k]!;
      for (let c = 0; c < most; c++) rows[i * most + c] = rows[i * most + c]! + x * axes[k * most + c]!;
    }
  }
  return { ...data, dim: most, rows };
}

/** `folds` lists of episodes, each episode in one, their sizes as equal as can be. */
export function episodeFolds(episodes: number, folds: number, key: Key): number[][] {
  const order = new Int32Array(episodes);
  new RandomStream(key).permutation(order);
  return Array.from({ length: folds }, (_, fold) => [...order].filter((_, i) => i % folds === fold));
}

/** The episodes that are not among those. */
export function otherEpisodes(episodes: number, than: readonly number[]): number[] {
  const known = new Set(than);
  return Array.from({ length: episodes }, (_, e) => e).filter((e) => !known.has(e));
}
