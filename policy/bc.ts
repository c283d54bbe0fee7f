/**
 * Behaviour cloning on tfjs: the policy under which the logged actions are likeliest (Pomerleau 1989). Knows no reward.
 */

import * as tf from '@tensorflow/tfjs';
import { NumericError } from '../core/errors.ts';
import type { Key } from '../core/rng.ts';
import type { Backend } from './backend.ts';
import {
  initialPolicy,
  logLikelihood,
  meanStd,
  type OfflineLearner,
  type OfflineNetworks,
  type OfflineSettings,
  policySize,
} from './offline-learner.ts';
import { meanOf, ParameterParts } from './parameter-parts.ts';
import type { LearnerState } from './ppo-learner.ts';
import type { Transitions } from './replay-buffer.ts';

export class BehaviourCloning implements OfflineLearner {
  readonly #backend: Backend;
  readonly #settings: OfflineSettings;
  readonly #networks: OfflineNetworks;
  readonly #parts: ParameterParts<'actor'>;
  #steps = 0;

  constructor(backend: Backend, networks: OfflineNetworks, settings: OfflineSettings, key: Key) {
    this.#backend = backend;
    this.#settings = settings;
    this.#networks = networks;
    this.#parts = new ParameterParts({ actor: policySize(networks) }, [], initialPolicy(networks, key));
  }

  actor(): Promise<Float32Array> {
    return this.#parts.read('actor');
  }

  async update(count: number, draw: (update: number) => Transitions) {
    const { learningRate } = this.#settings;
    const { actor } = this.#networks;
    const rows: tf.Tensor1D[] = [];
    for (let i = 0; i < count; i++) {
      const { obs, action } = draw(this.#steps++);
      const [row, gradient] = tf.tidy(() => {
        const seen = tf.tensor2d(obs, [obs.length / actor.layers[0]!, actor.layers[0]!]);
        const done = tf.tensor2d(action, [seen.shape[0], actor.layers.at(-1)!]);
        // L = -E log pi(a | s)
        const loss = (flat: tf.Tensor1D) => tf.neg(tf.mean(logLikelihood(flat, actor, seen, done))) as tf.Scalar;
        const { value, grad } = tf.valueAndGrad(loss)(this.#parts.get('actor'));
        return [tf.reshape(value, [1]), grad] as [tf.Tensor1D, tf.Tensor1D];
      });
      this.#parts.step('actor', gradient, learningRate, this.#steps);
      rows.push(row);
    }
    const [policyLoss] = await meanOf(rows, 1);
    this.#backend.check();
    if (count > 0 && !Number.isFinite(policyLoss)) {
      throw new NumericError(`the loss is not finite in updates ${this.#steps - count} to ${this.#steps - 1}`, {
        repair: 'lower offline.learningRate, or look for numbers that are not finite in the episodes',
      });
    }
    return { policyLoss: policyLoss!, std: meanStd(await this.actor(), actor.layers.at(-1)!), learningRate };
  }

  async cloningLoss(obs: Float32Array, action: Float32Array): Promise<number> {
    return cloningLoss(this.#parts.get('actor'), this.#networks, obs, action);
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
}

/** Mean of -log pi(a | s). */
export async function cloningLoss(
  policy: tf.Tensor1D,
  { actor }: OfflineNetworks,
  obs: Float32Array,
  action: Float32Array,
): Promise<number> {
  const [inputs, outputs] = [actor.layers[0]!, actor.layers.at(-1)!];
  const loss = tf.tidy(() => {
    const seen = tf.tensor2d(obs, [obs.length / inputs, inputs]);
    return tf.neg(tf.mean(logLikelihood(policy, actor, seen, tf.tensor2d(action, [seen.shape[0], outputs]))));
  });
  const value = (await loss.data())[0]!;
  loss.dispose();
  return value;
}
