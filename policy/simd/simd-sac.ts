/**
 * Soft actor-critic on the SIMD kernel, in one thread: the same arithmetic as the tfjs reference (policy/sac.ts), with gradients
 * written out. Networks are pointers into one memory, so the ensemble and its targets share one network's scratch.
 */

import { clamp, exp, log, tanh } from '../../core/math.ts';
import { type Key, split } from '../../core/rng.ts';
import type { LearnerState } from '../ppo-learner.ts';
import {
  initialSac,
  nonFinite,
  refuseSize,
  type SacBatch,
  type SacLayout,
  type SacLearner,
  type SacNetworks,
  type SacSettings,
  type SacStats,
  sacLayout,
} from '../sac-learner.ts';
import { LOG_STD_RANGE } from '../squashed-gaussian.ts';
import { SimdMemory } from './simd-memory.ts';
import { SimdMlp } from './simd-mlp.ts';

const HALF_LOG_TWO_PI = 0.9189385332046727;
const BETA1 = 0.9;
const BETA2 = 0.999;
const ADAM_EPSILON = 1e-8;

/** Actions drawn at a batch's states. */
interface Sample {
  /** tanh(u), [batch, actionDim] */
  readonly action: Float64Array;
  /** sigma z, [batch, actionDim]; where log sigma is clamped its gradient is 0, and so is `free`. */
  readonly spread: Float64Array;
  readonly free: Uint8Array;
  /** [batch] */
  readonly logProb: Float64Array;
  /** Mean of sigma. */
  std: number;
}

/** Floats from the first of all parameters. */
interface Pointers {
  readonly parameters: number;
  readonly gradient: number;
  readonly m: number;
  readonly v: number;
}

export class SimdSac implements SacLearner {
  readonly #memory = new SimdMemory();
  readonly #settings: SacSettings;
  readonly #layout: SacLayout;
  readonly #blind: boolean;
  readonly #actor: SimdMlp;
  readonly #critic: SimdMlp;
  readonly #at: Pointers;
  /** Floats from the first parameter: where critics, log-temperature and targets begin. */
  readonly #critics: number;
  readonly #temperature: number;
  readonly #targets: number;
  readonly #inputGradient: number;
  readonly #sample: Sample;
  readonly #target: Float64Array;
  readonly #actionGradient: Float64Array;
  #steps = 0;

  /** @param key of the first weights */
  constructor(networks: SacNetworks, settings: SacSettings, key: Key) {
    const { batchSize, critics, layerNorm } = settings;
    const memory = this.#memory;
    const layout = sacLayout(networks, settings);
    const { activation, layers } = networks.actor;
    const actions = layers.at(-1)!;
    this.#settings = settings;
    this.#layout = layout;
    this.#blind = networks.criticInputs === undefined;
    this.#actor = new SimdMlp(memory, layout.actorLayers, activation, { rows: batchSize });
    this.#critic = new SimdMlp(memory, layout.criticLayers, activation, { rows: batchSize, layerNorm });
    this.#inputGradient = memory.allocate(batchSize * this.#critic.inputStride);
    const learned = layout.actorSize + critics * layout.criticSize + 1;
    this.#critics = layout.actorSize;
    this.#temperature = learned - 1;
    this.#targets = learned;
    this.#at = {
      parameters: memory.allocate(layout.total),
      gradient: memory.allocate(learned),
      m: memory.allocate(learned),
      v: memory.allocate(learned),
    };
    this.#sample = {
      action: new Float64Array(batchSize * actions),
      spread: new Float64Array(batchSize * actions),
      free: new Uint8Array(batchSize * actions),
      logProb: new Float64Array(batchSize),
      std: 0,
    };
    this.#target = new Float64Array(batchSize);
    this.#actionGradient = new Float64Array(batchSize * actions);
    this.#floats('parameters').set(initialSac(networks, settings, split(key, 1 + critics)));
  }

  get actorSize(): number {
    return this.#layout.actorSize;
  }

  async update(count: number, draw: (update: number) => SacBatch): Promise<SacStats> {
    const { actorEvery, learningRate } = this.#settings;
    const first = this.#steps;
    const sums = { criticLoss: 0, qValue: 0, actorLoss: 0, entropy: 0, std: 0 };
    let actorUpdates = 0;
    for (let i = 0; i < count; i++) {
      const batch = draw(this.#steps);
      this.#steps++;
      this.#learnCritics(batch, sums);
      if (this.#steps % actorEvery !== 0) continue;
      this.#learnActor(batch, sums);
      actorUpdates++;
    }
    const temperature = exp(this.#floats('parameters')[this.#temperature]!);
    if (!Number.isFinite(sums.criticLoss + sums.actorLoss + temperature))
      throw nonFinite(first, this.#steps, sums.criticLoss / count, sums.actorLoss / actorUpdates);
    // 0 / 0 where there was none.
    return {
      criticLoss: sums.criticLoss / count,
      actorLoss: sums.actorLoss / actorUpdates,
      qValue: sums.qValue / count,
      entropy: sums.entropy / actorUpdates,
      temperature,
      std: sums.std / actorUpdates,
      learningRate,
    };
  }

  async state(): Promise<LearnerState> {
    const { total } = this.#layout;
    const padded = (name: 'm' | 'v') => {
      const out = new Float32Array(total);
      out.set(this.#floats(name));
      return out;
    };
    return {
      parameters: Float32Array.from(this.#floats('parameters')),
      firstMoment: padded('m'),
      secondMoment: padded('v'),
      steps: this.#steps,
      learningRate: this.#settings.learningRate,
    };
  }

  load(state: LearnerState): void {
    refuseSize(state, this.#layout.total);
    this.#floats('parameters').set(state.parameters);
    this.#floats('m').set(state.firstMoment.subarray(0, this.#targets));
    this.#floats('v').set(state.secondMoment.subarray(0, this.#targets));
    this.#steps = state.steps;
  }

  dispose(): void {}

  #floats(name: keyof Pointers): Float32Array {
    return this.#memory.floats(this.#at[name], name === 'parameters' ? this.#layout.total : this.#targets);
  }

  #learnCritics(batch: SacBatch, sums: { criticLoss: number; qValue: number }): void {
    const { critics, tau, batchSize } = this.#settings;
    const { criticSize } = this.#layout;
    const { parameters, gradient } = this.#at;
    const critic = this.#critic;
    this.#computeTarget(batch);
    this.#fillCritic(this.#blind ? batch.obs : batch.criticObs, batch.action);
    const output = this.#memory.floats(critic.output, batchSize * critic.outputStride);
    for (let i = 0; i < critics; i++) {
      const at = 4 * (this.#critics + i * criticSize);
      critic.forward(parameters + at, batchSize);
      for (let b = 0; b < batchSize; b++) {
        const q = output[b * critic.outputStride]!;
        const error = q - this.#target[b]!;
        sums.criticLoss += (error * error) / (batchSize * critics);
        sums.qValue += q / (batchSize * critics);
        // dL/dQ_i = 2 (Q_i - y) / B
        output[b * critic.outputStride] = (2 * error) / batchSize;
      }
      critic.backward(parameters + at, gradient + at, batchSize, false);
    }
    this.#adam(this.#critics, critics * criticSize, this.#steps);
    // Q' = (1 - tau) Q' + tau Q
    this.#memory.kernel.polyak(
      parameters + 4 * this.#targets,
      parameters + 4 * this.#critics,
      critics * criticSize,
      tau,
    );
  }

  /** y = r + gamma (1 - d) (min_{i in M} Q'_i(s', a') - alpha log pi(a' | s')),   a' ~ pi(s') */
  #computeTarget(batch: SacBatch): void {
    const { gamma, backupEntropy, batchSize } = this.#settings;
    const { parameters } = this.#at;
    const critic = this.#critic;
    const target = this.#target;
    const { action, logProb } = this.#act(batch.nextObs, batch.nextNoise);
    this.#fillCritic(this.#blind ? batch.nextObs : batch.nextCriticObs, action);
    const output = this.#memory.floats(critic.output, batchSize * critic.outputStride);
    target.fill(Infinity);
    for (const i of batch.subset) {
      critic.forward(parameters + 4 * (this.#targets + i * this.#layout.criticSize), batchSize);
      for (let b = 0; b < batchSize; b++) {
        const q = output[b * critic.outputStride]!;
        // Not Math.min: a value that is not a number must show.
        if (!(q >= target[b]!)) target[b] = q;
      }
    }
    const alpha = backupEntropy ? exp(this.#floats('parameters')[this.#temperature]!) : 0;
    for (let b = 0; b < batchSize; b++) {
      target[b] = batch.reward[b]! + gamma * batch.bootstrap[b]! * (target[b]! - alpha * logProb[b]!);
    }
  }

  /** L_pi = E[alpha log pi(a | s) - mean_i Q_i(s, a)], then the temperature. */
  #learnActor(batch: SacBatch, sums: { actorLoss: number; entropy: number; std: number }): void {
    const { batchSize, targetEntropy, actorEvery } = this.#settings;
    const { actorSize } = this.#layout;
    const { parameters, gradient } = this.#at;
    const alpha = exp(this.#floats('parameters')[this.#temperature]!);
    const { action, spread, free, logProb, std } = this.#act(batch.obs, batch.noise);
    const value = this.#climb(this.#blind ? batch.obs : batch.criticObs, action);
    const actions = action.length / batchSize;
    const { output, outputStride } = this.#actor;
    const out = this.#memory.floats(output, batchSize * outputStride);
    let entropy = 0;
    for (let b = 0; b < batchSize; b++) {
      entropy -= logProb[b]! / batchSize;
      for (let k = 0; k < actions; k++) {
        const at = b * actions + k;
        const a = action[at]!;
        // dL/du = (2 alpha tanh(u)) / B + dL/da (1 - a^2),   d log pi / du = 2 tanh(u)
        const du = (2 * alpha * a) / batchSize + this.#actionGradient[at]! * (1 - a * a);
        out[b * outputStride + k] = du;
        // d log pi / d log sigma = -1 beside what goes through u = mu + sigma z
        out[b * outputStride + actions + k] = free[at] === 0 ? 0 : du * spread[at]! - alpha / batchSize;
      }
    }
    this.#actor.backward(parameters, gradient, batchSize, false);
    sums.actorLoss += -alpha * entropy - value;
    sums.entropy += entropy;
    sums.std += std;
    // L_alpha = alpha (H(pi) - H*), by log alpha
    this.#floats('gradient')[this.#temperature] = alpha * (entropy - targetEntropy);
    const steps = Math.floor(this.#steps / actorEvery);
    this.#adam(0, actorSize, steps);
    this.#adam(this.#temperature, 1, steps);
  }

  /** The ensemble's mean at (obs, action), and the gradient of its negative by the action. @returns the batch's mean */
  #climb(obs: Float32Array, action: Float64Array): number {
    const { critics, batchSize } = this.#settings;
    const { parameters } = this.#at;
    const critic = this.#critic;
    const { outputStride, inputStride } = critic;
    const actions = action.length / batchSize;
    const seen = obs.length / batchSize;
    this.#fillCritic(obs, action);
    this.#actionGradient.fill(0);
    const output = this.#memory.floats(critic.output, batchSize * outputStride);
    const change = this.#memory.floats(this.#inputGradient, batchSize * inputStride);
    let value = 0;
    for (let i = 0; i < critics; i++) {
      const at = parameters + 4 * (this.#critics + i * this.#layout.criticSize);
      critic.forward(at, batchSize);
      for (let b = 0; b < batchSize; b++) {
        value += output[b * outputStride]! / (batchSize * critics);
        output[b * outputStride] = -1 / (batchSize * critics);
      }
      critic.backward(at, 0, batchSize, false, critic.output, this.#inputGradient);
      for (let b = 0; b < batchSize; b++) {
        for (let k = 0; k < actions; k++) {
          const to = b * actions + k;
          this.#actionGradient[to] = this.#actionGradient[to]! + change[b * inputStride + seen + k]!;
        }
      }
    }
    return value;
  }

  /** a = tanh(u), u = mu + sigma z. @param obs,noise [batch, ...] @returns scratch */
  #act(obs: Float32Array, noise: Float32Array): Sample {
    const { batchSize } = this.#settings;
    const actor = this.#actor;
    const { action, spread, free, logProb } = this.#sample;
    const actions = action.length / batchSize;
    fillRows(this.#memory.floats(actor.input, batchSize * actor.inputStride), actor.inputStride, 0, obs, batchSize);
    actor.forward(this.#at.parameters, batchSize);
    const out = this.#memory.floats(actor.output, batchSize * actor.outputStride);
    let std = 0;
    for (let b = 0; b < batchSize; b++) {
      let sum = 0;
      for (let k = 0; k < actions; k++) {
        const at = b * actions + k;
        const raw = out[b * actor.outputStride + actions + k]!;
        const logStd = clamp(raw, LOG_STD_RANGE[0], LOG_STD_RANGE[1]);
        const sigma = exp(logStd);
        const z = noise[at]!;
        const u = out[b * actor.outputStride + k]! + sigma * z;
        action[at] = tanh(u);
        spread[at] = sigma * z;
        free[at] = raw === logStd ? 1 : 0;
        std += sigma / noise.length;
        // log pi = sum -z^2/2 - log sigma - log(2 pi)/2 - log(1 - tanh^2 u),   the last = 2 (log 2 - |u| - log(1 + exp(-2|u|)))
        const far = u < 0 ? -u : u;
        const squash = 2 * (Math.LN2 - far - log(1 + exp(-2 * far)));
        sum += -0.5 * z * z - logStd - HALF_LOG_TWO_PI - squash;
      }
      logProb[b] = sum;
    }
    this.#sample.std = std;
    return this.#sample;
  }

  #fillCritic(obs: Float32Array, action: Float32Array | Float64Array): void {
    const { batchSize } = this.#settings;
    const { input, inputStride } = this.#critic;
    const rows = this.#memory.floats(input, batchSize * inputStride);
    fillRows(rows, inputStride, 0, obs, batchSize);
    fillRows(rows, inputStride, obs.length / batchSize, action, batchSize);
  }

  /** @param at,size floats of the parameters that step @param step counts from 1 */
  #adam(at: number, size: number, step: number): void {
    const { parameters, gradient, m, v } = this.#at;
    const from = 4 * at;
    this.#memory.kernel.adam(
      parameters + from,
      m + from,
      v + from,
      gradient + from,
      size,
      1,
      this.#settings.learningRate,
      BETA1,
      BETA2,
      1 - BETA1 ** step,
      1 - BETA2 ** step,
      ADAM_EPSILON,
    );
  }
}

/** Rows of `from` into columns `column`.. of rows that are `stride` apart. */
function fillRows(
  to: Float32Array,
  stride: number,
  column: number,
  from: Float32Array | Float64Array,
  rows: number,
): void {
  const width = from.length / rows;
  for (let b = 0; b < rows; b++) {
    for (let k = 0; k < width; k++) to[b * stride + column + k] = from[b * width + k]!;
  }
}
