/** What tests of tasks share: the recipes of a task's experiment, one environment, a random walk. */

import { experiments } from '../../../configs/index.ts';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { evaluationRecipe, openExperiment, trainingRecipe } from '../../../loop/experiment.ts';
import type { Environment } from '../../../sim/environment.ts';
import { type EnvironmentRecipe, makeEnvironments } from '../../../sim/recipe.ts';

export const seed = Number(process.env.LANDFALL_TEST_SEED ?? 1);

export async function recipesOf(name: string) {
  const config = Object.values(experiments).find((entry) => entry.task === name)!;
  const experiment = await openExperiment(config);
  return {
    experiment,
    training: trainingRecipe(experiment),
    judging: evaluationRecipe(experiment, experiment.contract, 'rapier'),
  };
}

export async function one(recipe: EnvironmentRecipe, id = 0): Promise<Environment> {
  return (await makeEnvironments(recipe, id, 1))[0]!;
}

/** First observation and `steps` more under random actions, resetting where episodes end, [steps + 1][obsDim]. */
export function wander(environment: Environment, steps: number, key = 5, first = 0): Float32Array[] {
  const random = new RandomStream(keyOf(key));
  const obs = new Float32Array(environment.observer.size);
  const action = new Float32Array(environment.actuation.size);
  let episode = first;
  environment.reset(episode++, obs, 0);
  const seen = [obs.slice()];
  for (let i = 0; i < steps; i++) {
    for (let k = 0; k < action.length; k++) action[k] = random.between(-1.5, 1.5);
    environment.step(action, 0, obs, 0);
    seen.push(obs.slice());
    if (environment.terminated && environment.truncated) throw new Error('terminated and truncated at once');
    if (environment.terminated || environment.truncated) environment.reset(episode++, obs, 0);
  }
  return seen;
}
