/**
 * The loop that learns from a replay buffer: collect, remember, update, judge, save. With logged episodes a share of every
 * batch is theirs. Knows no task, no terminal and no file.
 */

import { NumericError } from '../core/errors.ts';
import { OpenFrameRing } from '../core/frame-ring.ts';
import { foldIn } from '../core/rng.ts';
import { AdrLearner } from './adr-learner.ts';
import { BatchSampler } from './batch-sampler.ts';
import { Collector } from './collector.ts';
import { DivergenceError } from './divergence.ts';
import { makeSac } from './make-sac.ts';
import { RunningNormalizer } from './normalizer.ts';
import { ReplayBuffer } from './replay-buffer.ts';
import {
  criticStatistics,
  episodeFigures,
  judge,
  type LoopFigures,
  lossDiverged,
  reached,
  type Snapshot,
  type TrainJob,
  type TrainSettings,
  writeStatistics,
} from './runner.ts';
import type { SacLearner, SacNetworks, SacSettings, SacStats } from './sac-learner.ts';
import { explorerOf, meanActor } from './squashed-gaussian.ts';

export interface OffPolicySettings extends Omit<TrainSettings, 'ppo' | 'trainable' | 'network'> {
  readonly sac: SacSettings;
  readonly network: SacNetworks;
}

export interface OffPolicyJob extends TrainJob<OffPolicySettings, LoopFigures & SacStats> {
  /** Logged episodes to learn from beside what is collected. */
  readonly prior?: ReplayBuffer;
}

/** Train until the iterations are used up, the success rate is reached, or `onIteration` says stop. */
export async function trainOffPolicy(job: OffPolicyJob): Promise<Snapshot> {
  const { settings, backend, key } = job;
  const learner = makeSac(backend, settings.network, settings.sac, foldIn(key, 1));
  try {
    return await learn(job, learner);
  } finally {
    learner.dispose();
  }
}

async function learn(job: OffPolicyJob, learner: SacLearner): Promise<Snapshot> {
  const { settings, pool, key, clock, resume, prior = null } = job;
  // Environments that cannot be restored start new episodes, not those of the first start.
  const begun = resume === undefined ? 0 : (resume.environments?.begun ?? resume.iteration);
  const recipe = begun === 0 ? job.recipe : { ...job.recipe, key: foldIn(job.recipe.key, begun) };
  const { sac, numEnvs, horizon } = settings;
  const { contract } = recipe;
  const normalizer = new RunningNormalizer(contract.normalizer);
  const criticNormalizer = criticStatistics(job);
  if (resume !== undefined) learner.load(resume.learner);
  else if (job.initial !== undefined) await startFrom(learner, job.initial, contract.network.layers);
  if (resume === undefined && prior !== null && settings.freezeNormalizer !== true) {
    normalizer.update(prior.data.obs, prior.size);
  }
  const shape = rolloutShape(job, learner.actorSize);
  const collector = await Collector.open(
    pool,
    recipe,
    shape,
    foldIn(key, 2),
    job.ring ?? null,
    resume?.environments?.snapshots,
  );
  const ring = job.ring == null ? null : new OpenFrameRing(job.ring);
  const { buffer } = collector;
  const replay = new ReplayBuffer(shape, sac.bufferSize);
  if (resume?.replay !== undefined) replay.load(resume.replay);
  const sampler = new BatchSampler(replay, prior, sac, foldIn(key, 3));
  // Without a curriculum every level is -1.
  const graded = buffer.level.some((level) => level >= 0);
  if (graded && resume?.levels !== undefined) buffer.level.set(resume.levels);
  const adr = recipe.adr === undefined ? null : new AdrLearner(recipe.adr, resume?.adr);
  const stepsPerIteration = numEnvs * horizon;
  const updates = Math.round(sac.updateRatio * stepsPerIteration);
  const policyAt = async (iteration: number, bestScore: number | null): Promise<Snapshot> => ({
    contract: { ...contract, normalizer: normalizer.toContract() },
    actor: meanActor(contract.network.layers, await learner.actor()),
    state: {
      learner: await learner.state(),
      iteration,
      envSteps: iteration * stepsPerIteration,
      bestScore,
      ...(criticNormalizer === null ? {} : { criticNormalizer: criticNormalizer.toContract() }),
      ...(graded ? { levels: Array.from(buffer.level) } : {}),
      ...(adr === null ? {} : { adr: adr.state }),
    },
  });
  const snapshot = async (iteration: number, bestScore: number | null): Promise<Snapshot> => {
    const at = await policyAt(iteration, bestScore);
    return { ...at, state: { ...at.state, environments: { begun, snapshots: await collector.snapshots() } } };
  };

  let best = resume?.bestScore ?? null;
  let iteration = resume?.iteration ?? 0;
  for (let stop = false; iteration < settings.iterations && !stop; ) {
    const started = clock.now();
    buffer.parameters.set(await learner.actor());
    writeStatistics(normalizer, buffer.normalizer);
    adr?.write(buffer);
    const before = job.onDivergence === undefined ? null : await policyAt(iteration, best);
    let collected = started;
    let stats: SacStats;
    try {
      for (const change of await collector.collect(iteration, ring?.published ?? 0)) job.onScene?.(change);
      ring?.publish(horizon);
      collected = clock.now();
      replay.take(buffer, iteration);
      if (settings.freezeNormalizer !== true) normalizer.update(buffer.obs, stepsPerIteration);
      criticNormalizer?.update(buffer.criticObs, stepsPerIteration);
      adr?.update(buffer);
      sampler.normalizeBy(normalizer.toContract(), criticNormalizer?.toContract() ?? null);
      stats = await learner.update(replay.size < sac.learnAfter ? 0 : updates, (update) => sampler.sac(update));
    } catch (error) {
      if (!(error instanceof NumericError)) throw error;
      const located = error instanceof DivergenceError ? error : await lossDiverged(error, collector, iteration);
      if (before !== null) await job.onDivergence?.(located, before, recipe);
      throw located;
    }
    const learned = clock.now();
    iteration++;

    const due = iteration % settings.evalEvery === 0 || iteration === settings.iterations;
    const evaluation = due ? await judge(job, await policyAt(iteration, best)) : null;
    if (evaluation !== null) best = Math.max(best ?? -Infinity, evaluation.meanReturn);
    const report = {
      ...episodeFigures(buffer),
      iteration,
      envSteps: iteration * stepsPerIteration,
      stepsPerSecond: stepsPerIteration / (learned - started),
      collectSeconds: collected - started,
      learnSeconds: learned - collected,
      ...(adr === null ? {} : { adrEntropy: adr.entropy }),
      ...stats,
      evaluation,
    };
    const asked = (await job.onIteration?.(report, () => snapshot(iteration, best))) ?? false;
    stop = asked || reached(evaluation, settings.stopAtSuccess);
  }
  const final = await snapshot(iteration, best);
  return { ...final, state: { ...final.state, replay: replay.save() } };
}

/** The first policy is a given one; critics and temperature start anew. @param actor as in a bundle, log-std last */
async function startFrom(learner: SacLearner, actor: Float32Array, layers: readonly number[]): Promise<void> {
  const state = await learner.state();
  state.parameters.set(explorerOf(layers, actor));
  learner.load(state);
}

function rolloutShape({ recipe, settings }: OffPolicyJob, parameters: number) {
  const { layers } = recipe.contract.network;
  return {
    horizon: settings.horizon,
    numEnvs: settings.numEnvs,
    obsDim: layers[0]!,
    criticDim: settings.network.criticInputs ?? 0,
    actionDim: layers.at(-1)!,
    rewardTerms: recipe.rewardWeights.length,
    bounds: 2 * (recipe.adr?.parameters.length ?? 0),
    parameters,
    stateStd: true,
  };
}
