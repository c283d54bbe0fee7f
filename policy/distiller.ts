/**
 * Learns from a teacher on what the student itself meets: the teacher's actions (DAgger, Ross et al. 2011, as RSL-RL distils),
 * or its latents (the second phase of rapid motor adaptation, Kumar et al., RSS 2021), by the mean squared error. The student
 * acts with a little noise and so meets what it will meet. Knows no environment and no critic.
 */

import * as tf from '@tensorflow/tfjs';
import { LandfallError, NumericError } from '../core/errors.ts';
import { foldIn, type Key, RandomStream } from '../core/rng.ts';
import { initialActor, latentOf, meanAction } from './actor-network.ts';
import { Adam } from './adam.ts';
import { frontCount, sizesOf, tensorsOf } from './architecture.ts';
import type { Backend } from './backend.ts';
import { gather, type MinibatchRows, minibatchRows, uploadSequence } from './minibatches.ts';
import type { ActorLearner, LearnerState, NetworkSettings, PpoBatch, PpoSettings, PpoStats } from './ppo-learner.ts';
import type { Teacher } from './teacher.ts';

const HALF_LOG_TWO_PI_E = 1.4189385332046727;

/** One iteration's observations, and what the teacher says of each, [size, actions] or [size, latent]. */
export interface LabelledBatch extends Pick<PpoBatch, 'size' | 'obs' | 'sequence'> {
  readonly label: Float32Array;
}

export type DistillSettings = Pick<PpoSettings, 'learningRate' | 'epochs' | 'minibatches' | 'maxGradNorm'>;

export class Distiller implements ActorLearner {
  readonly actorSize: number;
  readonly #backend: Backend;
  readonly #settings: DistillSettings;
  readonly #network: NetworkSettings['actor'];
  readonly #lesson: Teacher['lesson'];
  readonly #key: Key;
  readonly #sizes: readonly number[];
  readonly #mask: tf.Tensor1D;
  readonly #adam: Adam;
  #parameters: tf.Tensor1D;
  #steps = 0;

  /** @param key of the first weights and of the minibatches' order */
  constructor(backend: Backend, network: NetworkSettings, settings: DistillSettings, teacher: Teacher, key: Key) {
    const { actor } = network;
    this.#backend = backend;
    this.#settings = settings;
    this.#network = actor;
    this.#lesson = teacher.lesson;
    this.#key = key;
    this.#sizes = sizesOf(actor);
    const weights = initialActor(actor, 0.01, foldIn(key, 1));
    const actions = actor.layers.at(-1)!;
    this.actorSize = weights.length + actions;
    const first = new Float32Array(this.actorSize);
    first.set(weights);
    // It explores as its teacher did in the end.
    first.set(teacher.parameters.subarray(-actions), weights.length);
    const mask = new Float32Array(this.actorSize).fill(1, 0, weights.length);
    if (teacher.lesson === 'latent') {
      // The teacher's body, to the byte: only the encoder learns.
      const front = this.#sizes.slice(0, frontCount(actor)).reduce((a, b) => a + b, 0);
      first.set(teacher.parameters.subarray(-(this.actorSize - front)), front);
      mask.fill(0, front);
    }
    this.#mask = tf.tensor1d(mask);
    this.#parameters = tf.tensor1d(first);
    this.#adam = new Adam(this.actorSize);
  }

  /** @param iteration seeds the minibatches' order @returns the squared error as the policy's loss */
  async update(batch: LabelledBatch, iteration: number): Promise<PpoStats> {
    const { epochs, minibatches, learningRate } = this.#settings;
    const random = new RandomStream(foldIn(foldIn(this.#key, 3), iteration));
    let [loss, norm] = [0, 0];
    for (let epoch = 0; epoch < epochs; epoch++) {
      const rows = minibatchRows(batch, minibatches, random).map((minibatch) => this.#step(batch, minibatch));
      const table = tf.tidy(() => tf.mean(tf.stack(rows), 0));
      const means = await table.data();
      tf.dispose([...rows, table]);
      this.#backend.check();
      if (!Number.isFinite(means[0])) {
        throw new NumericError(`the loss is ${means[0]} in iteration ${iteration}, epoch ${epoch}`, {
          repair: 'lower ppo.learningRate',
        });
      }
      loss += means[0]! / epochs;
      norm += means[1]! / epochs;
    }
    const logStd = (await this.#parameters.data()).slice(-this.#network.layers.at(-1)!);
    return {
      policyLoss: loss,
      valueLoss: 0,
      entropy: Array.from(logStd).reduce((sum, value) => sum + value + HALF_LOG_TWO_PI_E, 0),
      approxKl: 0,
      clipFraction: 0,
      gradNorm: norm,
      learningRate,
    };
  }

  async state(): Promise<LearnerState> {
    const [m, v] = this.#adam.moments;
    const [parameters, firstMoment, secondMoment] = await Promise.all([this.#parameters.data(), m.data(), v.data()]);
    return {
      parameters: Float32Array.from(parameters),
      firstMoment: Float32Array.from(firstMoment),
      secondMoment: Float32Array.from(secondMoment),
      steps: this.#steps,
      learningRate: this.#settings.learningRate,
    };
  }

  load(state: LearnerState): void {
    if (state.parameters.length !== this.actorSize) {
      throw new LandfallError(
        `the checkpoint has ${state.parameters.length} parameters, this student ${this.actorSize}`,
        { repair: "resume with the run's own network settings" },
      );
    }
    this.#parameters.dispose();
    this.#parameters = tf.tensor1d(state.parameters);
    this.#adam.load(state.firstMoment, state.secondMoment);
    this.#steps = state.steps;
  }

  dispose(): void {
    tf.dispose([this.#parameters, this.#mask]);
    this.#adam.dispose();
  }

  /** @returns squared error and gradient norm, [2] */
  #step(batch: LabelledBatch, { rows, environments }: MinibatchRows): tf.Tensor1D {
    const network = this.#network;
    const specs = tensorsOf(network);
    this.#steps++;
    const [stats, gradient] = tf.tidy(() => {
      const matrix = (data: Float32Array) =>
        tf.tensor2d(gather(data, rows, batch.size), [rows.length, data.length / batch.size]);
      const [obs, label] = [matrix(batch.obs), matrix(batch.label)];
      const sequence = batch.sequence === undefined ? null : uploadSequence(batch.sequence, environments);
      const actions = network.layers.at(-1)!;
      const loss = (flat: tf.Tensor): tf.Scalar => {
        const tensors = tf
          .split(flat as tf.Tensor1D, [...this.#sizes, actions])
          .slice(0, -1)
          .map((part, i) => tf.reshape(part, [...specs[i]!.shape]));
        const said =
          this.#lesson === 'latent' && network.kind === 'history'
            ? latentOf(network, tensors, obs)
            : meanAction(network, tensors, obs, sequence);
        return tf.mean(tf.square(tf.sub(said, label)));
      };
      const { value, grads } = tf.valueAndGrads(loss)([this.#parameters]);
      const masked = tf.mul(grads[0]!, this.#mask);
      const norm = tf.sqrt(tf.sum(tf.square(masked)));
      const scaled = tf.mul(masked, tf.minimum(1, tf.div(this.#settings.maxGradNorm, tf.add(norm, 1e-6))));
      return [tf.stack([value, norm]), scaled] as [tf.Tensor1D, tf.Tensor1D];
    });
    this.#parameters = this.#adam.step(this.#parameters, gradient, this.#settings.learningRate, this.#steps);
    gradient.dispose();
    return stats;
  }
}
