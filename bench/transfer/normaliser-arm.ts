/**
 * Observation statistics taken anew from the target's episodes, the network left alone: what adaptive batch normalisation (Li et
 * al. 2016, arXiv 1603.04779) does to a normaliser. It undoes a shift of the sensors, and also undoes a shift that the policy
 * should have seen.
 */

import { bundleParameters } from '../../policy/checkpoint.ts';
import { RunningNormalizer } from '../../policy/normalizer.ts';
import type { LoggedArm } from './arms.ts';

export const normaliserArm: LoggedArm = {
  name: 'normaliser',
  doc: 'observation statistics taken anew from the episodes',
  async run({ bundle, episodes }) {
    const { contract } = bundle;
    const statistics = new RunningNormalizer({ ...contract.normalizer, count: 0 });
    const steps = episodes.flatMap((episode) => episode.steps);
    const obs = Float32Array.from(steps.flatMap((step) => Array.from(step.obs)));
    statistics.update(obs, steps.length);
    return { contract: { ...contract, normalizer: statistics.toContract() }, actor: bundleParameters(bundle) };
  },
};
