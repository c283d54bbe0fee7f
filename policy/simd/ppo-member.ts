/**
 * One thread's part of PPO: gradients of shards, their sum, Adam. The same loss as the tfjs reference (`../ppo.ts`), by hand.
 * Every piece of work is numbered and computes the same bits whoever does it. Knows no environment and no thread's life.
 */

import { exp } from '../../core/math.ts';
import { expand, pullBack, stepAdapter } from '../transfer/adapter.ts';
import {
  type AdapterPlan,
  type EpochRequest,
  type PpoPlan,
  SHARD_STATS,
  SHARDS,
  SLICES,
  STATS,
  type ValuesRequest,
} from './ppo-plan.ts';
import type { SimdMemory } from './simd-memory.ts';
import { SimdMlp } from './simd-mlp.ts';
import { TEAM_LENGTH, Team } from './team.ts';

const HALF_LOG_TWO_PI = 0.9189385332046727;
const BETA1 = 0.9;
const BETA2 = 0.999;
const ADAM_EPSILON = 1e-8;

export class PpoMember {
  readonly team: Team;
  readonly #memory: SimdMemory;
  readonly #plan: PpoPlan;
  readonly #first: boolean;
  readonly #actor: SimdMlp;
  readonly #critic: SimdMlp;
  readonly #actions: number;
  /** A block's rows: actions [rows, outputStride of the actor] and four numbers a row. */
  readonly #action: number;
  readonly #logProb: number;
  readonly #advantage: number;
  readonly #target: number;
  readonly #value: number;
  /** 1 / sigma, [outputStride of the actor] */
  readonly #invStd: number;

  /** @param index 0..size-1 @param size members of the team */
  constructor(memory: SimdMemory, plan: PpoPlan, index: number, size: number) {
    this.#memory = memory;
    this.#plan = plan;
    this.#first = index === 0;
    this.#actor = new SimdMlp(memory, plan.actor, plan.activation);
    this.#critic = new SimdMlp(
      memory,
      plan.critic,
      plan.activation,
      plan.sameSight ? { input: this.#actor.input } : {},
    );
    const { rows, outputStride } = this.#actor;
    this.#actions = plan.actor.at(-1)!;
    this.#action = memory.allocate(rows * outputStride);
    this.#invStd = memory.allocate(outputStride);
    this.#logProb = memory.allocate(rows);
    this.#advantage = memory.allocate(rows);
    this.#target = memory.allocate(rows);
    this.#value = memory.allocate(rows);
    this.team = new Team(memory.ints(plan.team, TEAM_LENGTH), size);
  }

  /** Learn from every minibatch of one pass over the batch. */
  epoch(request: EpochRequest): void {
    const { minibatches } = request.settings;
    for (let k = 0; k < minibatches; k++) {
      const constant = this.#readLogStd();
      this.team.share(SHARDS, (shard) => this.#shard(request, k, shard, constant));
      this.team.share(SLICES, (slice) => this.#sum(request, slice));
      const adapter = request.adapterRate === 0 ? null : this.#plan.adapter;
      if (adapter !== null) this.team.share(1, () => this.#pullBack(adapter));
      const norm = Math.sqrt(this.#memory.doubles(this.#plan.norms, SLICES + 1).reduce((sum, x) => sum + x, 0));
      if (this.#first) this.#report(request.rows, norm);
      this.team.share(SLICES, (slice) => this.#step(request, k, slice, norm));
      if (adapter !== null) this.team.share(1, () => this.#stepAdapter(adapter, request, k, norm));
    }
  }

  values({ obs, values, rows }: ValuesRequest): void {
    const { kernel } = this.#memory;
    const { input, inputStride, output, outputStride, rows: block } = this.#critic;
    const inputs = this.#plan.critic[0]!;
    this.team.share(Math.ceil(rows / block), (piece) => {
      const from = piece * block;
      const count = Math.min(block, rows - from);
      kernel.gatherRows(input, inputStride, obs + 4 * from * inputs, inputs, 0, count, inputs);
      this.#critic.forward(this.#criticParameters, count);
      kernel.gatherRows(values + 4 * from, 1, output, outputStride, 0, count, 1);
    });
  }

  get #logStd(): number {
    return this.#plan.parameters + 4 * this.#actor.size;
  }

  get #criticParameters(): number {
    return this.#logStd + 4 * this.#actions;
  }

  /** @returns sum of log sigma + log(2 pi) / 2 */
  #readLogStd(): number {
    const invStd = this.#memory.floats(this.#invStd, this.#actions);
    const logStd = this.#memory.floats(this.#logStd, this.#actions);
    let constant = 0;
    for (let i = 0; i < this.#actions; i++) {
      invStd[i] = exp(-logStd[i]!);
      constant += logStd[i]! + HALF_LOG_TWO_PI;
    }
    return constant;
  }

  /** Gradient of one shard of minibatch k, in blocks. */
  #shard({ batch, settings, rows, rehearsal }: EpochRequest, k: number, shard: number, constant: number): void {
    const { kernel } = this.#memory;
    const { actor, critic, parameters, shards, shardStride, shardStats, sameSight } = this.#plan;
    const [from, to] = [shardStart(shard, rows), shardStart(shard + 1, rows)];
    const gradient = shards + 4 * shard * shardStride;
    const dLogStd = gradient + 4 * this.#actor.size;
    const dCritic = dLogStd + 4 * this.#actions;
    const stats = shardStats + 8 * SHARD_STATS * shard;
    this.#memory.doubles(stats, SHARD_STATS).fill(0);
    if (from === to) this.#memory.floats(gradient, this.#plan.size).fill(0);
    // d(-c H) / d log sigma = -c, once
    this.#memory.floats(dLogStd, this.#actions).fill(shard === 0 ? -settings.entropyCoef : 0);

    const { input, inputStride, output, outputStride } = this.#actor;
    for (let at = from; at < to; at += this.#actor.rows) {
      const count = Math.min(this.#actor.rows, to - at);
      const order = batch.order + 4 * (k * rows + at);
      const add = at > from;
      const gather = (target: number, stride: number, source: number, columns: number) =>
        kernel.gatherRows(target, stride, source, columns, order, count, columns);
      gather(input, inputStride, batch.obs, actor[0]!);
      gather(this.#action, outputStride, batch.action, this.#actions);
      gather(this.#logProb, 1, batch.logProb, 1);
      gather(this.#advantage, 1, batch.advantage, 1);
      this.#actor.forward(parameters, count);
      kernel.ppoPolicyGradient(
        ...([output, this.#action, outputStride, this.#invStd, constant, this.#logProb, this.#advantage] as const),
        ...([count, this.#actions, settings.clip, 1 / rows, dLogStd, stats] as const),
      );
      this.#actor.backward(parameters, gradient, count, add);

      if (!sameSight) gather(this.#critic.input, this.#critic.inputStride, batch.criticObs, critic[0]!);
      gather(this.#value, 1, batch.value, 1);
      gather(this.#target, 1, batch.target, 1);
      this.#critic.forward(this.#criticParameters, count);
      kernel.ppoValueGradient(
        ...([this.#critic.output, this.#critic.outputStride, this.#value, this.#target, count] as const),
        ...([settings.valueClip ?? -1, settings.valueCoef / rows, stats + 24] as const),
      );
      this.#critic.backward(this.#criticParameters, dCritic, count, add);
    }
    this.#rehearse(rehearsal, k, shard, gradient, dLogStd);
  }

  /** Adds the gradient of c KL(old || new) of the shard's part of what is not to be forgotten. */
  #rehearse(plan: EpochRequest['rehearsal'], k: number, shard: number, gradient: number, dLogStd: number): void {
    if (plan === null) return;
    const { kernel } = this.#memory;
    const { parameters, actor } = this.#plan;
    const { input, inputStride, output, outputStride } = this.#actor;
    const { coefficient, rows } = plan;
    const actions = this.#actions;
    const logStd = this.#memory.floats(this.#logStd, actions);
    const old = this.#memory.floats(plan.logStd, actions);
    const [from, to] = [shardStart(shard, rows), shardStart(shard + 1, rows)];
    for (let at = from; at < to; at += this.#actor.rows) {
      const count = Math.min(this.#actor.rows, to - at);
      const row = k * rows + at;
      kernel.gatherRows(input, inputStride, plan.obs + 4 * row * actor[0]!, actor[0]!, 0, count, actor[0]!);
      this.#actor.forward(parameters, count);
      const mean = this.#memory.floats(output, count * outputStride);
      const oldMean = this.#memory.floats(plan.mean + 4 * row * actions, count * actions);
      const slope = this.#memory.floats(dLogStd, actions);
      for (let j = 0; j < actions; j++) {
        const precision = exp(-2 * logStd[j]!);
        const variance = exp(2 * old[j]!);
        let sum = 0;
        for (let i = 0; i < count; i++) {
          const d = mean[i * outputStride + j]! - oldMean[i * actions + j]!;
          // KL = log(s / s0) + (s0^2 + d^2) / (2 s^2) - 1/2:  dKL/dmu = d / s^2,  dKL/dlog s = 1 - (s0^2 + d^2) / s^2
          mean[i * outputStride + j] = (coefficient / rows) * d * precision;
          sum += 1 - (variance + d * d) * precision;
        }
        slope[j] = slope[j]! + (coefficient / rows) * sum;
      }
      this.#actor.backward(parameters, gradient, count, true);
    }
  }

  /** One slice of the minibatch's gradient, and its part of the norm: that of what learns. */
  #sum({ runs }: EpochRequest, slice: number): void {
    const { kernel } = this.#memory;
    const { gradient, shards, shardStride, norms } = this.#plan;
    const [from, to] = this.#range(slice);
    kernel.sumParts(gradient + 4 * from, shards + 4 * from, shardStride, SHARDS, to - from);
    let sum = 0;
    this.#within(runs, slice, (first, end) => {
      this.#pull(first, end);
      sum += kernel.squaredNorm(gradient + 4 * first, end - first);
    });
    this.#memory.doubles(norms, SLICES)[slice] = sum;
  }

  /** gradient += stiffness (w - anchor) */
  #pull(from: number, to: number): void {
    const { anchor, stiffness, gradient, parameters } = this.#plan;
    if (anchor === 0) return;
    const view = (pointer: number) => this.#memory.floats(pointer + 4 * from, to - from);
    const [g, w, w0, k] = [view(gradient), view(parameters), view(anchor), view(stiffness)];
    for (let i = 0; i < g.length; i++) g[i] = g[i]! + k[i]! * (w[i]! - w0[i]!);
  }

  #step({ settings, learningRate, steps, runs }: EpochRequest, k: number, slice: number, norm: number): void {
    const { parameters, firstMoment, secondMoment, gradient } = this.#plan;
    const t = steps + k + 1;
    this.#within(runs, slice, (first, end, rate) => {
      const at = 4 * first;
      this.#memory.kernel.adam(
        ...([parameters + at, firstMoment + at, secondMoment + at, gradient + at, end - first] as const),
        ...([clipScale(settings.maxGradNorm, norm), learningRate * rate, BETA1, BETA2] as const),
        ...([1 - BETA1 ** t, 1 - BETA2 ** t, ADAM_EPSILON] as const),
      );
    });
  }

  /** The adapter's gradient, and its part of the norm. */
  #pullBack({ spec, length, theta, gradient, base }: AdapterPlan): void {
    const { size, gradient: whole, norms } = this.#plan;
    const [g, w0] = [this.#memory.floats(whole, size), this.#memory.floats(base, size)];
    pullBack(spec, this.#memory.floats(theta, length), w0, g, this.#memory.floats(gradient, length));
    this.#memory.doubles(norms, SLICES + 1)[SLICES] = this.#memory.kernel.squaredNorm(gradient, length);
  }

  #stepAdapter(adapter: AdapterPlan, request: EpochRequest, k: number, norm: number): void {
    const { settings, steps } = request;
    const learningRate = request.learningRate * request.adapterRate;
    const { spec, length, base } = adapter;
    const { size, parameters } = this.#plan;
    const view = (pointer: number) => this.#memory.floats(pointer, length);
    const [theta, firstMoment, secondMoment] = [
      view(adapter.theta),
      view(adapter.firstMoment),
      view(adapter.secondMoment),
    ];
    const scale = clipScale(settings.maxGradNorm, norm);
    stepAdapter({ theta, firstMoment, secondMoment }, view(adapter.gradient), scale, learningRate, steps + k + 1);
    expand(spec, theta, this.#memory.floats(base, size), this.#memory.floats(parameters, size));
  }

  /** What of a slice learns. */
  #within(runs: EpochRequest['runs'], slice: number, visit: (from: number, to: number, rate: number) => void): void {
    const [from, to] = this.#range(slice);
    for (const [first, end, rate] of runs)
      if (first < to && end > from) visit(Math.max(first, from), Math.min(end, to), rate);
  }

  /** Add this minibatch's statistics to the epoch's. */
  #report(rows: number, norm: number): void {
    const shards = this.#memory.doubles(this.#plan.shardStats, SHARDS * SHARD_STATS);
    const totals = this.#memory.doubles(this.#plan.totals, STATS);
    const mean = (column: number) => {
      let sum = 0;
      for (let s = 0; s < SHARDS; s++) sum += shards[s * SHARD_STATS + column]!;
      return sum / rows;
    };
    const row = [mean(0), mean(3), mean(1), mean(2), norm];
    for (let i = 0; i < STATS; i++) totals[i] = totals[i]! + row[i]!;
  }

  /** Floats [from, to) of the parameters. */
  #range(slice: number): [number, number] {
    const { size, slice: length } = this.#plan;
    return [Math.min(size, slice * length), Math.min(size, (slice + 1) * length)];
  }
}

function clipScale(maxGradNorm: number, norm: number): number {
  return Math.min(1, maxGradNorm / (norm + 1e-6));
}

/** First row of a shard; a multiple of the four that the kernel takes at a time, but for the end. */
function shardStart(shard: number, rows: number): number {
  return shard === SHARDS ? rows : 4 * Math.floor((shard * rows) / (4 * SHARDS));
}
