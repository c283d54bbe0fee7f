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
  /** How much worse a return would still be accepted. */
  readonly margin: number;
  readonly successBefore: number;
  readonly successAfter: number;
  /** 90% bootstrap interval of the paired difference in success. */
  readonly successCi90: readonly [number, number];
  readonly pairs: number;
}

/** Share of the old return's size that counts as noise, not as loss. */
const MARGIN = 0.02;

/** Share of the episodes that may fail anew. A return can hide it: a policy that swings up sooner and stays less surely. */
export const SUCCESS_MARGIN = 0.03;

/**
 * Accept when the lower ends of both 90% intervals, of the return's difference and of success's, are within their margins.
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
  const won = before.map((score, i) => Number(after[i]!.success) - Number(score.success));
  const meanBefore = mean(before.map((score) => score.return));
  const ci90 = bootstrapMean(differences, 0.9, key);
  const successCi90 = bootstrapMean(won, 0.9, key);
  const margin = MARGIN * Math.abs(meanBefore);
  const rate = (scores: readonly EpisodeScore[]) => scores.filter((score) => score.success).length / scores.length;
  return {
    accepted: ci90[0] >= -margin && successCi90[0] >= -SUCCESS_MARGIN,
    before: meanBefore,
    after: mean(after.map((score) => score.return)),
    difference: mean(differences),
    ci90,
    margin,
    successBefore: rate(before),
    successAfter: rate(after),
    successCi90,
    pairs: before.length,
  };
}

/**
 * The same over several simulators of one robot, none of which is the robot: accept only what none of them shows worse.
 * @param before,after a list of episode scores for each simulator, in the same order
 * @returns the verdict over all pairs, its `accepted` the conjunction, and each simulator's own
 */
export function judgeEach(
  before: readonly (readonly EpisodeScore[])[],
  after: readonly (readonly EpisodeScore[])[],
  key: Key,
): { verdict: Verdict; each: readonly Verdict[] } {
  const each = before.map((scores, i) => judge(scores, after[i] ?? [], key));
  const pooled = judge(before.flat(), after.flat(), key);
  return { verdict: { ...pooled, accepted: each.every(({ accepted }) => accepted) }, each };
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
