/**
 * Proximal policy optimisation (Schulman et al. 2017) on tfjs: clipped surrogate, clipped value loss, entropy bonus,
 * global gradient clipping, Adam (Kingma & Ba 2015), learning rate steered by the KL divergence. One flat parameter
 * vector: actor, log-std, critic. Knows no environment; without an adapter nothing is read back within an epoch.
 */

import * as tf from '@tensorflow/tfjs';
import { LandfallError } from '../core/errors.ts';
import { foldIn, type Key, RandomStream } from '../core/rng.ts';
import type { Mirror } from '../core/symmetry.ts';
import { type DeviceSequence, initialActor, meanAction } from './actor-network.ts';
import { sizesOf, tensorsOf } from './architecture.ts';
import type { Backend } from './backend.ts';
import { isNewPhase } from './fine-tune-plan.ts';
import { initialWeights } from './initial-weights.ts';
import { gather, type MinibatchRows, minibatchRows, uploadSequence } from './minibatches.ts';
import { tensorShapes, tensorSizes } from './mlp.ts';
import { forward } from './network.ts';
import { type DeviceRehearsal, PlanOnDevice, partOf, uploadRehearsal } from './plan-on-device.ts';
import { logStdBound, ppoStats, steeredEpochs } from './ppo-epochs.ts';
import {
  type LearnerState,
  type NetworkSettings,
  normalisedAdvantage,
  type PpoBatch,
  type PpoLearner,
  type PpoSettings,
  type PpoStats,
  type Trainable,
} from './ppo-learner.ts';

type DeviceBatch = {
  readonly obs: tf.Tensor2D;
  readonly sequence: DeviceSequence | null;
  readonly criticObs: tf.Tensor2D;
  readonly action: tf.Tensor2D;
  readonly logProb: tf.Tensor1D;
  readonly advantage: tf.Tensor1D;
  readonly target: tf.Tensor1D;
  readonly value: tf.Tensor1D;
  /** Observations in a mirror, and the mean actions there that would be symmetric. */
  readonly mirrored: readonly { readonly obs: tf.Tensor2D; readonly mean: tf.Tensor2D }[];
};

const HALF_LOG_TWO_PI = 0.9189385332046727;
const HALF_LOG_TWO_PI_E = 1.4189385332046727;
const BETA1 = 0.9;
const BETA2 = 0.999;
const ADAM_EPSILON = 1e-8;

export class Ppo implements PpoLearner {
  readonly #backend: Backend;
  readonly #settings: PpoSettings;
  readonly #network: NetworkSettings;
  readonly #shapes: number[][];
  readonly #sizes: number[];
  readonly #actorTensors: number;
  readonly #key: Key;
  readonly #trainable: Trainable;
  readonly #plan: PlanOnDevice;
  readonly #first: Float32Array;
  #parameters: tf.Tensor1D;
  #m: tf.Tensor1D;
  #v: tf.Tensor1D;
  #steps = 0;
  #learningRate: number;

  /** @param key of the first weights and of the minibatches' order */
  constructor(
    backend: Backend,
    network: NetworkSettings,
    settings: PpoSettings,
    key: Key,
    trainable: Trainable = 'all',
  ) {
    const { layers } = network.actor;
    const actions = layers.at(-1)!;
    const criticLayers = [network.criticInputs ?? layers[0]!, ...network.criticHidden, 1];
    this.#backend = backend;
    this.#settings = settings;
    this.#network = network;
    this.#key = key;
    this.#learningRate = settings.learningRate;
    const actor = tensorsOf(network.actor);
    this.#shapes = [...actor.map(({ shape }) => [...shape]), [actions], ...tensorShapes(criticLayers)];
    this.#sizes = [...sizesOf(network.actor), actions, ...tensorSizes(criticLayers)];
    this.#actorTensors = actor.length;
    // Not `of`: a large network has more weights than a call may have arguments.
    const first = Float32Array.from([
      ...initialActor(network.actor, 0.01, foldIn(key, 1)),
      ...new Array<number>(actions).fill(network.initialLogStd),
      ...initialWeights(criticLayers, 1, foldIn(key, 2)),
    ]);
    this.#first = first;
    this.#parameters = tf.tensor1d(first);
    this.#m = tf.zerosLike(this.#parameters);
    this.#v = tf.zerosLike(this.#parameters);
    this.#trainable = trainable;
    this.#plan = new PlanOnDevice(trainable, network, foldIn(key, 4));
    this.#plan.restart(first);
  }

  /** Numbers of the actor and its log-std, which come first. */
  get actorSize(): number {
    return this.#sizes.slice(0, this.#actorTensors + 1).reduce((a, b) => a + b, 0);
  }

  /** The critic's estimates. @param obs what it sees, normalised, [batch, criticInputs] @returns [batch] */
  async values(obs: Float32Array, batch: number): Promise<Float32Array> {
    const out = tf.tidy(() => {
      const tensors = this.#split(this.#parameters);
      return tf.reshape(this.#critic(tensors, tf.tensor2d(obs, [batch, obs.length / batch])), [batch]);
    });
    const values = (await out.data()) as Float32Array;
    out.dispose();
    this.#backend.check();
    return values;
  }

  /**
   * One iteration of learning.
   * @param iteration seeds the minibatches' order
   * @param progress share of the training done, 0 to 1: the largest learning rate falls linearly with it
   */
  async update(batch: PpoBatch, iteration: number, progress = 0): Promise<PpoStats> {
    const data: PpoBatch = { ...batch, advantage: normalisedAdvantage(batch.advantage) };
    const random = new RandomStream(foldIn(foldIn(this.#key, 3), iteration));
    this.#beginIteration(iteration);
    const rehearsal = batch.rehearsal === undefined ? null : uploadRehearsal(batch.rehearsal);
    const epochs = await steeredEpochs(
      this.#settings,
      this.#learningRate,
      iteration,
      progress,
      async (learningRate) => {
        const minibatches = minibatchRows(data, this.#settings.minibatches, random);
        const rows: tf.Tensor1D[] = [];
        for (const [k, minibatch] of minibatches.entries()) {
          const again = rehearsal === null ? null : partOf(rehearsal, k, minibatches.length);
          rows.push(await this.#step(data, minibatch, again, learningRate));
          if (again !== null) tf.dispose([again.obs, again.mean]);
        }
        const table = tf.tidy(() => tf.mean(tf.stack(rows), 0));
        const means = await table.data();
        tf.dispose([...rows, table]);
        this.#backend.check();
        return means;
      },
    );
    this.#learningRate = epochs.nextLearningRate;
    if (rehearsal !== null) tf.dispose([rehearsal.obs, rehearsal.mean, rehearsal.logStd]);
    const { actorSize } = this;
    if (this.#plan.learns(actorSize - 1)) this.#boundLogStd(progress);
    const { parameters } = await this.state();
    const stats = ppoStats(epochs, parameters.subarray(actorSize - this.#network.actor.layers.at(-1)!, actorSize));
    return batch.mirrored === undefined ? stats : { ...stats, mirrorLoss: epochs.means[5]! };
  }

  async state(): Promise<LearnerState> {
    const [parameters, firstMoment, secondMoment] = await Promise.all([
      this.#parameters.data(),
      this.#m.data(),
      this.#v.data(),
    ]);
    return {
      parameters: Float32Array.from(parameters),
      firstMoment: Float32Array.from(firstMoment),
      secondMoment: Float32Array.from(secondMoment),
      steps: this.#steps,
      learningRate: this.#learningRate,
    };
  }

  /** @throws LandfallError when the sizes are those of another network */
  load(state: LearnerState): void {
    if (state.parameters.length !== this.#parameters.size) {
      throw new LandfallError(
        `the checkpoint has ${state.parameters.length} parameters, this network ${this.#parameters.size}`,
        {
          repair: "resume with the run's own network settings",
        },
      );
    }
    tf.dispose([this.#parameters, this.#m, this.#v]);
    this.#parameters = tf.tensor1d(state.parameters);
    this.#plan.restart(state.parameters);
    this.#m = tf.tensor1d(state.firstMoment);
    this.#v = tf.tensor1d(state.secondMoment);
    this.#steps = state.steps;
    this.#learningRate = state.learningRate;
  }

  /**
   * Take over weights and start the optimiser anew.
   * @param parameters all of them, or the actor's alone: the critic then starts from nothing
   */
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
    tf.dispose([this.#parameters, this.#m, this.#v]);
    this.#plan.dispose();
  }

  #split(flat: tf.Tensor1D): tf.Tensor[] {
    return tf.split(flat, this.#sizes).map((part, i) => tf.reshape(part, this.#shapes[i]!));
  }

  #critic(tensors: readonly tf.Tensor[], obs: tf.Tensor2D): tf.Tensor2D {
    return forward(tensors.slice(this.#actorTensors + 1), this.#network.actor.activation, obs);
  }

  /** The rows of one minibatch. Gathered here and not on the device: a gather kernel costs more than the copy. */
  #upload(batch: PpoBatch, { rows, environments }: MinibatchRows): DeviceBatch {
    const matrix = (data: Float32Array) =>
      tf.tensor2d(gather(data, rows, batch.size), [rows.length, data.length / batch.size]);
    const vector = (data: Float32Array) => tf.tensor1d(gather(data, rows, batch.size));
    const obs = matrix(batch.obs);
    const sequence = batch.sequence === undefined ? null : uploadSequence(batch.sequence, environments);
    return {
      obs,
      sequence,
      criticObs: batch.criticObs === undefined ? obs : matrix(batch.criticObs),
      action: matrix(batch.action),
      logProb: vector(batch.logProb),
      advantage: vector(batch.advantage),
      target: vector(batch.target),
      value: vector(batch.value),
      mirrored: (batch.mirrored ?? []).map(({ obs: seen, action }) => ({
        obs: matrix(seen),
        // The target of the mirror loss stands still: it has no gradient.
        mean: tf.matMul(this.#mean(this.#split(this.#parameters), obs, sequence), signedPermutation(action)),
      })),
    };
  }

  #mean(tensors: readonly tf.Tensor[], obs: tf.Tensor2D, sequence: DeviceSequence | null): tf.Tensor2D {
    return meanAction(this.#network.actor, tensors.slice(0, this.#actorTensors), obs, sequence);
  }

  /** One minibatch: loss, gradients, Adam. @returns policy loss, value loss, KL, clip fraction, gradient norm, mirror loss */
  async #step(
    batch: PpoBatch,
    rows: MinibatchRows,
    rehearsal: DeviceRehearsal | null,
    learningRate: number,
  ): Promise<tf.Tensor1D> {
    const [figures, flat] = this.#lossGradient(batch, rows, rehearsal);
    const { maxGradNorm } = this.#settings;
    this.#steps++;
    const adapterGradient = await this.#plan.pullBack(flat);
    const squares = adapterGradient?.reduce((sum, g) => sum + g * g, 0) ?? null;
    const [stats, scale, parameters, m, v] = tf.tidy(() => {
      const gradient = this.#plan.gradient(flat, this.#parameters);
      const own = tf.sum(tf.square(gradient));
      const norm = tf.sqrt(squares === null ? own : tf.add(own, squares));
      const scale = tf.minimum(1, tf.div(maxGradNorm, tf.add(norm, 1e-6)));
      const scaled = tf.mul(gradient, scale);
      // m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2,  p -= lr m^ / (sqrt(v^) + eps)
      const m1 = tf.add(tf.mul(BETA1, this.#m), tf.mul(1 - BETA1, scaled));
      const v1 = tf.add(tf.mul(BETA2, this.#v), tf.mul(1 - BETA2, tf.square(scaled)));
      const mHat = tf.div(m1, 1 - BETA1 ** this.#steps);
      const vHat = tf.div(v1, 1 - BETA2 ** this.#steps);
      const change = tf.mul(learningRate, tf.div(mHat, tf.add(tf.sqrt(vHat), ADAM_EPSILON)));
      const next = tf.sub(this.#parameters, this.#plan.change(change));
      const row = tf.concat([tf.slice(figures, 0, 4), tf.reshape(norm, [1]), tf.slice(figures, 4, 1)]);
      return [row, scale, next, m1, v1] as [tf.Tensor1D, tf.Scalar, tf.Tensor1D, tf.Tensor1D, tf.Tensor1D];
    });
    tf.dispose([figures, flat, this.#parameters, this.#m, this.#v]);
    this.#parameters = parameters;
    this.#m = m;
    this.#v = v;
    if (adapterGradient !== null)
      this.#parameters = await this.#plan.stepAdapter(parameters, adapterGradient, scale, learningRate, this.#steps);
    scale.dispose();
    return stats;
  }

  /** @returns policy loss, value loss, KL, clip fraction, mirror loss, [5], and the loss's gradient, [parameters] */
  #lossGradient(
    batch: PpoBatch,
    rows: MinibatchRows,
    rehearsal: DeviceRehearsal | null,
  ): [figures: tf.Tensor1D, gradient: tf.Tensor1D] {
    const { clip, valueClip, valueCoef, entropyCoef, mirrorCoef = 0.5 } = this.#settings;
    return tf.tidy(() => {
      const {
        obs,
        sequence,
        criticObs,
        action,
        logProb: oldLogProb,
        advantage,
        target,
        value: oldValue,
        mirrored,
      } = this.#upload(batch, rows);
      const kept: tf.Tensor[] = [];

      const loss = (...tensors: tf.Tensor[]): tf.Scalar => {
        const logStd = tensors[this.#actorTensors]!;
        const mean = this.#mean(tensors, obs, sequence);
        // log pi(a) = sum -z^2/2 - log sigma - log(2 pi)/2,   z = (a - mu) / sigma
        const z = tf.div(tf.sub(action, mean), tf.exp(logStd));
        const logProb = tf.sum(tf.sub(tf.sub(tf.mul(-0.5, tf.square(z)), logStd), HALF_LOG_TWO_PI), -1);
        const logRatio = tf.sub(logProb, oldLogProb);
        const ratio = tf.exp(tf.clipByValue(logRatio, -20, 20));
        // L = -E min(r A, clip(r, 1 - eps, 1 + eps) A)
        const surrogate = tf.minimum(
          tf.mul(ratio, advantage),
          tf.mul(tf.clipByValue(ratio, 1 - clip, 1 + clip), advantage),
        );
        const policyLoss = tf.neg(tf.mean(surrogate));

        const value = tf.reshape(this.#critic(tensors, criticObs), [-1]);
        const error = tf.square(tf.sub(value, target));
        // L_v = E max((V - R)^2, (V_old + clip(V - V_old) - R)^2)
        const worst =
          valueClip === null
            ? error
            : tf.maximum(
                error,
                tf.square(
                  tf.sub(tf.add(oldValue, tf.clipByValue(tf.sub(value, oldValue), -valueClip, valueClip)), target),
                ),
              );
        const valueLoss = tf.mean(worst);
        const entropy = tf.sum(tf.add(logStd, HALF_LOG_TWO_PI_E));

        // KL(old || new) ~ E[(r - 1) - log r] (Schulman 2020)
        const kl = tf.mean(tf.sub(tf.sub(ratio, 1), logRatio));
        const clipped = tf.mean(tf.cast(tf.greater(tf.abs(tf.sub(ratio, 1)), clip), 'float32'));
        // L_m = E (mu(mirrored s) - mirrored mu(s))^2
        const mirrorLoss = mirrored.reduce(
          (sum, image) => tf.add(sum, tf.mean(tf.square(tf.sub(this.#mean(tensors, image.obs, sequence), image.mean)))),
          tf.scalar(0) as tf.Tensor,
        );
        kept.push(...[policyLoss, valueLoss, kl, clipped, mirrorLoss].map((t) => tf.keep(t)));
        let loss = tf.sub(tf.add(policyLoss, tf.mul(valueCoef, valueLoss)), tf.mul(entropyCoef, entropy));
        if (mirrored.length > 0) loss = tf.add(loss, tf.mul(mirrorCoef, mirrorLoss));
        if (rehearsal !== null) loss = tf.add(loss, this.#forgetting(tensors, rehearsal));
        return loss as tf.Scalar;
      };

      const { grads } = tf.valueAndGrads(loss)(this.#split(this.#parameters));
      const flat = tf.concat(grads.map((g) => tf.reshape(g, [-1]))) as tf.Tensor1D;
      const figures = tf.stack(kept) as tf.Tensor1D;
      for (const t of kept) t.dispose();
      return [figures, flat];
    });
  }

  /** c E KL(old || new) over states that are not to be forgotten. */
  #forgetting(tensors: readonly tf.Tensor[], { coefficient, obs, mean, logStd: old }: DeviceRehearsal): tf.Tensor {
    const logStd = tensors[this.#actorTensors]!;
    const distance = tf.square(tf.sub(this.#mean(tensors, obs, null), mean));
    // KL = log(s / s0) + (s0^2 + (mu - mu0)^2) / (2 s^2) - 1/2
    const ratio = tf.div(tf.add(tf.exp(tf.mul(2, old)), distance), tf.mul(2, tf.exp(tf.mul(2, logStd))));
    const kl = tf.sum(tf.sub(tf.add(tf.sub(logStd, old), ratio), 0.5), -1);
    return tf.mul(coefficient, tf.mean(kl));
  }

  #beginIteration(iteration: number): void {
    const trainable = this.#trainable;
    if (typeof trainable !== 'string' && isNewPhase(trainable, iteration)) {
      tf.dispose([this.#m, this.#v]);
      this.#m = tf.zerosLike(this.#parameters);
      this.#v = tf.zerosLike(this.#parameters);
      this.#steps = 0;
      this.#plan.forgetMoments();
    }
    this.#plan.setRates(iteration);
  }

  #boundLogStd(progress: number): void {
    const { actorSize } = this;
    const limits = new Float32Array(this.#parameters.size).fill(3.4e38);
    limits.fill(logStdBound(this.#network, progress), actorSize - this.#network.actor.layers.at(-1)!, actorSize);
    const bounded = tf.tidy(() => tf.minimum(this.#parameters, tf.tensor1d(limits)) as tf.Tensor1D);
    this.#parameters.dispose();
    this.#parameters = bounded;
  }
}

/** P with (x P)[i] = sign[i] x[index[i]], [dim, dim]. */
function signedPermutation({ index, sign }: Mirror): tf.Tensor2D {
  const dim = index.length;
  const matrix = new Float32Array(dim * dim);
  for (let i = 0; i < dim; i++) matrix[index[i]! * dim + i] = sign[i]!;
  return tf.tensor2d(matrix, [dim, dim]);
}
