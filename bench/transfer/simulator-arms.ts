/**
 * Arms that learn by PPO in the simulator fitted to the episodes: the last layer alone, as `landfall adapt` does, or all of the
 * policy. Both start from the policy and its critic, and explore with a deviation that is put back afterwards.
 */

import { systemClock } from '../../core/clock.ts';
import { foldIn, keyOf } from '../../core/rng.ts';
import { evaluationRecipe, PURPOSE, trainingRecipe } from '../../loop/experiment.ts';
import { openBackend } from '../../policy/backend.ts';
import { bundleParameters } from '../../policy/checkpoint.ts';
import type { Trainable } from '../../policy/ppo-learner.ts';
import { train } from '../../policy/runner.ts';
import type { EnvironmentRecipe } from '../../sim/recipe.ts';
import type { Adapted, ArmSource, LoggedArm } from './arms.ts';

/** Spread of the physics around the fit, as a share of the task's randomisation; exploration's log-std: as loop/adaptation.ts. */
const SPREAD = 0.25;
const EXPLORATION = Math.log(0.5);

/** Environments: half of a training's, for a course that is a fifth as long. */
const ENVIRONMENTS = 64;

export const headArm: LoggedArm = {
  name: 'head',
  doc: 'identify, then learn the last layer in the fitted simulator',
  run: (request) => inFitted(request, 'actor-head'),
};

export const retrainArm: LoggedArm = {
  name: 'retrain',
  doc: 'identify, then learn on with the whole policy in the fitted simulator',
  run: (request) => inFitted(request, 'all'),
};

async function inFitted(request: Parameters<LoggedArm['run']>[0], trainable: Trainable): Promise<Adapted> {
  const { experiment, bundle, seed } = request;
  const { dynamics } = await request.fitted();
  const { config } = experiment;
  const recipe = {
    // Close to the fit: no range widens.
    ...trainingRecipe({ ...experiment, config: { ...config, adr: false } }),
    contract: bundle.contract,
    dynamics,
    randomization: SPREAD,
    key: foldIn(keyOf(seed), PURPOSE.environments),
  };
  return learnOn(request, recipe, trainable);
}

/** PPO from the policy on, in the environments of a recipe. */
export async function learnOn(source: ArmSource, recipe: EnvironmentRecipe, trainable: Trainable): Promise<Adapted> {
  const { bundle, learned, experiment, pool, seed, iterations } = source;
  const { config, network } = experiment;
  const backend = await openBackend('auto', bundle.contract.network.kind);
  const actorSize = bundleParameters(bundle).length;
  const initial = Float32Array.from(learned?.parameters ?? bundleParameters(bundle));
  initial.fill(EXPLORATION, actorSize - bundle.logStd.length, actorSize);
  try {
    const { contract, actor } = await train({
      recipe,
      evalRecipe: evaluationRecipe(experiment, bundle.contract, 'rapier', seed),
      settings: {
        ...config.train,
        numEnvs: ENVIRONMENTS,
        iterations,
        evalEvery: iterations + 1,
        evalEpisodes: 1,
        stopAtSuccess: null,
        ppo: config.ppo,
        network,
        trainable,
        // Statistics taken anew are an arm of their own.
        freezeNormalizer: true,
      },
      backend,
      pool,
      key: foldIn(keyOf(seed), trainable === 'all' ? 12 : 11),
      clock: systemClock,
      initial,
      ...(learned?.criticNormalizer === undefined ? {} : { initialCriticNormalizer: learned.criticNormalizer }),
    });
    actor.set(bundle.logStd, actor.length - bundle.logStd.length);
    return { contract, actor };
  } finally {
    backend.close();
  }
}
