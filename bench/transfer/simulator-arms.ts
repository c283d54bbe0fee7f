/**
 * Arms that learn by PPO in the simulator fitted to the episodes: identify, then fine-tune some of the policy. What each may
 * change is policy/transfer/arms.ts'. They start from the policy and its critic.
 */

import { systemClock } from '../../core/clock.ts';
import { foldIn, keyOf } from '../../core/rng.ts';
import { evaluationRecipe, PURPOSE, trainingRecipe } from '../../loop/experiment.ts';
import { openBackend } from '../../policy/backend.ts';
import { bundleParameters } from '../../policy/checkpoint.ts';
import { armDoc, type FineTuneArm } from '../../policy/transfer/arms.ts';
import { fineTune } from '../../policy/transfer/fine-tune.ts';
import type { EnvironmentRecipe } from '../../sim/recipe.ts';
import type { Adapted, ArmSource, LoggedArm } from './arms.ts';

/** Spread of the physics around the fit, as a share of the task's randomisation; exploration's log-std: as loop/adaptation.ts. */
const SPREAD = 0.25;
const EXPLORATION = Math.log(0.5);

/** Environments: half of a training's, for a course that is a fifth as long. */
const ENVIRONMENTS = 64;

export function simulatorArm(name: FineTuneArm): LoggedArm {
  return {
    name,
    doc: `in the fitted simulator: ${armDoc(name)}`,
    async run(request) {
      const { experiment, bundle, seed } = request;
      const { dynamics } = await request.fitted();
      const recipe = {
        // Close to the fit: no range widens.
        ...trainingRecipe({ ...experiment, config: { ...experiment.config, adr: false } }),
        contract: bundle.contract,
        dynamics,
        randomization: SPREAD,
        key: foldIn(keyOf(seed), PURPOSE.environments),
      };
      return learnOn(request, recipe, name);
    },
  };
}

/** PPO from the policy on, in the environments of a recipe. */
export async function learnOn(source: ArmSource, recipe: EnvironmentRecipe, name: FineTuneArm): Promise<Adapted> {
  const { bundle, learned, experiment, pool, seed, iterations } = source;
  const { config, network } = experiment;
  const { contract } = bundle;
  const backend = await openBackend('auto', contract.network.kind);
  const policy = {
    contract,
    network: { ...network, actor: contract.network },
    parameters: learned?.parameters ?? bundleParameters(bundle),
    ...(learned?.criticNormalizer === undefined ? {} : { criticNormalizer: learned.criticNormalizer }),
  };
  const settings = {
    ...config.train,
    numEnvs: ENVIRONMENTS,
    iterations,
    evalEvery: iterations + 1,
    evalEpisodes: 1,
    stopAtSuccess: null,
    ppo: config.ppo,
    network,
  };
  try {
    const { contract: adapted, actor } = await fineTune(
      name,
      policy,
      {
        recipe,
        evalRecipe: evaluationRecipe(experiment, contract, 'rapier', seed),
        settings,
        backend,
        pool,
        key: foldIn(keyOf(seed), 11),
        clock: systemClock,
      },
      { exploration: EXPLORATION },
    );
    return { contract: adapted, actor };
  } finally {
    backend.close();
  }
}
