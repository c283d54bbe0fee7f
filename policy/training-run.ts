/**
 * A run between its iterations: environments, statistics, curriculum, ADR and what an actor remembers, put back where they
 * stood when it is resumed, and taken down in snapshots. Knows no algorithm.
 */

import { actionDim, obsDim } from '../core/contract.ts';
import { NumericError } from '../core/errors.ts';
import { OpenFrameRing } from '../core/frame-ring.ts';
import { foldIn } from '../core/rng.ts';
import type { EnvironmentRecipe } from '../sim/recipe.ts';
import { AdrLearner } from './adr-learner.ts';
import { stateSize } from './architecture.ts';
import { Collector } from './collector.ts';
import type { Course } from './course.ts';
import { DivergenceError, lossDiverged } from './divergence.ts';
import { learnedNetwork, ObservationStatistics } from './observation-statistics.ts';
import type { LearnerState } from './ppo-learner.ts';
import type { RolloutBuffer, RolloutShape } from './rollout-buffer.ts';
import type { LoopSettings, Snapshot, TrainJob } from './training-job.ts';

type Job = TrainJob<LoopSettings, never>;

export class TrainingRun<Stats extends { readonly std: number }> {
  /** Iterations done. */
  iteration: number;
  /** Best evaluation so far. */
  best: number | null;
  /** Control steps of an iteration, of all environments. */
  readonly steps: number;
  readonly buffer: RolloutBuffer;
  readonly adr: AdrLearner | null;
  readonly #job: Job;
  readonly #course: Course<Stats>;
  readonly #recipe: EnvironmentRecipe;
  readonly #statistics: ObservationStatistics;
  readonly #collector: Collector;
  readonly #ring: OpenFrameRing | null;
  /** The iteration with which the environments' episodes began. */
  readonly #begun: number;
  /** Without a curriculum every level is -1. */
  readonly #isGraded: boolean;

  /** @throws InputError when a checkpoint is of another task or network */
  static async open<Stats extends { readonly std: number }>(
    job: Job,
    course: Course<Stats>,
  ): Promise<TrainingRun<Stats>> {
    const { pool, key, resume, initial } = job;
    const statistics = new ObservationStatistics(job);
    if (resume !== undefined) course.learner.load(resume.learner);
    else if (initial !== undefined) await course.startFrom?.(initial);
    // Environments that cannot be restored start new episodes, not those of the first start.
    const begun = resume === undefined ? 0 : (resume.environments?.begun ?? resume.iteration);
    const recipe = begun === 0 ? job.recipe : { ...job.recipe, key: foldIn(job.recipe.key, begun) };
    const from = resume?.environments?.snapshots;
    const shape = rolloutShape(job, course);
    const collector = await Collector.open(pool, recipe, shape, foldIn(key, 2), job.ring ?? null, from);
    return new TrainingRun(job, course, statistics, recipe, begun, collector);
  }

  private constructor(
    job: Job,
    course: Course<Stats>,
    statistics: ObservationStatistics,
    recipe: EnvironmentRecipe,
    begun: number,
    collector: Collector,
  ) {
    const { settings, resume } = job;
    const { buffer } = collector;
    this.iteration = resume?.iteration ?? 0;
    this.best = resume?.bestScore ?? null;
    this.steps = settings.numEnvs * settings.horizon;
    this.buffer = buffer;
    this.adr = recipe.adr === undefined ? null : new AdrLearner(recipe.adr, resume?.adr);
    this.#job = job;
    this.#course = course;
    this.#recipe = recipe;
    this.#statistics = statistics;
    this.#collector = collector;
    this.#ring = job.ring == null ? null : new OpenFrameRing(job.ring);
    this.#begun = begun;
    this.#isGraded = buffer.level.some((level) => level >= 0);
    if (this.#isGraded && resume?.levels !== undefined) buffer.level.set(resume.levels);
    // What it remembers belongs to episodes that go on.
    if (resume?.environments !== undefined && resume.actorState?.length === buffer.nextActorState.length)
      buffer.nextActorState.set(resume.actorState);
  }

  /** Tell the environments what to act with. @returns what the iteration begins with */
  async begin(): Promise<Snapshot> {
    const { buffer } = this;
    const learner = await this.#course.learner.state();
    buffer.parameters.set(this.#explorer(learner));
    this.#statistics.write(buffer);
    this.adr?.write(buffer);
    return this.#snapshotOf(learner);
  }

  async collect(): Promise<void> {
    const scenes = await this.#collector.collect(this.iteration, this.#ring?.published ?? 0);
    for (const change of scenes) this.#job.onScene?.(change);
    this.#ring?.publish(this.#job.settings.horizon);
  }

  /** From what was collected; the iteration is then done. */
  async learn(): Promise<Stats> {
    const { buffer, iteration } = this;
    const { countsFirst = false } = this.#course;
    if (countsFirst) this.#statistics.update(buffer);
    const stats = await this.#course.learn({ buffer, statistics: this.#statistics.now(), iteration });
    if (!countsFirst) this.#statistics.update(buffer);
    this.adr?.update(buffer);
    this.iteration++;
    return stats;
  }

  /** An iteration's failure; of a number that is not finite it says where, and tells. @param before it began */
  async diverged(error: unknown, before: Snapshot): Promise<unknown> {
    if (!(error instanceof NumericError)) return error;
    const located =
      error instanceof DivergenceError ? error : await lossDiverged(error, this.#collector, this.iteration);
    await this.#job.onDivergence?.(located, before, this.#recipe);
    return located;
  }

  /** The policy as it stands, and what its learner needs to go on. */
  async snapshot(): Promise<Snapshot> {
    return this.#snapshotOf(await this.#course.learner.state());
  }

  /** With where the environments stand. */
  async checkpoint(): Promise<Snapshot> {
    const { state, ...policy } = await this.snapshot();
    const snapshots = await this.#collector.snapshots();
    return { ...policy, state: { ...state, environments: { begun: this.#begun, snapshots } } };
  }

  /** With all that the course keeps. */
  async end(): Promise<Snapshot> {
    const { state, ...policy } = await this.checkpoint();
    return { ...policy, state: { ...state, ...this.#course.kept?.() } };
  }

  #explorer({ parameters }: LearnerState): Float32Array {
    return parameters.subarray(0, this.#course.learner.actorSize);
  }

  #snapshotOf(learner: LearnerState): Snapshot {
    const { contract } = this.#recipe;
    const { buffer, iteration, adr } = this;
    const statistics = this.#statistics.now();
    const explorer = this.#explorer(learner);
    return {
      contract: {
        ...contract,
        normalizer: statistics.actor,
        network: learnedNetwork(contract.network, statistics),
      },
      actor: this.#course.deployed?.(explorer) ?? explorer.slice(),
      state: {
        learner,
        iteration,
        envSteps: iteration * this.steps,
        bestScore: this.best,
        ...(statistics.critic === null ? {} : { criticNormalizer: statistics.critic }),
        ...(this.#isGraded ? { levels: Array.from(buffer.level) } : {}),
        ...(adr === null ? {} : { adr: adr.state }),
        ...(buffer.nextActorState.length === 0 ? {} : { actorState: Float32Array.from(buffer.nextActorState) }),
      },
    };
  }
}

function rolloutShape(
  { recipe, settings }: Job,
  { learner, stateStd }: Course<{ readonly std: number }>,
): RolloutShape {
  const { contract } = recipe;
  return {
    horizon: settings.horizon,
    numEnvs: settings.numEnvs,
    obsDim: obsDim(contract),
    criticDim: settings.network.criticInputs ?? 0,
    actionDim: actionDim(contract),
    stateDim: stateSize(contract.network),
    rewardTerms: recipe.rewardWeights.length,
    bounds: 2 * (recipe.adr?.parameters.length ?? 0),
    parameters: learner.actorSize,
    ...(stateStd === undefined ? {} : { stateStd }),
  };
}
