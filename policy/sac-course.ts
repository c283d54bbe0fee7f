/**
 * How a soft actor-critic learns from an iteration: it remembers it in a replay buffer, and learns from batches of what it
 * remembers. With logged episodes a share of every batch is theirs.
 */

import { actionDim, obsDim } from '../core/contract.ts';
import { foldIn } from '../core/rng.ts';
import { BatchSampler } from './batch-sampler.ts';
import type { Course } from './course.ts';
import type { LoopFigures } from './iteration-report.ts';
import { makeSac } from './make-sac.ts';
import { RunningNormalizer } from './normalizer.ts';
import { ReplayBuffer } from './replay-buffer.ts';
import type { SacNetworks, SacSettings, SacStats } from './sac-learner.ts';
import { explorerOf, meanActor } from './squashed-gaussian.ts';
import type { LoopSettings, TrainJob } from './training-job.ts';

export interface OffPolicySettings extends LoopSettings {
  readonly sac: SacSettings;
  readonly network: SacNetworks;
}

export interface OffPolicyJob extends TrainJob<OffPolicySettings, LoopFigures & SacStats> {
  /** Logged episodes to learn from beside what is collected. */
  readonly prior?: ReplayBuffer;
}

export function sacCourse({ recipe, settings, backend, key, resume, prior }: OffPolicyJob): Course<SacStats> {
  const { sac, network, numEnvs, horizon } = settings;
  const { contract } = recipe;
  const { layers } = contract.network;
  const shape = { obsDim: obsDim(contract), criticDim: network.criticInputs ?? 0, actionDim: actionDim(contract) };
  const replay = new ReplayBuffer(shape, sac.bufferSize);
  if (resume?.replay !== undefined) replay.load(resume.replay);
  const sampler = new BatchSampler(replay, prior ?? null, sac, foldIn(key, 3));
  const updates = Math.round(sac.updateRatio * numEnvs * horizon);
  const learner = makeSac(backend, network, sac, foldIn(key, 1));
  return {
    learner,
    stateStd: true,
    // What it remembers was seen with other statistics anyway.
    countsFirst: true,
    // The critics and the temperature start anew.
    async startFrom(actor) {
      const state = await learner.state();
      state.parameters.set(explorerOf(layers, actor));
      learner.load(state);
    },
    deployed: (explorer) => meanActor(layers, explorer),
    learn({ buffer, statistics, iteration }) {
      replay.take(buffer, iteration);
      sampler.normalizeBy(statistics.actor, statistics.critic);
      return learner.update(replay.size < sac.learnAfter ? 0 : updates, (update) => sampler.sac(update));
    },
    kept: () => ({ replay: replay.save() }),
  };
}

/** Logged observations count in the statistics that a run begins with. */
export function withPrior(job: OffPolicyJob): OffPolicyJob {
  const { recipe, settings, resume, prior } = job;
  if (resume !== undefined || prior === undefined || settings.freezeNormalizer === true) return job;
  const normalizer = new RunningNormalizer(recipe.contract.normalizer);
  normalizer.update(prior.data.obs, prior.size);
  return { ...job, recipe: { ...recipe, contract: { ...recipe.contract, normalizer: normalizer.toContract() } } };
}
