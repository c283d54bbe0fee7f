/**
 * Hyper-parameter search by successive halving (Jamieson & Talwalkar 2016): all trials learn a little, the best 1/eta of them
 * go on to eta times as much, and so on. The rungs wait for all their trials, unlike ASHA's, so that the result follows from
 * the seed and not from who was faster. Knows no process: how a trial learns is passed in.
 */

import { InputError, messageOf } from '../core/errors.ts';
import type { Evaluation } from '../policy/evaluate.ts';

export interface Trial {
  /** From 1. */
  readonly number: number;
  /** What sets it apart, such as `ppo.learningRate=0.001`. */
  readonly settings: readonly string[];
}

/** How many trials learn until which iteration. */
export interface Rung {
  readonly trials: number;
  readonly iterations: number;
}

/** What a trial came to at a rung. */
export interface TrialResult {
  readonly trial: Trial;
  /** Iterations done. */
  readonly iterations: number;
  /** Of the rung; null when it failed or was stopped. */
  readonly evaluation: Evaluation | null;
  /** Of training in all. */
  readonly seconds: number;
  /** Directory of its run. */
  readonly path: string;
  readonly error: string | null;
  /** It was interrupted: run the sweep again to go on. */
  readonly stopped: boolean;
}

export type Measure = 'return' | 'success';

export interface SweepPlan {
  readonly trials: readonly Trial[];
  readonly rungs: readonly Rung[];
  readonly eta: number;
  readonly measure: Measure;
}

/**
 * The rungs of successive halving: n eta^-i trials learn R eta^(i-K) iterations, rounded up to an evaluation.
 * @param least iterations of the first rung @param most of the last, R @param every iterations between evaluations
 */
export function rungsOf(trials: number, least: number, most: number, eta: number, every: number): Rung[] {
  if (!(eta >= 2) || !(least >= 1) || least > most) {
    throw new InputError(`a sweep from ${least} to ${most} iterations by factors of ${eta} has no rungs`, {
      repair: '1 <= --min-iterations <= train.iterations, and --eta 2 or more',
    });
  }
  // K: as often as the trials can be divided and the iterations stay above the least.
  let last = 0;
  while (trials / eta ** (last + 1) >= 1 && most / eta ** (last + 1) >= least) last++;
  const rungs = Array.from({ length: last + 1 }, (_, i): Rung => {
    const iterations = Math.ceil(most / eta ** (last - i) / every) * every;
    return { trials: Math.floor(trials / eta ** i), iterations: Math.min(most, iterations) };
  });
  // Rounding may have made two rungs the same.
  return rungs.filter((rung, i) => i === 0 || rung.iterations > rungs[i - 1]!.iterations);
}

/** The best first; those that failed last; equal ones by their number. */
export function ranked(results: readonly TrialResult[], measure: Measure): TrialResult[] {
  const value = ({ evaluation }: TrialResult) =>
    evaluation === null ? -Infinity : measure === 'return' ? evaluation.meanReturn : evaluation.successRate;
  return [...results].sort((a, b) => {
    // Not the difference: two failures would make it NaN.
    const [x, y] = [value(a), value(b)];
    if (x !== y) return x < y ? 1 : -1;
    return a.trial.number - b.trial.number;
  });
}

export interface SweepOutcome {
  /** The last result of each trial: those that got furthest first, then the best. */
  readonly results: readonly TrialResult[];
  /** False when it was interrupted. */
  readonly isComplete: boolean;
}

export interface SweepCallbacks {
  /** Learn until `rung.iterations`, from wherever the trial stands. Should not throw; what it throws counts as failed. */
  readonly run: (trial: Trial, rung: Rung) => Promise<TrialResult>;
  readonly onRung?: (index: number, rung: Rung, trials: readonly Trial[]) => void;
  readonly onResult?: (index: number, result: TrialResult) => void;
  /** Asked before each trial; true starts no more. */
  readonly shouldStop?: () => boolean;
}

/** @param parallel trials that learn at once */
export async function runSweep(plan: SweepPlan, parallel: number, callbacks: SweepCallbacks): Promise<SweepOutcome> {
  const last = new Map<number, TrialResult>();
  let alive = plan.trials;
  let isComplete = true;
  for (const [index, rung] of plan.rungs.entries()) {
    const contenders = alive.slice(0, rung.trials);
    callbacks.onRung?.(index, rung, contenders);
    const results = await inParallel(contenders, parallel, async (trial) => {
      if (callbacks.shouldStop?.() === true) return null;
      const result = await callbacks.run(trial, rung).catch((error: unknown) => failed(trial, messageOf(error)));
      callbacks.onResult?.(index, result);
      last.set(trial.number, result);
      return result;
    });
    if (results.some((result) => result === null || result.stopped)) {
      isComplete = false;
      break;
    }
    const judged = results.filter((result) => result !== null && result.evaluation !== null) as TrialResult[];
    alive = ranked(judged, plan.measure).map(({ trial }) => trial);
    if (alive.length === 0) break;
  }
  const results = ranked([...last.values()], plan.measure).sort((a, b) => reachedBy(b) - reachedBy(a));
  return { results, isComplete };
}

function reachedBy({ evaluation, iterations }: TrialResult): number {
  return evaluation === null ? -1 : iterations;
}

function failed(trial: Trial, error: string): TrialResult {
  return { trial, iterations: 0, evaluation: null, seconds: 0, path: '', error, stopped: false };
}

/** @returns in the order of `items`, whoever was done first */
async function inParallel<T, R>(items: readonly T[], parallel: number, act: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const i = next++;
      results[i] = await act(items[i]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, items.length) }, worker));
  return results;
}
