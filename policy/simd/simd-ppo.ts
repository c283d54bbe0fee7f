/**
 * PPO on the SIMD kernel: the tfjs reference (`../ppo.ts`) computed by hand in threads over one shared memory. A minibatch is cut
 * into a fixed number of shards whose gradients are summed in a fixed order, so any number of threads learns the same
 * bytes. The main thread only asks and waits: its event loop stays free. Knows no environment.
 */

import { InputError, LandfallError } from '../../core/errors.ts';
import { foldIn, type Key, RandomStream } from '../../core/rng.ts';
import { adapterRate, isNewPhase, type Run, runsOf } from '../fine-tune-plan.ts';
import { initialWeights } from '../initial-weights.ts';
import { tensorSizes } from '../mlp.ts';
import { logStdBound, ppoStats, steeredEpochs } from '../ppo-epochs.ts';
import {
  type LearnerState,
  type NetworkSettings,
  normalisedAdvantage,
  type PpoBatch,
  type PpoLearner,
  type PpoSettings,
  type PpoStats,
  type Rehearsal,
  type Trainable,
} from '../ppo-learner.ts';
import { adapterSize, identityOf } from '../transfer/adapter.ts';
import { headRates } from '../transfer/rates.ts';
import { LearnerThreads } from './learner-threads.ts';
import {
  type AdapterPlan,
  type BatchPlan,
  type PpoPlan,
  type RehearsalPlan,
  SHARD_STATS,
  SHARDS,
  SLICES,
  STATS,
} from './ppo-plan.ts';
import { SimdMemory } from './simd-memory.ts';
import { TEAM_LENGTH } from './team.ts';

/** Kinds of networks that the kernel has. */
export const SIMD_NETWORKS: readonly string[] = ['mlp'];

export class SimdPpo implements PpoLearner {
  /** Numbers of the actor and its log-std, which come first. */
  readonly actorSize: number;
  readonly #settings: PpoSettings;
  readonly #network: NetworkSettings;
  readonly #key: Key;
  readonly #trainable: Trainable;
  readonly #first: Float32Array;
  readonly #memory = new SimdMemory();
  readonly #plan: PpoPlan;
  readonly #threads: LearnerThreads;
  /** Grown to the largest that was needed. */
  #batch: { readonly size: number; readonly plan: BatchPlan } | undefined;
  #rehearsal: { readonly size: number; readonly plan: RehearsalPlan } | undefined;
  #values: { readonly rows: number; readonly obs: number; readonly values: number } | undefined;
  #steps = 0;
  #learningRate: number;

  /**
   * @param key of the first weights and of the minibatches' order
   * @param threads that learn; the result does not depend on them
   * @throws InputError for a network that the kernel does not have
   */
  constructor(
    network: NetworkSettings,
    settings: PpoSettings,
    key: Key,
    trainable: Trainable = 'all',
    threads: number = 1,
  ) {
    const { kind, layers, activation } = network.actor;
    if (!SIMD_NETWORKS.includes(kind)) {
      throw new InputError(`the simd learner has no networks of kind ${kind}`, { repair: 'train with --backend wasm' });
    }
    const actions = layers.at(-1)!;
    const critic = [network.criticInputs ?? layers[0]!, ...network.criticHidden, 1];
    this.#settings = settings;
    this.#network = network;
    this.#key = key;
    this.#trainable = trainable;
    this.#learningRate = settings.learningRate;
    // Not `of`: a large network has more weights than a call may have arguments.
    this.#first = Float32Array.from([
      ...initialWeights(layers, 0.01, foldIn(key, 1)),
      ...new Array<number>(actions).fill(network.initialLogStd),
      ...initialWeights(critic, 1, foldIn(key, 2)),
    ]);
    const sizes = tensorSizes(layers);
    const weights = total(sizes);
    this.actorSize = weights + actions;
    const size = this.#first.length;
    const memory = this.#memory;
    // Slices and shards begin on a cache line.
    const slice = 16 * Math.ceil(size / (16 * SLICES));
    const shardStride = 16 * Math.ceil(size / 16);
    this.#plan = {
      actor: layers,
      critic,
      activation,
      sameSight: network.criticInputs === undefined,
      size,
      slice,
      parameters: memory.allocate(size),
      firstMoment: memory.allocate(size),
      secondMoment: memory.allocate(size),
      gradient: memory.allocate(size),
      shards: memory.allocate(SHARDS * shardStride),
      shardStride,
      shardStats: memory.allocate(2 * SHARDS * SHARD_STATS),
      anchor: 0,
      stiffness: 0,
      adapter: null,
      norms: memory.allocate(2 * (SLICES + 1)),
      totals: memory.allocate(2 * STATS),
      team: memory.allocate(TEAM_LENGTH),
      ...fineTuning(memory, trainable, size),
    };
    this.#setParameters(this.#first);
    // More threads than shards would only wait.
    this.#threads = new LearnerThreads(Math.min(threads, SHARDS), { memory: memory.memory, plan: this.#plan });
  }

  async values(obs: Float32Array, batch: number): Promise<Float32Array> {
    if (this.#values === undefined || this.#values.rows < batch) {
      this.#values = {
        rows: batch,
        obs: this.#memory.allocate(batch * this.#plan.critic[0]!),
        values: this.#memory.allocate(batch),
      };
    }
    const place = this.#values;
    this.#memory.floats(place.obs, obs.length).set(obs);
    await this.#threads.run({ op: 'values', obs: place.obs, values: place.values, rows: batch });
    return Float32Array.from(this.#memory.floats(place.values, batch));
  }

  async update(batch: PpoBatch, iteration: number, progress = 0): Promise<PpoStats> {
    const settings = this.#settings;
    const { minibatches } = settings;
    const plan = this.#upload(batch);
    const runs = this.#runs(iteration);
    const adapting = typeof this.#trainable === 'string' ? 0 : adapterRate(this.#trainable, iteration);
    const rehearsal = this.#uploadRehearsal(batch.rehearsal);
    const random = new RandomStream(foldIn(foldIn(this.#key, 3), iteration));
    const rows = Math.floor(batch.size / minibatches);
    const epochs = await steeredEpochs(settings, this.#learningRate, iteration, progress, async (learningRate) => {
      random.permutation(this.#memory.ints(plan.order, batch.size));
      const sums = this.#memory.doubles(this.#plan.totals, STATS).fill(0);
      const steps = this.#steps;
      const asked = { op: 'epoch', batch: plan, settings, learningRate, steps, rows, runs, rehearsal } as const;
      await this.#threads.run({ ...asked, adapterRate: adapting });
      this.#steps += minibatches;
      return Float64Array.from(sums, (sum) => sum / minibatches);
    });
    this.#learningRate = epochs.nextLearningRate;
    const logStd = this.#parameters.subarray(this.actorSize - this.#network.actor.layers.at(-1)!, this.actorSize);
    if (runs.some(([from, to]) => from < this.actorSize && to > this.actorSize - logStd.length)) {
      const bound = logStdBound(this.#network, progress);
      for (let i = 0; i < logStd.length; i++) logStd[i] = Math.min(logStd[i]!, bound);
    }
    return ppoStats(epochs, logStd);
  }

  async state(): Promise<LearnerState> {
    const { firstMoment, secondMoment, size } = this.#plan;
    return {
      parameters: Float32Array.from(this.#parameters),
      firstMoment: Float32Array.from(this.#memory.floats(firstMoment, size)),
      secondMoment: Float32Array.from(this.#memory.floats(secondMoment, size)),
      steps: this.#steps,
      learningRate: this.#learningRate,
    };
  }

  load(state: LearnerState): void {
    const { firstMoment, secondMoment, size } = this.#plan;
    if (state.parameters.length !== size) {
      throw new LandfallError(`the checkpoint has ${state.parameters.length} parameters, this network ${size}`, {
        repair: "resume with the run's own network settings",
      });
    }
    this.#setParameters(state.parameters);
    this.#memory.floats(firstMoment, size).set(state.firstMoment);
    this.#memory.floats(secondMoment, size).set(state.secondMoment);
    this.#steps = state.steps;
    this.#learningRate = state.learningRate;
  }

  loadParameters(parameters: Float32Array): void {
    const whole = Float32Array.from(this.#first);
    whole.set(parameters);
    const zeros = new Float32Array(whole.length);
    this.load({
      parameters: whole,
      firstMoment: zeros,
      secondMoment: zeros,
      steps: 0,
      learningRate: this.#settings.learningRate,
    });
  }

  dispose(): void {
    this.#threads.close();
  }

  /** What learns in this iteration; the optimiser starts anew where that is something else than before. */
  #runs(iteration: number): Run[] {
    const trainable = this.#trainable;
    if (trainable === 'all') return [[0, this.#plan.size, 1]];
    if (trainable === 'actor-head') return runsOf(headRates(this.#network));
    if (isNewPhase(trainable, iteration)) {
      const { firstMoment, secondMoment, size, adapter } = this.#plan;
      for (const moment of [firstMoment, secondMoment]) this.#memory.floats(moment, size).fill(0);
      if (adapter !== null)
        for (const moment of [adapter.firstMoment, adapter.secondMoment])
          this.#memory.floats(moment, adapter.length).fill(0);
      // A resting adapter has no part of the norm.
      this.#memory.doubles(this.#plan.norms, SLICES + 1)[SLICES] = 0;
      this.#steps = 0;
    }
    return runsOf(trainable.rates(iteration));
  }

  /** With an adapter that does nothing yet, where there is one: its numbers are in no checkpoint, but merged. */
  #setParameters(parameters: Float32Array): void {
    const { adapter, size } = this.#plan;
    this.#parameters.set(parameters);
    if (adapter === null) return;
    this.#memory.floats(adapter.base, size).set(parameters);
    this.#memory.floats(adapter.theta, adapter.length).set(identityOf(adapter.spec, foldIn(this.#key, 4)));
    for (const moment of [adapter.firstMoment, adapter.secondMoment])
      this.#memory.floats(moment, adapter.length).fill(0);
  }

  #uploadRehearsal(rehearsal: Rehearsal | undefined): RehearsalPlan | null {
    if (rehearsal === undefined) return null;
    const { coefficient, size, obs, mean, logStd } = rehearsal;
    const memory = this.#memory;
    const rows = Math.floor(size / this.#settings.minibatches);
    if (this.#rehearsal === undefined || this.#rehearsal.size < size) {
      const pointers = {
        obs: memory.allocate(obs.length),
        mean: memory.allocate(mean.length),
        logStd: memory.allocate(logStd.length),
      };
      this.#rehearsal = { size, plan: { coefficient, rows, ...pointers } };
    }
    const plan = { ...this.#rehearsal.plan, coefficient, rows };
    memory.floats(plan.obs, obs.length).set(obs);
    memory.floats(plan.mean, mean.length).set(mean);
    memory.floats(plan.logStd, logStd.length).set(logStd);
    return plan;
  }

  get #parameters(): Float32Array {
    return this.#memory.floats(this.#plan.parameters, this.#plan.size);
  }

  /** The batch into the threads' memory, its advantages normalised. */
  #upload(batch: PpoBatch): BatchPlan {
    const memory = this.#memory;
    const { size } = batch;
    if (this.#batch === undefined || this.#batch.size < size) {
      const { actor, critic, sameSight } = this.#plan;
      this.#batch = {
        size,
        plan: {
          obs: memory.allocate(size * actor[0]!),
          criticObs: sameSight ? 0 : memory.allocate(size * critic[0]!),
          action: memory.allocate(size * actor.at(-1)!),
          logProb: memory.allocate(size),
          advantage: memory.allocate(size),
          target: memory.allocate(size),
          value: memory.allocate(size),
          order: memory.allocate(size),
        },
      };
    }
    const { plan } = this.#batch;
    const put = (pointer: number, data: Float32Array) => memory.floats(pointer, data.length).set(data);
    put(plan.obs, batch.obs);
    if (plan.criticObs !== 0) put(plan.criticObs, batch.criticObs ?? batch.obs);
    put(plan.action, batch.action);
    put(plan.logProb, batch.logProb);
    put(plan.advantage, normalisedAdvantage(batch.advantage));
    put(plan.target, batch.target);
    put(plan.value, batch.value);
    return plan;
  }
}

/** Where pull and adapter of a plan lie in the threads' memory. */
function fineTuning(
  memory: SimdMemory,
  trainable: Trainable,
  size: number,
): Partial<Pick<PpoPlan, 'anchor' | 'stiffness' | 'adapter'>> {
  if (typeof trainable === 'string') return {};
  const put = (data: Float32Array) => {
    const pointer = memory.allocate(size);
    memory.floats(pointer, size).set(data);
    return pointer;
  };
  const { pull, adapter: spec } = trainable;
  const pulled = pull === undefined ? {} : { anchor: put(pull.anchor), stiffness: put(pull.stiffness) };
  if (spec === undefined) return pulled;
  const length = adapterSize(spec);
  const [theta, firstMoment, secondMoment, gradient] = [0, 1, 2, 3].map(() => memory.allocate(length)) as [
    number,
    number,
    number,
    number,
  ];
  const adapter: AdapterPlan = {
    spec,
    length,
    theta,
    firstMoment,
    secondMoment,
    gradient,
    base: memory.allocate(size),
  };
  return { ...pulled, adapter };
}

function total(sizes: readonly number[]): number {
  return sizes.reduce((a, b) => a + b, 0);
}
