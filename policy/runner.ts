/**
 * The loop that learns: collect, estimate returns, update, judge, save. Knows no task, no terminal and no file: what to
 * do with figures and checkpoints is passed in.
 */

import type { Clock } from '../core/clock.ts';
import { actionDim, type Contract, type NetworkContract, type NormalizerContract, obsDim } from '../core/contract.ts';
import { InputError, NumericError } from '../core/errors.ts';
import { type FrameRing, OpenFrameRing } from '../core/frame-ring.ts';
import { foldIn, type Key } from '../core/rng.ts';
import type { EnvironmentRecipe } from '../sim/recipe.ts';
import { AdrLearner } from './adr-learner.ts';
import { sizesOf, stateSize } from './architecture.ts';
import type { Backend } from './backend.ts';
import type { TrainingState } from './checkpoint.ts';
import { Collector, type WorkerPool } from './collector.ts';
import { Distiller } from './distiller.ts';
import { DivergenceError } from './divergence.ts';
import { type Evaluation, summarise } from './evaluate.ts';
import { actorRows, assemble, sequenceOf } from './experience.ts';
import { makePpo } from './make-ppo.ts';
import { augmented, mirroredObs, type Statistics, type TaskMirror } from './mirroring.ts';
import { splitTensors } from './mlp.ts';
import { RunningNormalizer } from './normalizer.ts';
import type { OfflineStats } from './offline-learner.ts';
import type {
  ActorLearner,
  LearnerState,
  NetworkSettings,
  PpoBatch,
  PpoSettings,
  PpoStats,
  Trainable,
} from './ppo-learner.ts';
import type { RolloutBuffer } from './rollout-buffer.ts';
import type { SacStats } from './sac-learner.ts';
import { labelsOf, type Teacher } from './teacher.ts';
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
  /** The task's symmetries, and what is made of them: more experience, or a loss. */
  readonly symmetry?: { readonly use: 'augment' | 'loss'; readonly mirrors: readonly TaskMirror[] };
}

/** What every loop reports of an iteration. */
export interface LoopFigures {
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

/** With the figures of what learned. */
export type IterationReport = LoopFigures & (PpoStats | SacStats | OfflineStats);

/** A policy and what resuming it needs. */
export interface Snapshot {
  readonly contract: Contract;
  /** Actor tensors, log-std last. */
  readonly actor: Float32Array;
  readonly state: TrainingState;
}

/** What any loop is given: S its settings, R what it reports. */
export interface TrainJob<S = TrainSettings, R = LoopFigures & PpoStats> {
  readonly recipe: EnvironmentRecipe;
  /** What the policy is judged on. */
  readonly evalRecipe: EnvironmentRecipe;
  readonly settings: S;
  readonly backend: Backend;
  readonly pool: WorkerPool;
  readonly key: Key;
  readonly clock: Clock;
  readonly ring?: FrameRing | null;
  /** Told of new scenes around watched environments, before their frames are published. */
  readonly onScene?: (change: SceneChange) => void;
  /** Go on from here. */
  readonly resume?: TrainingState;
  /** Learn what it says, instead of from rewards. */
  readonly teacher?: Teacher;
  /** Start from these parameters (actor, log-std, and of PPO the critic) with a new optimiser. */
  readonly initial?: Float32Array;
  /** Statistics that the critic of `initial` learned with, where it has its own. */
  readonly initialCriticNormalizer?: NormalizerContract;
  /** A number was not finite. @param before what the iteration began with @param recipe of the environments */
  readonly onDivergence?: (error: DivergenceError, before: Snapshot, recipe: EnvironmentRecipe) => Promise<void>;
  /** After every iteration. @returns true to stop */
  readonly onIteration?: (report: R, snapshot: () => Promise<Snapshot>) => boolean | Promise<boolean>;
}

/** Train until the iterations are used up, the success rate is reached, or `onIteration` says stop. */
export async function train(job: TrainJob): Promise<Snapshot> {
  const course = job.teacher === undefined ? reinforcement(job) : imitation(job, job.teacher);
  try {
    return await learn(job, course);
  } finally {
    course.learner.dispose();
  }
}

async function learn(job: TrainJob, course: Course): Promise<Snapshot> {
  const { settings, pool, key, clock, resume } = job;
  // Environments that cannot be restored start new episodes, not those of the first start.
  const begun = resume === undefined ? 0 : (resume.environments?.begun ?? resume.iteration);
  const recipe = begun === 0 ? job.recipe : { ...job.recipe, key: foldIn(job.recipe.key, begun) };
  const { contract } = recipe;
  const normalizer = new RunningNormalizer(contract.normalizer);
  const criticNormalizer = criticStatistics(job);
  const { learner: ppo } = course;
  if (resume !== undefined) ppo.load(resume.learner);
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
  // What it remembers belongs to episodes that go on.
  if (resume?.environments !== undefined && resume.actorState?.length === buffer.nextActorState.length)
    buffer.nextActorState.set(resume.actorState);
  const adr = recipe.adr === undefined ? null : new AdrLearner(recipe.adr, resume?.adr);
  const stepsPerIteration = settings.numEnvs * settings.horizon;
  const first = resume?.iteration ?? 0;
  const policyAt = (iteration: number, bestScore: number | null, learner: LearnerState): Snapshot => {
    return {
      contract: {
        ...contract,
        normalizer: normalizer.toContract(),
        network: learnedNetwork(contract.network, criticNormalizer),
      },
      actor: learner.parameters.slice(0, ppo.actorSize),
      state: {
        learner,
        iteration,
        envSteps: iteration * stepsPerIteration,
        bestScore,
        ...(criticNormalizer === null ? {} : { criticNormalizer: criticNormalizer.toContract() }),
        ...(graded ? { levels: Array.from(buffer.level) } : {}),
        ...(adr === null ? {} : { adr: adr.state }),
        ...(buffer.nextActorState.length === 0 ? {} : { actorState: Float32Array.from(buffer.nextActorState) }),
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
    writeStatistics(normalizer, buffer.normalizer);
    if (criticNormalizer !== null) writeStatistics(criticNormalizer, buffer.criticNormalizer);
    adr?.write(buffer);
    let collected = started;
    let stats: PpoStats;
    try {
      for (const change of await collector.collect(iteration, ring?.published ?? 0)) job.onScene?.(change);
      ring?.publish(settings.horizon);
      collected = clock.now();
      const statistics = { actor: normalizer.toContract(), critic: criticNormalizer?.toContract() ?? null };
      stats = await course.learn(buffer, statistics, iteration);
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

/** A learner, and what it makes of an iteration's experience. */
interface Course {
  readonly learner: ActorLearner;
  learn(buffer: RolloutBuffer, statistics: Statistics, iteration: number): Promise<PpoStats>;
}

function reinforcement(job: TrainJob): Course {
  const { recipe, settings, backend, pool, key } = job;
  const mirrors = settings.symmetry?.use === 'loss';
  const ppo = makePpo(backend, settings.network, settings.ppo, foldIn(key, 1), settings.trainable, pool.size, mirrors);
  if (job.resume === undefined && job.initial !== undefined) ppo.loadParameters(job.initial);
  const isPrivileged = recipe.contract.network.kind === 'privileged';
  return {
    learner: ppo,
    async learn(buffer, statistics, iteration) {
      const { actor, critic } = statistics;
      const batch = await assemble(buffer, ppo, actor, critic, settings.ppo, iteration, isPrivileged);
      return ppo.update(mirroredBatch(job, batch, buffer, statistics), iteration, iteration / settings.iterations);
    },
  };
}

function imitation({ settings, backend, key }: TrainJob, teacher: Teacher): Course {
  const student = new Distiller(backend, settings.network, settings.ppo, teacher, foldIn(key, 1));
  return {
    learner: student,
    learn(buffer, { actor }, iteration) {
      const batch = {
        size: buffer.shape.horizon * buffer.shape.numEnvs,
        obs: actorRows(buffer, actor, iteration),
        label: labelsOf(teacher, buffer),
        ...(buffer.actorState.length === 0 ? {} : { sequence: sequenceOf(buffer) }),
      };
      return student.update(batch, iteration);
    },
  };
}

/** What the learner gets to see of a batch where the task is symmetric. */
function mirroredBatch(
  { settings: { symmetry } }: TrainJob,
  batch: PpoBatch,
  buffer: RolloutBuffer,
  statistics: Statistics,
): PpoBatch {
  if (symmetry === undefined) return batch;
  const { use, mirrors } = symmetry;
  if (use === 'augment') return augmented(batch, buffer, statistics, mirrors);
  const mirrored = mirrors.map((mirror) => ({
    obs: mirroredObs(batch, buffer, statistics, mirror),
    action: mirror.action,
  }));
  return { ...batch, mirrored };
}

/** Mean action, the task's own start, every episode of the evaluation's seed. */
export async function judge(
  job: Pick<TrainJob<{ readonly evalEpisodes: number }>, 'pool' | 'evalRecipe' | 'settings' | 'onDivergence'>,
  policy: Snapshot,
): Promise<Evaluation> {
  const { contract, actor, state } = policy;
  const weights = splitTensors(actor, sizesOf(contract.network));
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
export async function lossDiverged(error: NumericError, collector: Collector, iteration: number) {
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

export function reached(evaluation: Evaluation | null, target: number | null): boolean {
  return target !== null && evaluation !== null && evaluation.successRate >= target;
}

function rolloutShape(settings: TrainSettings, contract: Contract, recipe: EnvironmentRecipe, ppo: ActorLearner) {
  return {
    horizon: settings.horizon,
    numEnvs: settings.numEnvs,
    obsDim: obsDim(contract),
    criticDim: settings.network.criticInputs ?? 0,
    actionDim: actionDim(contract),
    stateDim: stateSize(contract.network),
    rewardTerms: recipe.rewardWeights.length,
    bounds: 2 * (recipe.adr?.parameters.length ?? 0),
    parameters: ppo.actorSize,
  };
}

/**
 * Statistics of what only the critic sees, from where they stood; null when it sees what the actor sees.
 * @throws InputError when those to go on from are missing or of another critic
 */
export function criticStatistics({
  recipe,
  settings,
  resume,
  initialCriticNormalizer,
}: Pick<
  TrainJob<{ readonly network: { readonly criticInputs?: number } }>,
  'recipe' | 'settings' | 'resume' | 'initialCriticNormalizer'
>): RunningNormalizer | null {
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

/** @param out mean, then variance */
export function writeStatistics({ mean, variance }: RunningNormalizer, out: Float64Array): void {
  out.set(mean);
  out.set(variance, mean.length);
}

/** The network as it stands: a teacher's statistics of what only a simulation knows are part of it. */
function learnedNetwork(network: NetworkContract, criticNormalizer: RunningNormalizer | null): NetworkContract {
  if (network.kind !== 'privileged' || criticNormalizer === null) return network;
  return { ...network, encoder: { ...network.encoder, normalizer: criticNormalizer.toContract() } };
}

/** Means over the episodes that ended in this iteration. */
export function episodeFigures(buffer: RolloutBuffer) {
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
