/**
 * Intervals of a root mean square over windows that follow one another: whole blocks of neighbours are drawn again (Künsch
 * 1989), the same blocks for every arm, so that differences are paired. Recordings are strata: each keeps its size.
 */

import type { Key } from '../../../core/rng.ts';
import { RandomStream } from '../../../core/rng.ts';

/** Of one arm on one recording: mean squares of its windows, in order. */
export type WindowErrors = readonly number[];

export interface Interval {
  readonly error: number;
  readonly ci95: readonly [number, number];
}

const DRAWS = 2000;

/** Mean over the recordings of the root mean square over each one's windows. */
export function pooled(recordings: readonly WindowErrors[]): number {
  return recordings.reduce((sum, windows) => sum + rootMean(windows), 0) / recordings.length;
}

/**
 * @param arms [arms][recordings][windows]
 * @param figure of all arms' pooled errors @param block windows a block
 */
export function bootstrap(
  arms: readonly (readonly WindowErrors[])[],
  figure: (errors: readonly number[]) => number,
  block: number,
  key: Key,
): Interval {
  const random = new RandomStream(key);
  const figures = Float64Array.from({ length: DRAWS }, () => {
    const picks = arms[0]!.map((windows) => drawBlocks(windows.length, block, random));
    return figure(arms.map((recordings) => pooled(recordings.map((w, r) => picks[r]!.map((k) => w[k]!)))));
  }).sort();
  const at = (p: number) => figures[Math.min(DRAWS - 1, Math.floor(p * DRAWS))]!;
  return { error: figure(arms.map(pooled)), ci95: [at(0.025), at(0.975)] };
}

/** Indices of as many windows, in blocks of neighbours around the circle. */
function drawBlocks(count: number, block: number, random: RandomStream): number[] {
  const picks: number[] = [];
  while (picks.length < count) {
    const start = random.below(count);
    for (let i = 0; i < block && picks.length < count; i++) picks.push((start + i) % count);
  }
  return picks;
}

function rootMean(squares: readonly number[]): number {
  return Math.sqrt(squares.reduce((sum, x) => sum + x, 0) / squares.length);
}
