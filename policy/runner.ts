/**
 * The loop that learns: collect, estimate returns, update, judge, save. Knows no task, no terminal and no file: what to
 * do with figures and checkpoints is passed in.
 */

import type { Clock } from '../core/clock.ts';
import type { Contract, NormalizerContract } from '../core/contract.ts';
import { InputError, NumericError } from '../core/errors.ts';
import { type FrameRing, OpenFrameRing } from '../core/frame-ring.ts';
import { foldIn, type Key } from '../core/rng.ts';
import type { EnvironmentRecipe } from '../sim/recipe.ts';
import { AdrLearner } from './adr-learner.ts';
import type { Backend } from './backend.ts';
import type { TrainingState } from './checkpoint.ts';
import { Collector, type WorkerPool } from './collector.ts';
import { DivergenceError } from './divergence.ts';
import { type Evaluation, summarise } from './evaluate.ts';
import { assemble } from './experience.ts';
import { makePpo } from './make-ppo.ts';
import { splitTensors, tensorSizes } from './mlp.ts';
import { RunningNormalizer } from './normalizer.ts';
import type { LearnerState, NetworkSettings, PpoLearner, PpoSettings, PpoStats, Trainable } from './ppo-learner.ts';
import type { RolloutBuffer } from './rollout-buffer.ts';
import type { SceneChange } from './watch.ts';

export interface TrainSettings {
  readonly numEnvs: number;
  /** Control steps an environment takes between updates. */
  readonly horizon: number;
  readonly iterations: number;
  /** Iterations between evaluations; the last one is always judged. */
  readonly evalEvery: number;
  readonly evalEpisodes: number;
  /** Stop when an evaluation's success rate reaches this; null to use all iterations. */
  readonly stopAtSuccess: number | null;
  readonly ppo: PpoSettings;
  readonly network: NetworkSettings;
  readonly trainable?: Trainable;
  /** Keep the actor's observation statistics as they are: they belong to the frozen body. */
  readonly freezeNormalizer?: boolean;
}

export interface IterationReport extends PpoStats {
  readonly iteration: number;
  readonly envSteps: number;
  readonly stepsPerSecond: number;
  readonly collectSeconds: number;
  readonly learnSeconds: number;
  /** Of the episodes that ended in this iteration; null when none did. */
  readonly meanReturn: number | null;
  readonly meanLength: number | null;
  readonly successRate: number | null;
  /** Mean weighted reward per second of each term. */
  readonly rewardTerms: readonly number[];
  readonly std: number;
  /** Width of ADR's ranges, nats a parameter (sim/adr.ts); absent without it. */
  readonly adrEntropy?: number;
  readonly evaluation: Evaluation | null;
}

/** A policy and what resuming it needs. */
export interface Snapshot {
  readonly contract: Contract;
  /** Actor tensors, log-std last. */
  readonly actor: Float32Array;
  readonly state: TrainingState;
}

export interface TrainJob {
  readonly recipe: EnvironmentRecipe;
  /** What the policy is judged on. */
  readonly evalRecipe: EnvironmentRecipe;
  readonly settings: TrainSettings;
  readonly backend: Backend;
  readonly pool: WorkerPool;
  readonly key: Key;
  readonly clock: Clock;
  readonly ring?: FrameRing | null;
  /** Told of new scenes around watched environments, before their frames are published. */
  readonly onScene?: (change: SceneChange) => void;
  /** Go on from here. */
  readonly resume?: TrainingState;
  /** Start from these parameters (actor, log-std, critic) with a new optimiser. */
  readonly initial?: Float32Array;
  /** Statistics that the critic of `initial` learned with, where it has its own. */
  readonly initialCriticNormalizer?: NormalizerContract;
  /** A number was not finite. @param before what the iteration began with @param recipe of the environments */
  readonly onDivergence?: (error: DivergenceError, before: Snapshot, recipe: EnvironmentRecipe) => Promise<void>;
  /** After every iteration. @returns true to stop */
  readonly onIteration?: (report: IterationReport, snapshot: () => Promise<Snapshot>) => boolean | Promise<boolean>;
}

/** Train until the iterations are used up, the success rate is reached, or `onIteration` says stop. */
export async function train(job: TrainJob): Promise<Snapshot> {
  const { settings, backend, pool, key } = job;
  const ppo = makePpo(backend, settings.network, settings.ppo, foldIn(key, 1), settings.trainable, pool.size);
  try {
    return await learn(job, ppo);
  } finally {
    ppo.dispose();
  }
}

async function learn(job: TrainJob, ppo: PpoLearner): Promise<Snapshot> {
  const { settings, pool, key, clock, resume } = job;
  // Environments that cannot be restored start new episodes, not those of the first start.
  const begun = resume === undefined ? 0 : (resume.environments?.begun ?? resume.iteration);
  const recipe = begun === 0 ? job.recipe : { ...job.recipe, key: foldIn(job.recipe.key, begun) };
  const { contract } = recipe;
  const normalizer = new RunningNormalizer(contract.normalizer);
  const criticNormalizer = criticStatistics(job);
  if (resume !== undefined) ppo.load(resume.learner);
  else if (job.initial !== undefined) ppo.loadParameters(job.initial);
  const collector = await Collector.open(
    pool,
    recipe,
    rolloutShape(settings, contract, recipe, ppo),
    foldIn(key, 2),
    job.ring ?? null,
    resume?.environments?.snapshots,
  );
  const ring = job.ring == null ? null : new OpenFrameRing(job.ring);
  const { buffer } = collector;
  // Without a curriculum every level is -1.
  const graded = buffer.level.some((level) => level >= 0);
  if (graded && resume?.levels !== undefined) buffer.level.set(resume.levels);
  const adr = recipe.adr === undefined ? null : new AdrLearner(recipe.adr, resume?.adr);
  const stepsPerIteration = settings.numEnvs * settings.horizon;
  const first = resume?.iteration ?? 0;
  const policyAt = (iteration: number, bestScore: number | null, learner: LearnerState): Snapshot => {
    return {
      contract: { ...contract, normalizer: normalizer.toContract() },
      actor: learner.parameters.slice(0, ppo.actorSize),
      state: {
        learner,
        iteration,
        envSteps: iteration * stepsPerIteration,
        bestScore,
        ...(criticNormalizer === null ? {} : { criticNormalizer: criticNormalizer.toContract() }),
        ...(graded ? { levels: Array.from(buffer.level) } : {}),
        ...(adr === null ? {} : { adr: adr.state }),
      },
    };
  };
  const snapshot = async (iteration: number, bestScore: number | null): Promise<Snapshot> => {
    const at = policyAt(iteration, bestScore, await ppo.state());
    return { ...at, state: { ...at.state, environments: { begun, snapshots: await collector.snapshots() } } };
  };

  let best = resume?.bestScore ?? null;
  let iteration = first;
  for (let stop = false; iteration < settings.iterations && !stop; ) {
    const started = clock.now();
    const learner = await ppo.state();
    buffer.parameters.set(learner.parameters.subarray(0, ppo.actorSize));
    writeNormalizer(normalizer, buffer);
    adr?.write(buffer);
    let collected = started;
    let stats: PpoStats;
    try {
      for (const change of await collector.collect(iteration, ring?.published ?? 0)) job.onScene?.(change);
      ring?.publish(settings.horizon);
      collected = clock.now();
      const statistics = [normalizer.toContract(), criticNormalizer?.toContract() ?? null] as const;
      const batch = await assemble(buffer, ppo, ...statistics, settings.ppo, iteration);
      stats = await ppo.update(batch, iteration, iteration / settings.iterations);
    } catch (error) {
      if (!(error instanceof NumericError)) throw error;
      const located = error instanceof DivergenceError ? error : await lossDiverged(error, collector, iteration);
      await job.onDivergence?.(located, policyAt(iteration, best, learner), recipe);
      throw located;
    }
    if (settings.freezeNormalizer !== true) normalizer.update(buffer.obs, stepsPerIteration);
    criticNormalizer?.update(buffer.criticObs, stepsPerIteration);
    adr?.update(buffer);
    const learned = clock.now();
    iteration++;

    const due = iteration % settings.evalEvery === 0 || iteration === settings.iterations;
    const evaluation = due ? await judge(job, policyAt(iteration, best, await ppo.state())) : null;
    if (evaluation !== null) best = Math.max(best ?? -Infinity, evaluation.meanReturn);
    const report = {
      ...stats,
      ...episodeFigures(buffer),
      iteration,
      envSteps: iteration * stepsPerIteration,
      stepsPerSecond: stepsPerIteration / (learned - started),
      collectSeconds: collected - started,
      learnSeconds: learned - collected,
      std: Math.exp(buffer.parameters.at(-1)!),
      ...(adr === null ? {} : { adrEntropy: adr.entropy }),
      evaluation,
    };
    const asked = (await job.onIteration?.(report, () => snapshot(iteration, best))) ?? false;
    stop = asked || reached(evaluation, settings.stopAtSuccess);
  }
  return await snapshot(iteration, best);
}

/** Mean action, the task's own start, every episode of the evaluation's seed. */
async function judge(job: TrainJob, policy: Snapshot): Promise<Evaluation> {
  const { contract, actor, state } = policy;
  const weights = splitTensors(actor, tensorSizes(contract.network.layers));
  try {
    const scores = await job.pool.evaluate(job.evalRecipe, contract, weights, job.settings.evalEpisodes);
    return summarise(scores, job.evalRecipe.key);
  } catch (error) {
    if (!(error instanceof DivergenceError)) throw error;
    const message = `evaluation after iteration ${state.iteration}, ${error.message}`;
    const located = new DivergenceError(message, { ...error.origin, iteration: state.iteration - 1 }, { cause: error });
    await job.onDivergence?.(located, policy, job.evalRecipe);
    throw located;
  }
}

/** A loss has no environment: the one with the largest reward is the most likely to tell why. */
async function lossDiverged(error: NumericError, collector: Collector, iteration: number) {
  const { buffer } = collector;
  const { numEnvs } = buffer.shape;
  let largest = 0;
  for (let i = 1; i < buffer.reward.length; i++)
    if (Math.abs(buffer.reward[i]!) > Math.abs(buffer.reward[largest]!)) largest = i;
  const env = largest % numEnvs;
  const origin = {
    tensor: 'loss',
    iteration,
    env: null,
    step: null,
    episode: { env, at: (await collector.snapshots())[env]! },
  };
  const repair = error.repair === undefined ? {} : { repair: error.repair };
  return new DivergenceError(error.message, origin, { ...repair, cause: error });
}

function reached(evaluation: Evaluation | null, target: number | null): boolean {
  return target !== null && evaluation !== null && evaluation.successRate >= target;
}

function rolloutShape(settings: TrainSettings, contract: Contract, recipe: EnvironmentRecipe, ppo: PpoLearner) {
  const { layers } = contract.network;
  return {
    horizon: settings.horizon,
    numEnvs: settings.numEnvs,
    obsDim: layers[0]!,
    criticDim: settings.network.criticInputs ?? 0,
    actionDim: layers.at(-1)!,
    rewardTerms: recipe.rewardWeights.length,
    bounds: 2 * (recipe.adr?.parameters.length ?? 0),
    parameters: ppo.actorSize,
  };
}

/**
 * Statistics of what only the critic sees, from where they stood; null when it sees what the actor sees.
 * @throws InputError when those to go on from are missing or of another critic
 */
function criticStatistics({ recipe, settings, resume, initialCriticNormalizer }: TrainJob): RunningNormalizer | null {
  const inputs = settings.network.criticInputs;
  if (inputs === undefined) return null;
  const known = resume === undefined ? initialCriticNormalizer : resume.criticNormalizer;
  const found = known?.mean.length ?? 0;
  if ((resume !== undefined || known !== undefined) && found !== inputs) {
    throw new InputError(`the checkpoint has statistics of ${found} critic observations, the task has ${inputs}`, {
      repair: 'the task has changed since: train again, or restore the old one',
    });
  }
  const { epsilon, clip } = recipe.contract.normalizer;
  const each = (value: number) => new Array<number>(inputs).fill(value);
  return new RunningNormalizer(known ?? { mean: each(0), variance: each(1), count: 0, epsilon, clip });
}

function writeNormalizer(normalizer: RunningNormalizer, buffer: RolloutBuffer): void {
  buffer.normalizer.set(normalizer.mean);
  buffer.normalizer.set(normalizer.variance, normalizer.mean.length);
}

/** Means over the episodes that ended in this iteration. */
function episodeFigures(buffer: RolloutBuffer) {
  const { horizon, numEnvs, rewardTerms } = buffer.shape;
  let ended = 0;
  let returns = 0;
  let lengths = 0;
  let successes = 0;
  for (let i = 0; i < horizon * numEnvs; i++) {
    if (buffer.endedLength[i] === 0) continue;
    ended++;
    returns += buffer.endedReturn[i]!;
    lengths += buffer.endedLength[i]!;
    successes += buffer.endedSuccess[i]!;
  }
  const terms = new Array<number>(rewardTerms).fill(0);
  for (let n = 0; n < numEnvs; n++) {
    for (let k = 0; k < rewardTerms; k++) terms[k] = terms[k]! + buffer.termSums[n * rewardTerms + k]!;
  }
  const over = (sum: number) => (ended === 0 ? null : sum / ended);
  return {
    meanReturn: over(returns),
    meanLength: over(lengths),
    successRate: over(successes),
    rewardTerms: terms.map((sum) => sum / (numEnvs * horizon)),
  };
}
