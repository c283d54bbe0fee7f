/**
 * PPO on the SIMD kernel: the tfjs reference (`../ppo.ts`) computed by hand in threads over one shared memory. A minibatch is cut
 * into a fixed number of shards whose gradients are summed in a fixed order, so any number of threads learns the same
 * bytes. The main thread only asks and waits: its event loop stays free. Knows no environment.
 */

import { InputError, LandfallError } from '../../core/errors.ts';
import { foldIn, type Key, RandomStream } from '../../core/rng.ts';
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
  type Trainable,
} from '../ppo-learner.ts';
import { LearnerThreads } from './learner-threads.ts';
import { type BatchPlan, type PpoPlan, SHARD_STATS, SHARDS, SLICES, STATS } from './ppo-plan.ts';
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
    const body = total(sizes.slice(0, -2));
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
      frozen:
        trainable === 'all'
          ? []
          : [
              [0, body],
              [weights, this.actorSize],
            ],
      parameters: memory.allocate(size),
      firstMoment: memory.allocate(size),
      secondMoment: memory.allocate(size),
      gradient: memory.allocate(size),
      shards: memory.allocate(SHARDS * shardStride),
      shardStride,
      shardStats: memory.allocate(2 * SHARDS * SHARD_STATS),
      norms: memory.allocate(2 * SLICES),
      totals: memory.allocate(2 * STATS),
      team: memory.allocate(TEAM_LENGTH),
    };
    this.#parameters.set(this.#first);
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
    const random = new RandomStream(foldIn(foldIn(this.#key, 3), iteration));
    const rows = Math.floor(batch.size / minibatches);
    const epochs = await steeredEpochs(settings, this.#learningRate, iteration, progress, async (learningRate) => {
      random.permutation(this.#memory.ints(plan.order, batch.size));
      const sums = this.#memory.doubles(this.#plan.totals, STATS).fill(0);
      await this.#threads.run({ op: 'epoch', batch: plan, settings, learningRate, steps: this.#steps, rows });
      this.#steps += minibatches;
      return Float64Array.from(sums, (sum) => sum / minibatches);
    });
    this.#learningRate = epochs.nextLearningRate;
    const logStd = this.#parameters.subarray(this.actorSize - this.#network.actor.layers.at(-1)!, this.actorSize);
    if (this.#trainable === 'all') {
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
    this.#parameters.set(state.parameters);
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

function total(sizes: readonly number[]): number {
  return sizes.reduce((a, b) => a + b, 0);
}
