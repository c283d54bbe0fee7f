/** The states that a policy meets in its own simulator, as it sees them: what it should not forget. Deterministic in the seed. */

import { foldIn, keyOf } from '../core/rng.ts';
import { Actor, ObsNormalizer } from '../policy/actor.ts';
import type { Bundle } from '../policy/checkpoint.ts';
import { EpisodeRunner } from '../policy/evaluate.ts';
import { makeEnvironments } from '../sim/recipe.ts';
import { type Experiment, evaluationRecipe, PURPOSE } from './experiment.ts';

/** Enough for a mean over states; a gradient of each is taken. */
const STATES = 2000;

/** @returns normalised observations, [states, obsDim] */
export async function statesMet(bundle: Bundle, experiment: Experiment, seed: number): Promise<Float32Array> {
  const { contract } = bundle;
  const recipe = {
    ...evaluationRecipe(experiment, contract, 'rapier', seed),
    key: foldIn(keyOf(seed), PURPOSE.learner),
  };
  const [environment] = await makeEnvironments(recipe, 0, 1);
  const runner = new EpisodeRunner(environment!);
  const actor = new Actor(contract, bundle.weights);
  const normalizer = new ObsNormalizer(contract.normalizer);
  const width = contract.network.layers[0]!;
  const out = new Float32Array(STATES * width);
  let met = 0;
  for (let episode = 0; met < STATES; episode++) {
    runner.run(actor, episode, (obs) => {
      if (met < STATES) normalizer.apply(obs, 0, out.subarray(met * width, (met + 1) * width));
      met++;
    });
  }
  return out;
}
