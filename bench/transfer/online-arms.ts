/**
 * Arms that learn on the target itself, by a soft actor-critic that sees what the robot measures: from nothing, which is what
 * every transfer is compared with, and as RLPD (Ball et al. 2023, arXiv 2302.02948): half of each batch is what the policy did
 * in simulation. Of RLPD's recipe critics, batch and update ratio are smaller here; the policy starts from the simulation's.
 */

import { withAlgorithm } from '../../configs/algorithms.ts';
import { systemClock } from '../../core/clock.ts';
import { foldIn, keyOf } from '../../core/rng.ts';
import { type Experiment, evaluationRecipe, openExperiment } from '../../loop/experiment.ts';
import { loggedData } from '../../loop/logged-episodes.ts';
import { recordEpisodes } from '../../loop/recorded-episodes.ts';
import { Actor } from '../../policy/actor.ts';
import { openBackend } from '../../policy/backend.ts';
import { bundleParameters } from '../../policy/checkpoint.ts';
import type { ReplayBuffer } from '../../policy/replay-buffer.ts';
import { trainOffPolicy } from '../../policy/runner.ts';
import type { Adapted, OnlineArm, OnlineRequest } from './arms.ts';

/** Iterations an episode: the policy that acts changes so often. */
const PARTS = 5;
/** Episodes of the policy in simulation that fill the prior buffer. */
const PRIOR_EPISODES = 20;
/** Control steps before the first update: a robot's episodes are dear. */
const LEARN_AFTER = 200;
/** log sigma with which a policy that was learned explores. */
const EXPLORATION = Math.log(0.3);

export const scratchArm: OnlineArm = {
  name: 'scratch',
  doc: 'a soft actor-critic on the target, from nothing',
  run: async (request) => learnThere(request, await softExperiment(request, 'relu'), {}),
};

export const rlpdArm: OnlineArm = {
  name: 'rlpd',
  doc: 'a soft actor-critic on the target, from the policy, half of each batch simulated',
  async run(request) {
    const { bundle, seed } = request;
    // The policy's own network, squashed: tanh of its mean instead of the clipped mean.
    const soft = await softExperiment(request, request.experiment.config.network.activation);
    const recipe = evaluationRecipe(request.experiment, bundle.contract, 'rapier', seed + 500);
    const simulated = await recordEpisodes(recipe, new Actor(bundle.contract, bundle.weights), PRIOR_EPISODES);
    const prior = loggedData(simulated, soft, 0).data;
    const initial = bundleParameters(bundle);
    initial.fill(EXPLORATION, initial.length - bundle.logStd.length);
    return learnThere(request, soft, { prior, initial });
  },
};

/** The task as SAC learns it, with a critic that sees what a robot measures. */
function softExperiment(
  { experiment, seed }: OnlineRequest,
  activation: Experiment['config']['network']['activation'],
): Promise<Experiment> {
  const config = withAlgorithm({ ...experiment.config, seed }, 'sac');
  return openExperiment({ ...config, network: { ...config.network, activation } });
}

async function learnThere(
  { robot, budgets, bundle, experiment, pool, seed }: OnlineRequest,
  soft: Experiment,
  start: { readonly prior?: ReplayBuffer; readonly initial?: Float32Array },
): Promise<Adapted[]> {
  const { task } = experiment;
  const steps = Math.round(task.episodeSeconds * task.rateHz);
  const { criticInputs: _, ...network } = soft.network;
  const { actionEntropy, ...sac } = soft.config.sac!;
  const normalizer = start.initial === undefined ? soft.contract.normalizer : bundle.contract.normalizer;
  const contract = { ...soft.contract, normalizer };
  const backend = await openBackend('auto', contract.network.kind, 'sac');
  const policies: Adapted[] = [];
  try {
    await trainOffPolicy({
      recipe: { ...robot, contract, plainCritic: true, key: foldIn(keyOf(seed), 31) },
      evalRecipe: { ...robot, contract },
      settings: {
        ...soft.config.train,
        numEnvs: 1,
        horizon: steps / PARTS,
        iterations: PARTS * budgets.at(-1)!,
        evalEvery: PARTS * budgets.at(-1)! + 1,
        evalEpisodes: 1,
        stopAtSuccess: null,
        sac: { ...sac, learnAfter: LEARN_AFTER, targetEntropy: actionEntropy * contract.network.layers.at(-1)! },
        network,
        freezeNormalizer: start.initial !== undefined,
      },
      backend,
      pool,
      key: foldIn(keyOf(seed), 32),
      clock: systemClock,
      ...start,
      async onIteration({ iteration }, snapshot) {
        if (iteration % PARTS === 0 && budgets.includes(iteration / PARTS)) {
          const { contract: learned, actor } = await snapshot();
          policies.push({ contract: learned, actor });
        }
        return false;
      },
    });
  } finally {
    backend.close();
  }
  return policies;
}
