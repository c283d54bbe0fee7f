/**
 * The loop that learns from logged episodes alone: update, look at episodes held out, judge in simulation, save. Knows no
 * task, no terminal and no file.
 */

import { foldIn } from '../core/rng.ts';
import { ObsNormalizer } from './actor.ts';
import { BatchSampler } from './batch-sampler.ts';
import { BehaviourCloning } from './bc.ts';
import { Iql } from './iql.ts';
import type { LoopFigures } from './iteration-report.ts';
import { better, judgeIfDue, reached } from './judgement.ts';
import { RunningNormalizer } from './normalizer.ts';
import type { OfflineLearner, OfflineNetworks, OfflineSettings, OfflineStats } from './offline-learner.ts';
import type { ReplayBuffer } from './replay-buffer.ts';
import type { JudgingSettings, Snapshot, TrainJob } from './training-job.ts';

export interface OfflineLoopSettings extends JudgingSettings {
  readonly algorithm: 'bc' | 'iql';
  readonly offline: OfflineSettings;
  readonly network: OfflineNetworks;
}

export interface OfflineJob extends TrainJob<OfflineLoopSettings, LoopFigures & OfflineStats> {
  readonly data: ReplayBuffer;
  /** Of episodes that are not learned from; null for none. */
  readonly held: ReplayBuffer | null;
}

/** Train until the iterations are used up, the success rate is reached, or `onIteration` says stop. */
export async function trainOffline(job: OfflineJob): Promise<Snapshot> {
  const { settings, backend, key } = job;
  const Learner = settings.algorithm === 'bc' ? BehaviourCloning : Iql;
  const learner = new Learner(backend, settings.network, settings.offline, foldIn(key, 1));
  try {
    return await learn(job, learner);
  } finally {
    learner.dispose();
  }
}

async function learn(job: OfflineJob, learner: OfflineLearner): Promise<Snapshot> {
  const { recipe, settings, key, clock, resume, data, held } = job;
  const { offline } = settings;
  const normalizer = new RunningNormalizer(recipe.contract.normalizer);
  if (resume === undefined) normalizer.update(data.data.obs, data.size);
  const contract = { ...recipe.contract, normalizer: normalizer.toContract() };
  if (resume !== undefined) learner.load(resume.learner);
  const sampler = new BatchSampler(data, null, offline, foldIn(key, 3));
  sampler.normalizeBy(contract.normalizer, null);
  const heldObs = held === null ? null : normalised(held, new ObsNormalizer(contract.normalizer));
  const snapshot = async (iteration: number, bestScore: number | null): Promise<Snapshot> => ({
    contract,
    actor: await learner.actor(),
    state: { learner: await learner.state(), iteration, envSteps: 0, bestScore },
  });

  let best = resume?.bestScore ?? null;
  let iteration = resume?.iteration ?? 0;
  for (let stop = false; iteration < settings.iterations && !stop; ) {
    const started = clock.now();
    const stats = await learner.update(offline.updates, (update) => sampler.transitions(update));
    const heldOutLoss = heldObs === null ? null : await learner.cloningLoss(heldObs, held!.data.action);
    const learned = clock.now();
    iteration++;

    const evaluation = await judgeIfDue(job, iteration, () => snapshot(iteration, best));
    best = better(best, evaluation);
    const report = {
      ...stats,
      heldOutLoss,
      iteration,
      // Nothing is collected.
      envSteps: 0,
      stepsPerSecond: 0,
      collectSeconds: 0,
      learnSeconds: learned - started,
      meanReturn: null,
      meanLength: null,
      successRate: null,
      rewardTerms: [],
      evaluation,
    };
    const asked = (await job.onIteration?.(report, () => snapshot(iteration, best))) ?? false;
    stop = asked || reached(evaluation, settings.stopAtSuccess);
  }
  return await snapshot(iteration, best);
}

/** @returns its observations, [size, obsDim] */
function normalised({ data, size, shape }: ReplayBuffer, normalize: ObsNormalizer): Float32Array {
  const out = data.obs.slice(0, size * shape.obsDim);
  for (let at = 0; at < out.length; at += shape.obsDim) {
    normalize.apply(out, at, out.subarray(at, at + shape.obsDim));
  }
  return out;
}
