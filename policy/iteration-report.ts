/** What a loop reports of an iteration: counts, times, and figures of the episodes that ended in it. Knows no learner. */

import type { Evaluation } from './evaluate.ts';
import type { OfflineStats } from './offline-learner.ts';
import type { PpoStats } from './ppo-learner.ts';
import type { RolloutBuffer } from './rollout-buffer.ts';
import type { SacStats } from './sac-learner.ts';

/** What every loop reports. */
export interface LoopFigures {
  readonly iteration: number;
  readonly envSteps: number;
  readonly stepsPerSecond: number;
  readonly collectSeconds: number;
  readonly learnSeconds: number;
  /** Of the episodes that ended in this iteration; null when none did. */
  readonly meanReturn: number | null;
  readonly meanLength: number | null;
  readonly successRate: number | null;
  /** Mean weighted reward per second of each term. */
  readonly rewardTerms: readonly number[];
  readonly std: number;
  /** Width of ADR's ranges, nats a parameter (sim/adr.ts); absent without it. */
  readonly adrEntropy?: number;
  readonly evaluation: Evaluation | null;
}

/** With the figures of what learned. */
export type IterationReport = LoopFigures & (PpoStats | SacStats | OfflineStats);

/** Means over the episodes that ended in this iteration. */
export function episodeFigures(buffer: RolloutBuffer) {
  const { horizon, numEnvs, rewardTerms } = buffer.shape;
  let ended = 0;
  let returns = 0;
  let lengths = 0;
  let successes = 0;
  for (let i = 0; i < horizon * numEnvs; i++) {
    if (buffer.endedLength[i] === 0) continue;
    ended++;
    returns += buffer.endedReturn[i]!;
    lengths += buffer.endedLength[i]!;
    successes += buffer.endedSuccess[i]!;
  }
  const terms = new Array<number>(rewardTerms).fill(0);
  for (let n = 0; n < numEnvs; n++) {
    for (let k = 0; k < rewardTerms; k++) terms[k] = terms[k]! + buffer.termSums[n * rewardTerms + k]!;
  }
  const over = (sum: number) => (ended === 0 ? null : sum / ended);
  return {
    meanReturn: over(returns),
    meanLength: over(lengths),
    successRate: over(successes),
    rewardTerms: terms.map((sum) => sum / (numEnvs * horizon)),
  };
}

/** Counts and speed. @param iteration done @param steps of an iteration @param started,collected,learned s, on one clock */
export function countFigures(iteration: number, steps: number, started: number, collected: number, learned: number) {
  return {
    iteration,
    envSteps: iteration * steps,
    stepsPerSecond: steps / (learned - started),
    collectSeconds: collected - started,
    learnSeconds: learned - collected,
  };
}
