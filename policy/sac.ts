/**
 * Soft actor-critic (Haarnoja et al. 2018, 1812.05905) on tfjs, the reference of every faster path: an ensemble of critics
 * whose targets take the least of a random subset (REDQ, Chen et al. 2021), a squashed Gaussian actor that climbs the
 * ensemble's mean, a temperature steered to an entropy. Knows no environment; reads nothing back within an update.
 */

import * as tf from '@tensorflow/tfjs';
import { LandfallError, NumericError } from '../core/errors.ts';
import { type Key, split } from '../core/rng.ts';
import { Adam } from './adam.ts';
import type { Backend } from './backend.ts';
import { criticTensors, criticValue } from './critic-network.ts';
import { tensorShapes, tensorSizes } from './mlp.ts';
import { forward } from './network.ts';
import type { LearnerState } from './ppo-learner.ts';
import {
  initialSac,
  type SacBatch,
  type SacLayout,
  type SacLearner,
  type SacNetworks,
  type SacSettings,
  type SacStats,
  sacLayout,
} from './sac-learner.ts';
import { LOG_STD_RANGE } from './squashed-gaussian.ts';

const HALF_LOG_TWO_PI = 0.9189385332046727;

/** A batch on the device. */
type DeviceBatch = {
  readonly obs: tf.Tensor2D;
  readonly nextObs: tf.Tensor2D;
  readonly criticObs: tf.Tensor2D;
  readonly nextCriticObs: tf.Tensor2D;
  readonly action: tf.Tensor2D;
  readonly noise: tf.Tensor2D;
  readonly nextNoise: tf.Tensor2D;
  readonly reward: tf.Tensor1D;
  readonly bootstrap: tf.Tensor1D;
};

/** The parts that have an optimiser each. */
interface Parts<T> {
  actor: T;
  critics: T;
  temperature: T;
}

const PARTS = ['actor', 'critics', 'temperature'] as const;

export class Sac implements SacLearner {
  readonly #backend: Backend;
  readonly #settings: SacSettings;
  readonly #networks: SacNetworks;
  readonly #layout: SacLayout;
  readonly #adam: Parts<Adam>;
  #parameters: Parts<tf.Tensor1D>;
  #targets: tf.Tensor1D;
  #steps = 0;

  /** @param key of the first weights */
  constructor(backend: Backend, networks: SacNetworks, settings: SacSettings, key: Key) {
    this.#backend = backend;
    this.#settings = settings;
    this.#networks = networks;
    this.#layout = sacLayout(networks, settings);
    const { actorSize, criticSize } = this.#layout;
    this.#adam = {
      actor: new Adam(actorSize),
      critics: new Adam(settings.critics * criticSize),
      temperature: new Adam(1),
    };
    const first = initialSac(networks, settings, split(key, 1 + settings.critics));
    const { parts, targets } = this.#cut(first);
    this.#parameters = { ...toTensors(parts) };
    this.#targets = tf.tensor1d(targets);
  }

  get actorSize(): number {
    return this.#layout.actorSize;
  }

  async actor(): Promise<Float32Array> {
    return Float32Array.from(await this.#parameters.actor.data());
  }

  async update(count: number, draw: (update: number) => SacBatch): Promise<SacStats> {
    const { actorEvery, learningRate } = this.#settings;
    const first = this.#steps;
    const criticRows: tf.Tensor1D[] = [];
    const actorRows: tf.Tensor1D[] = [];
    for (let i = 0; i < count; i++) {
      const drawn = draw(this.#steps);
      const batch = this.#upload(drawn);
      this.#steps++;
      criticRows.push(this.#learnCritics(batch, drawn.subset));
      if (this.#steps % actorEvery === 0) actorRows.push(this.#learnActor(batch));
      tf.dispose(Object.values(batch));
    }
    const [criticLoss, qValue] = await meanOf(criticRows, 2);
    const [actorLoss, entropy, std] = await meanOf(actorRows, 3);
    const temperature = Math.exp((await this.#parameters.temperature.data())[0]!);
    this.#backend.check();
    const losses = [
      temperature,
      ...(criticRows.length > 0 ? [criticLoss, qValue] : []),
      ...(actorRows.length > 0 ? [actorLoss, entropy] : []),
    ];
    if (!losses.every(Number.isFinite)) throw nonFinite(first, this.#steps, criticLoss!, actorLoss!);
    return {
      criticLoss: criticLoss!,
      actorLoss: actorLoss!,
      qValue: qValue!,
      entropy: entropy!,
      temperature,
      std: std!,
      learningRate,
    };
  }

  async state(): Promise<LearnerState> {
    const parts = await Promise.all(PARTS.map((part) => this.#parameters[part].data()));
    const m = await Promise.all(PARTS.map((part) => this.#adam[part].moments[0].data()));
    const v = await Promise.all(PARTS.map((part) => this.#adam[part].moments[1].data()));
    const targets = await this.#targets.data();
    const none = new Float32Array(targets.length);
    return {
      parameters: joined([...parts, targets]),
      firstMoment: joined([...m, none]),
      secondMoment: joined([...v, none]),
      steps: this.#steps,
      learningRate: this.#settings.learningRate,
    };
  }

  load(state: LearnerState): void {
    const { total } = this.#layout;
    if (state.parameters.length !== total) {
      throw new LandfallError(`the checkpoint has ${state.parameters.length} parameters, this learner ${total}`, {
        repair: "resume with the run's own network settings",
      });
    }
    const { parts, targets } = this.#cut(state.parameters);
    const m = this.#cut(state.firstMoment).parts;
    const v = this.#cut(state.secondMoment).parts;
    tf.dispose([...Object.values(this.#parameters), this.#targets]);
    this.#parameters = toTensors(parts);
    this.#targets = tf.tensor1d(targets);
    for (const part of PARTS) this.#adam[part].load(m[part], v[part]);
    this.#steps = state.steps;
  }

  dispose(): void {
    tf.dispose([...Object.values(this.#parameters), this.#targets]);
    for (const part of PARTS) this.#adam[part].dispose();
  }

  /** L = sum_i E (Q_i(s, a) - y)^2; then the targets follow. @returns [loss a critic, mean Q] */
  #learnCritics(batch: DeviceBatch, subset: Int32Array): tf.Tensor1D {
    const { tau, critics } = this.#settings;
    const [row, gradient] = tf.tidy(() => {
      const target = this.#target(batch, subset);
      const input = tf.concat([batch.criticObs, batch.action], 1) as tf.Tensor2D;
      let value: tf.Tensor | undefined;
      const loss = (flat: tf.Tensor1D) => {
        const values = this.#values(flat, input);
        value = tf.keep(tf.mean(tf.stack(values)));
        return values.map((q) => tf.mean(tf.square(tf.sub(q, target)))).reduce((a, b) => tf.add(a, b)) as tf.Scalar;
      };
      const { value: total, grad } = tf.valueAndGrad(loss)(this.#parameters.critics);
      const stats = tf.stack([tf.div(total, critics), value!]);
      value!.dispose();
      return [stats, grad] as [tf.Tensor1D, tf.Tensor1D];
    });
    this.#step('critics', gradient, this.#steps);
    // Q' = (1 - tau) Q' + tau Q
    const targets = tf.tidy(() => tf.add(tf.mul(1 - tau, this.#targets), tf.mul(tau, this.#parameters.critics)));
    this.#targets.dispose();
    this.#targets = targets as tf.Tensor1D;
    return row;
  }

  /** y = r + gamma (1 - d) (min_{i in M} Q'_i(s', a') - alpha log pi(a' | s')),   a' ~ pi(s') */
  #target(batch: DeviceBatch, subset: Int32Array): tf.Tensor1D {
    const { gamma, backupEntropy } = this.#settings;
    const { action, logProb } = this.#sample(this.#parameters.actor, batch.nextObs, batch.nextNoise);
    const input = tf.concat([batch.nextCriticObs, action], 1) as tf.Tensor2D;
    const values = this.#values(this.#targets, input, subset);
    const least = values.reduce((a, b) => tf.minimum(a, b));
    const soft = backupEntropy ? tf.sub(least, tf.mul(tf.exp(this.#parameters.temperature), logProb)) : least;
    return tf.add(batch.reward, tf.mul(gamma, tf.mul(batch.bootstrap, soft)));
  }

  /** L_pi = E[alpha log pi(a | s) - mean_i Q_i(s, a)], then the temperature. @returns [loss, entropy, std] */
  #learnActor(batch: DeviceBatch): tf.Tensor1D {
    const { targetEntropy } = this.#settings;
    const [row, gradient, temperatureGradient] = tf.tidy(() => {
      const alpha = tf.exp(this.#parameters.temperature);
      const kept: tf.Tensor[] = [];
      const loss = (flat: tf.Tensor1D) => {
        const { action, logProb, std } = this.#sample(flat, batch.obs, batch.noise);
        const input = tf.concat([batch.criticObs, action], 1) as tf.Tensor2D;
        const value = tf.mean(tf.stack(this.#values(this.#parameters.critics, input)), 0);
        kept.push(tf.keep(tf.neg(tf.mean(logProb))), tf.keep(tf.mean(std)));
        return tf.mean(tf.sub(tf.mul(alpha, logProb), value)) as tf.Scalar;
      };
      const { value, grad } = tf.valueAndGrad(loss)(this.#parameters.actor);
      const [entropy, std] = kept as [tf.Scalar, tf.Scalar];
      // L_alpha = alpha (H(pi) - H*), by log alpha
      const change = tf.mul(alpha, tf.sub(entropy, targetEntropy)) as tf.Tensor1D;
      const stats = tf.stack([value, entropy, std]);
      tf.dispose(kept);
      return [stats, grad, change] as [tf.Tensor1D, tf.Tensor1D, tf.Tensor1D];
    });
    const actorSteps = Math.floor(this.#steps / this.#settings.actorEvery);
    this.#step('actor', gradient, actorSteps);
    this.#step('temperature', temperatureGradient, actorSteps);
    return row;
  }

  /** a = tanh(u), u = mu + sigma noise. @param obs,noise [batch, ...] @returns action [batch, actionDim], logProb [batch] */
  #sample(flat: tf.Tensor1D, obs: tf.Tensor2D, noise: tf.Tensor2D) {
    const { actorLayers } = this.#layout;
    const shapes = tensorShapes(actorLayers);
    const tensors = tf.split(flat, tensorSizes(actorLayers)).map((part, i) => tf.reshape(part, shapes[i]!));
    const [mean, raw] = tf.split(forward(tensors, this.#networks.actor.activation, obs), 2, 1) as [
      tf.Tensor,
      tf.Tensor,
    ];
    const logStd = tf.clipByValue(raw, ...LOG_STD_RANGE);
    const std = tf.exp(logStd);
    const u = tf.add(mean, tf.mul(std, noise));
    // log pi = sum -noise^2/2 - log sigma - log(2 pi)/2 - log(1 - tanh^2 u)
    const gaussian = tf.sub(tf.sub(tf.mul(-0.5, tf.square(noise)), logStd), HALF_LOG_TWO_PI);
    // log(1 - tanh^2 u) = 2 (log 2 - u - softplus(-2u))
    const squash = tf.mul(2, tf.sub(tf.sub(Math.LN2, u), tf.softplus(tf.mul(-2, u))));
    return { action: tf.tanh(u), logProb: tf.sum(tf.sub(gaussian, squash), 1), std };
  }

  /** Of each critic, or of those of the subset. @returns [batch] each */
  #values(flat: tf.Tensor1D, input: tf.Tensor2D, subset?: Int32Array): tf.Tensor1D[] {
    const { layerNorm } = this.#settings;
    const all = criticTensors(flat, this.#layout.criticLayers, layerNorm);
    const chosen = subset === undefined ? all : Array.from(subset, (i) => all[i]!);
    return chosen.map((tensors) => criticValue(tensors, this.#networks.actor.activation, layerNorm, input));
  }

  #step(part: keyof Parts<unknown>, gradient: tf.Tensor1D, step: number): void {
    const { learningRate } = this.#settings;
    this.#parameters[part] = this.#adam[part].step(this.#parameters[part], gradient, learningRate, step);
    gradient.dispose();
  }

  #upload(batch: SacBatch): DeviceBatch {
    const rows = batch.reward.length;
    const matrix = (data: Float32Array) => tf.tensor2d(data, [rows, data.length / rows]);
    const obs = matrix(batch.obs);
    const nextObs = matrix(batch.nextObs);
    const blind = this.#networks.criticInputs === undefined;
    return {
      obs,
      nextObs,
      criticObs: blind ? obs : matrix(batch.criticObs),
      nextCriticObs: blind ? nextObs : matrix(batch.nextCriticObs),
      action: matrix(batch.action),
      noise: matrix(batch.noise),
      nextNoise: matrix(batch.nextNoise),
      reward: tf.tensor1d(batch.reward),
      bootstrap: tf.tensor1d(batch.bootstrap),
    };
  }

  #cut(flat: Float32Array) {
    const { actorSize, total } = this.#layout;
    const critics = (total - 1 - actorSize) / 2;
    const at = actorSize + critics;
    return {
      parts: {
        actor: flat.slice(0, actorSize),
        critics: flat.slice(actorSize, at),
        temperature: flat.slice(at, at + 1),
      },
      targets: flat.slice(at + 1),
    };
  }
}

export function nonFinite(first: number, last: number, criticLoss: number, actorLoss: number): NumericError {
  return new NumericError(
    `the loss is not finite in updates ${first} to ${last - 1} (critics ${criticLoss}, actor ${actorLoss})`,
    { repair: 'lower sac.learningRate, or look at the rewards of the last iterations in metrics.jsonl' },
  );
}

function toTensors({ actor, critics, temperature }: Parts<Float32Array>): Parts<tf.Tensor1D> {
  return { actor: tf.tensor1d(actor), critics: tf.tensor1d(critics), temperature: tf.tensor1d(temperature) };
}

/** The mean of some rows, which are disposed; NaN of none. */
async function meanOf(rows: tf.Tensor1D[], width: number): Promise<number[]> {
  if (rows.length === 0) return new Array<number>(width).fill(Number.NaN);
  const mean = tf.tidy(() => tf.mean(tf.stack(rows), 0));
  tf.dispose(rows);
  const values = Array.from(await mean.data());
  mean.dispose();
  return values;
}

function joined(arrays: readonly ArrayLike<number>[]): Float32Array {
  const out = new Float32Array(arrays.reduce((sum, array) => sum + array.length, 0));
  let at = 0;
  for (const array of arrays) {
    out.set(array, at);
    at += array.length;
  }
  return out;
}
