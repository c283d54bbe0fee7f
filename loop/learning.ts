/** Which loop an experiment learns by, and what that loop is given besides. Reads the logged episodes. */

import type { IterationReport } from '../policy/iteration-report.ts';
import { trainOffline } from '../policy/offline-runner.ts';
import type { NetworkSettings } from '../policy/ppo-learner.ts';
import { train, trainOffPolicy } from '../policy/runner.ts';
import type { Snapshot, TrainJob, TrainSettings } from '../policy/training-job.ts';
import type { Experiment } from './experiment.ts';
import { readLogged } from './logged-episodes.ts';

/** @throws InputError when there are no episodes to learn from, and what training throws */
export async function learn(
  experiment: Experiment,
  job: Omit<TrainJob<TrainSettings, IterationReport>, 'settings'>,
): Promise<Snapshot> {
  const { config, network } = experiment;
  const { algorithm = 'ppo', data } = config;
  switch (algorithm) {
    case 'ppo':
    case 'distill':
    case 'rma':
      return train({ ...job, settings: settingsOf(experiment) });
    case 'sac': {
      const { actionEntropy, ...sac } = config.sac!;
      const settings = {
        ...config.train,
        sac: { ...sac, targetEntropy: actionEntropy * network.actor.layers.at(-1)! },
        network: data === undefined ? network : seeing(network),
      };
      if (data === undefined) return trainOffPolicy({ ...job, settings });
      const { data: prior } = await readLogged(data, experiment, 0);
      return trainOffPolicy({ ...job, recipe: { ...job.recipe, plainCritic: true }, settings, prior });
    }
    case 'bc':
    case 'iql': {
      const offline = config.offline!;
      const settings = { ...config.train, algorithm, offline, network: seeing(network) };
      return trainOffline({ ...job, settings, ...(await readLogged(data!, experiment, offline.heldOut)) });
    }
    default:
      return algorithm satisfies never;
  }
}

function settingsOf({ config, network, symmetry }: Experiment): TrainSettings {
  return {
    ...config.train,
    ppo: config.ppo,
    network,
    freezeNormalizer: config.algorithm === 'rma',
    ...(symmetry === undefined ? {} : { symmetry }),
  };
}

/** A critic that learns from recordings sees what they hold: what the actor sees. */
function seeing({ criticInputs: _, ...network }: NetworkSettings): NetworkSettings {
  return network;
}
