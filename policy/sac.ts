/**
 * Soft actor-critic (Haarnoja et al. 2018, 1812.05905) on tfjs, the reference of every faster path: an ensemble of critics
 * whose targets take the least of a random subset (REDQ, Chen et al. 2021), a squashed Gaussian actor that climbs the
 * ensemble's mean, a temperature steered to an entropy. Knows no environment; reads nothing back within an update.
 */

import * as tf from '@tensorflow/tfjs';
import { type Key, split } from '../core/rng.ts';
import type { Backend } from './backend.ts';
import { criticTensors, criticValue } from './critic-network.ts';
import { tensorShapes, tensorSizes } from './mlp.ts';
import { forward } from './network.ts';
import { meanOf, ParameterParts } from './parameter-parts.ts';
import type { LearnerState } from './ppo-learner.ts';
import {
  initialSac,
  nonFinite,
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

export class Sac implements SacLearner {
  readonly #backend: Backend;
  readonly #settings: SacSettings;
  readonly #networks: SacNetworks;
  readonly #layout: SacLayout;
  readonly #parts: ParameterParts<'actor' | 'critics' | 'temperature' | 'targets'>;
  #steps = 0;

  /** @param key of the first weights */
  constructor(backend: Backend, networks: SacNetworks, settings: SacSettings, key: Key) {
    this.#backend = backend;
    this.#settings = settings;
    this.#networks = networks;
    this.#layout = sacLayout(networks, settings);
    const { actorSize, criticSize } = this.#layout;
    const critics = settings.critics * criticSize;
    this.#parts = new ParameterParts(
      { actor: actorSize, critics, temperature: 1, targets: critics },
      ['targets'],
      initialSac(networks, settings, split(key, 1 + settings.critics)),
    );
  }

  get actorSize(): number {
    return this.#layout.actorSize;
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
    const temperature = Math.exp((await this.#parts.read('temperature'))[0]!);
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

  state(): Promise<LearnerState> {
    return this.#parts.state(this.#steps, this.#settings.learningRate);
  }

  load(state: LearnerState): void {
    this.#parts.load(state);
    this.#steps = state.steps;
  }

  dispose(): void {
    this.#parts.dispose();
  }

  /** L = sum_i E (Q_i(s, a) - y)^2; then the targets follow. @returns [loss a critic, mean Q] */
  #learnCritics(batch: DeviceBatch, subset: Int32Array): tf.Tensor1D {
    const { tau, critics, learningRate } = this.#settings;
    const [row, gradient] = tf.tidy(() => {
      const target = this.#target(batch, subset);
      const input = tf.concat([batch.criticObs, batch.action], 1) as tf.Tensor2D;
      let value: tf.Tensor | undefined;
      const loss = (flat: tf.Tensor1D) => {
        const values = this.#values(flat, input);
        value = tf.keep(tf.mean(tf.stack(values)));
        return values.map((q) => tf.mean(tf.square(tf.sub(q, target)))).reduce((a, b) => tf.add(a, b)) as tf.Scalar;
      };
      const { value: total, grad } = tf.valueAndGrad(loss)(this.#parts.get('critics'));
      const stats = tf.stack([tf.div(total, critics), value!]);
      value!.dispose();
      return [stats, grad] as [tf.Tensor1D, tf.Tensor1D];
    });
    this.#parts.step('critics', gradient, learningRate, this.#steps);
    this.#parts.follow('critics', 'targets', tau);
    return row;
  }

  /** y = r + gamma (1 - d) (min_{i in M} Q'_i(s', a') - alpha log pi(a' | s')),   a' ~ pi(s') */
  #target(batch: DeviceBatch, subset: Int32Array): tf.Tensor1D {
    const { gamma, backupEntropy } = this.#settings;
    const { action, logProb } = this.#sample(this.#parts.get('actor'), batch.nextObs, batch.nextNoise);
    const input = tf.concat([batch.nextCriticObs, action], 1) as tf.Tensor2D;
    const values = this.#values(this.#parts.get('targets'), input, subset);
    const least = values.reduce((a, b) => tf.minimum(a, b));
    const soft = backupEntropy ? tf.sub(least, tf.mul(tf.exp(this.#parts.get('temperature')), logProb)) : least;
    return tf.add(batch.reward, tf.mul(gamma, tf.mul(batch.bootstrap, soft)));
  }

  /** L_pi = E[alpha log pi(a | s) - mean_i Q_i(s, a)], then the temperature. @returns [loss, entropy, std] */
  #learnActor(batch: DeviceBatch): tf.Tensor1D {
    const { targetEntropy, actorEvery, learningRate } = this.#settings;
    const [row, gradient, temperatureGradient] = tf.tidy(() => {
      const alpha = tf.exp(this.#parts.get('temperature'));
      const kept: tf.Tensor[] = [];
      const loss = (flat: tf.Tensor1D) => {
        const { action, logProb, std } = this.#sample(flat, batch.obs, batch.noise);
        const input = tf.concat([batch.criticObs, action], 1) as tf.Tensor2D;
        const value = tf.mean(tf.stack(this.#values(this.#parts.get('critics'), input)), 0);
        kept.push(tf.keep(tf.neg(tf.mean(logProb))), tf.keep(tf.mean(std)));
        return tf.mean(tf.sub(tf.mul(alpha, logProb), value)) as tf.Scalar;
      };
      const { value, grad } = tf.valueAndGrad(loss)(this.#parts.get('actor'));
      const [entropy, std] = kept as [tf.Scalar, tf.Scalar];
      // L_alpha = alpha (H(pi) - H*), by log alpha
      const change = tf.mul(alpha, tf.sub(entropy, targetEntropy)) as tf.Tensor1D;
      const stats = tf.stack([value, entropy, std]);
      tf.dispose(kept);
      return [stats, grad, change] as [tf.Tensor1D, tf.Tensor1D, tf.Tensor1D];
    });
    const actorSteps = Math.floor(this.#steps / actorEvery);
    this.#parts.step('actor', gradient, learningRate, actorSteps);
    this.#parts.step('temperature', temperatureGradient, learningRate, actorSteps);
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
}
