/** Judging a policy between iterations: when it is due, what it scores, and whether that is enough. Knows no learner. */

import { sizesOf } from './architecture.ts';
import { DivergenceError } from './divergence.ts';
import { type Evaluation, summarise } from './evaluate.ts';
import { splitTensors } from './mlp.ts';
import type { JudgingSettings, Snapshot, TrainJob } from './training-job.ts';

type Judged = Pick<TrainJob<JudgingSettings>, 'pool' | 'evalRecipe' | 'settings' | 'onDivergence'>;

/**
 * Mean action, the task's own start, every episode of the evaluation's seed.
 * @param iteration done @returns null where no evaluation is due
 */
export async function judgeIfDue(
  job: Judged,
  iteration: number,
  snapshot: () => Promise<Snapshot>,
): Promise<Evaluation | null> {
  const { evalEvery, iterations } = job.settings;
  const isDue = iteration % evalEvery === 0 || iteration === iterations;
  return isDue ? judge(job, await snapshot()) : null;
}

async function judge(job: Judged, policy: Snapshot): Promise<Evaluation> {
  const { contract, actor, state } = policy;
  const weights = splitTensors(actor, sizesOf(contract.network));
  try {
    const scores = await job.pool.evaluate(job.evalRecipe, contract, weights, job.settings.evalEpisodes);
    return summarise(scores, job.evalRecipe.key);
  } catch (error) {
    if (!(error instanceof DivergenceError)) throw error;
    const message = `evaluation after iteration ${state.iteration}, ${error.message}`;
    const located = new DivergenceError(message, { ...error.origin, iteration: state.iteration - 1 }, { cause: error });
    await job.onDivergence?.(located, policy, job.evalRecipe);
    throw located;
  }
}

/** The best score, with one evaluation more. */
export function better(best: number | null, evaluation: Evaluation | null): number | null {
  return evaluation === null ? best : Math.max(best ?? -Infinity, evaluation.meanReturn);
}

export function reached(evaluation: Evaluation | null, target: number | null): boolean {
  return target !== null && evaluation !== null && evaluation.successRate >= target;
}
