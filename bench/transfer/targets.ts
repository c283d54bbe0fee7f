/** A target as the study uses it: where a policy is judged, and the two policies it is measured between. Knows no arm. */

import { episodeReturn } from '../../core/episode.ts';
import { foldIn, keyOf } from '../../core/rng.ts';
import type { Experiment } from '../../loop/experiment.ts';
import { aimlessPolicy, recordEpisodes } from '../../loop/recorded-episodes.ts';
import { sizesOf } from '../../policy/architecture.ts';
import type { WorkerPool } from '../../policy/collector.ts';
import { mean } from '../../policy/evaluate.ts';
import { splitTensors } from '../../policy/mlp.ts';
import type { EnvironmentRecipe } from '../../sim/recipe.ts';
import type { Adapted, ArmSource } from './arms.ts';
import type { Reference } from './metrics.ts';
import { learnOn } from './simulator-arms.ts';

export interface Target {
  readonly name: string;
  readonly kind: 'source' | 'parametric' | 'structural';
  /** Its environments, for policies of an experiment. */
  readonly recipe: (experiment: Experiment) => EnvironmentRecipe;
}

/** What a policy did on a target: returns of the episodes, the same for every policy. */
export interface Judged {
  readonly returns: readonly number[];
  readonly success: number;
}

/** Episodes of the figures, and those by which the oracle is chosen. */
const JUDGED = 41;
const CHOOSING = 42;
/** Seed of the episodes in the simulator of the training. */
export const HOME_SEED = 2_026_001;

export async function judgeOn(
  recipe: EnvironmentRecipe,
  { contract, actor }: Adapted,
  pool: WorkerPool,
  episodes: number,
  purpose = JUDGED,
): Promise<Judged> {
  const weights = splitTensors(actor, sizesOf(contract.network));
  const scores = await pool.evaluate(
    { ...recipe, contract, key: foldIn(recipe.key, purpose) },
    contract,
    weights,
    episodes,
  );
  return {
    returns: scores.map((score) => score.return),
    success: mean(scores.map(({ success }) => Number(success))),
  };
}

/** Mean return of actions drawn uniformly at every step. */
async function randomReturn(recipe: EnvironmentRecipe, episodes: number): Promise<number> {
  const all = await recordEpisodes({ ...recipe, key: foldIn(recipe.key, JUDGED) }, aimlessPolicy(keyOf(43)), episodes);
  return mean(all.map(episodeReturn));
}

/**
 * Random and oracle. The oracle learns on the target itself, from the source policy on; where that made it worse (on episodes of
 * its own), it is the source policy.
 */
export async function referenceOf(
  target: Target,
  source: ArmSource,
  before: Adapted,
  episodes: number,
): Promise<Reference> {
  const recipe = target.recipe(source.experiment);
  const learned = await learnOn(source, { ...recipe, contract: source.bundle.contract, training: true }, 'full');
  const chosen = async (policy: Adapted) =>
    mean((await judgeOn(recipe, policy, source.pool, episodes, CHOOSING)).returns);
  const best = (await chosen(learned)) > (await chosen(before)) ? learned : before;
  return {
    random: await randomReturn(recipe, episodes),
    oracle: mean((await judgeOn(recipe, best, source.pool, episodes)).returns),
  };
}
