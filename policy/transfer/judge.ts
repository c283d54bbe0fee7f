/**
 * Decides whether a changed policy replaces the old one: paired episodes, same starts and same physics, and a
 * non-inferiority test on their differences. Knows no simulator.
 */

import type { Key } from '../../core/rng.ts';
import { bootstrapMean, type EpisodeScore, mean } from '../evaluate.ts';

export interface Verdict {
  readonly accepted: boolean;
  /** Mean returns. */
  readonly before: number;
  readonly after: number;
  /** Mean of after - before over the pairs, and its 90% bootstrap interval. */
  readonly difference: number;
  readonly ci90: readonly [number, number];
  /** How much worse would still be accepted. */
  readonly margin: number;
  readonly successBefore: number;
  readonly successAfter: number;
  readonly pairs: number;
}

/** Share of the old return's size that counts as noise, not as loss. */
const MARGIN = 0.02;

/**
 * Accept when the lower end of the difference's 90% interval is not below -margin.
 * @param before,after of the same episodes, in the same order
 * @param key of the bootstrap
 */
export function judge(before: readonly EpisodeScore[], after: readonly EpisodeScore[], key: Key): Verdict {
  if (before.length !== after.length || before.length === 0) {
    throw new RangeError(
      `paired episodes should be as many before as after, found ${before.length} and ${after.length}`,
    );
  }
  const differences = before.map((score, i) => after[i]!.return - score.return);
  const meanBefore = mean(before.map((score) => score.return));
  const ci90 = bootstrapMean(differences, 0.9, key);
  const margin = MARGIN * Math.abs(meanBefore);
  const rate = (scores: readonly EpisodeScore[]) => scores.filter((score) => score.success).length / scores.length;
  return {
    accepted: ci90[0] >= -margin,
    before: meanBefore,
    after: mean(after.map((score) => score.return)),
    difference: mean(differences),
    ci90,
    margin,
    successBefore: rate(before),
    successAfter: rate(after),
    pairs: before.length,
  };
}

/**
 * Which episodes are learned from and which only judge: every third one is held out, from two on at least one of each.
 * @returns indices; the unit is the episode, never the step
 */
export function holdOut(episodes: number): { train: number[]; held: number[] } {
  const all = Array.from({ length: episodes }, (_, i) => i);
  const isHeld = (i: number) => i % 3 === 1;
  return { train: all.filter((i) => !isHeld(i)), held: all.filter(isHeld) };
}
