/**
 * Implicit Q-learning on tfjs (Kostrikov, Nair, Levine 2021, 2110.06169): values that lean to the best of what was done, critics
 * that bootstrap from them and so never ask for an action that no data shows, and a policy cloned with weights that grow with
 * the advantage. Knows no environment.
 */

import * as tf from '@tensorflow/tfjs';
import { type Key, split } from '../core/rng.ts';
import type { Backend } from './backend.ts';
import { cloningLoss } from './bc.ts';
import { criticTensors, criticValue } from './critic-network.ts';
import { initialWeights } from './initial-weights.ts';
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
import { nonFinite } from './sac-learner.ts';

const CRITICS = 2;
/** Largest weight of a transition, as in the authors' code: one lucky step must not be all there is. */
const MOST_WEIGHT = 100;

export class Iql implements OfflineLearner {
  readonly #backend: Backend;
  readonly #settings: OfflineSettings;
  readonly #networks: OfflineNetworks;
  readonly #criticLayers: readonly number[];
  readonly #valueLayers: readonly number[];
  readonly #parts: ParameterParts<'actor' | 'critics' | 'value' | 'targets'>;
  #steps = 0;

  constructor(backend: Backend, networks: OfflineNetworks, settings: OfflineSettings, key: Key) {
    const { layers } = networks.actor;
    this.#backend = backend;
    this.#settings = settings;
    this.#networks = networks;
    this.#criticLayers = [layers[0]! + layers.at(-1)!, ...networks.criticHidden, 1];
    this.#valueLayers = [layers[0]!, ...networks.criticHidden, 1];
    const keys = split(key, 2 + CRITICS);
    const critics = Array.from({ length: CRITICS }, (_, i) => initialWeights(this.#criticLayers, 1, keys[2 + i]!));
    const value = initialWeights(this.#valueLayers, 1, keys[1]!);
    const size = CRITICS * critics[0]!.length;
    const first = [initialPolicy(networks, keys[0]!), ...critics, value, ...critics];
    this.#parts = new ParameterParts(
      { actor: policySize(networks), critics: size, value: value.length, targets: size },
      ['targets'],
      Float32Array.from(first.flatMap((part) => Array.from(part))),
    );
  }

  actor(): Promise<Float32Array> {
    return this.#parts.read('actor');
  }

  async update(count: number, draw: (update: number) => Transitions) {
    const { learningRate, tau } = this.#settings;
    const first = this.#steps;
    const rows: tf.Tensor1D[] = [];
    for (let i = 0; i < count; i++) {
      const batch = draw(this.#steps++);
      const { stats, actor, critics, value } = tf.tidy(() => this.#gradients(batch));
      this.#parts.step('value', value, learningRate, this.#steps);
      this.#parts.step('actor', actor, learningRate, this.#steps);
      this.#parts.step('critics', critics, learningRate, this.#steps);
      this.#parts.follow('critics', 'targets', tau);
      rows.push(stats);
    }
    const [valueLoss, policyLoss, criticLoss, qValue] = (await meanOf(rows, 4)) as [number, number, number, number];
    this.#backend.check();
    if (count > 0 && !Number.isFinite(valueLoss + policyLoss + criticLoss))
      throw nonFinite(first, this.#steps, criticLoss, policyLoss, 'offline.learningRate');
    const std = meanStd(await this.actor(), this.#networks.actor.layers.at(-1)!);
    return { policyLoss, criticLoss, valueLoss, qValue, std, learningRate };
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

  /** All three at the parameters as they are. */
  #gradients({ obs, nextObs, action, reward, bootstrap }: Transitions) {
    const { gamma, expectile, sharpness } = this.#settings;
    const { actor } = this.#networks;
    const rows = reward.length;
    const seen = tf.tensor2d(obs, [rows, obs.length / rows]);
    const done = tf.tensor2d(action, [rows, action.length / rows]);
    const input = tf.concat([seen, done], 1) as tf.Tensor2D;
    const least = this.#q(this.#parts.get('targets'), input).reduce((a, b) => tf.minimum(a, b));

    // L_V = E |tau - 1(u < 0)| u^2,   u = min_i Q'_i(s, a) - V(s)
    const valueLoss = (flat: tf.Tensor1D) =>
      expectileLoss(tf.sub(least, this.#v(flat, seen)) as tf.Tensor1D, expectile);
    const value = tf.valueAndGrad(valueLoss)(this.#parts.get('value'));

    // L_pi = -E w(A) log pi(a | s),   A = min_i Q'_i(s, a) - V(s)
    const weight = advantageWeight(tf.sub(least, this.#v(this.#parts.get('value'), seen)) as tf.Tensor1D, sharpness);
    const policyLoss = (flat: tf.Tensor1D) =>
      tf.neg(tf.mean(tf.mul(weight, logLikelihood(flat, actor, seen, done)))) as tf.Scalar;
    const policy = tf.valueAndGrad(policyLoss)(this.#parts.get('actor'));

    // L_Q = sum_i E (Q_i(s, a) - r - gamma (1 - d) V(s'))^2
    const next = this.#v(this.#parts.get('value'), tf.tensor2d(nextObs, [rows, nextObs.length / rows]));
    const target = tf.add(reward, tf.mul(gamma, tf.mul(bootstrap, next)));
    const criticLoss = (flat: tf.Tensor1D) =>
      this.#q(flat, input)
        .map((q) => tf.mean(tf.square(tf.sub(q, target))))
        .reduce((a, b) => tf.add(a, b)) as tf.Scalar;
    const critics = tf.valueAndGrad(criticLoss)(this.#parts.get('critics'));

    const stats = tf.stack([value.value, policy.value, tf.div(critics.value, CRITICS), tf.mean(least)]) as tf.Tensor1D;
    return { stats, actor: policy.grad, critics: critics.grad, value: value.grad };
  }

  #q(flat: tf.Tensor1D, input: tf.Tensor2D): tf.Tensor1D[] {
    const { activation } = this.#networks.actor;
    return criticTensors(flat, this.#criticLayers, false).map((one) => criticValue(one, activation, false, input));
  }

  #v(flat: tf.Tensor1D, obs: tf.Tensor2D): tf.Tensor1D {
    const [tensors] = criticTensors(flat, this.#valueLayers, false);
    return criticValue(tensors!, this.#networks.actor.activation, false, obs);
  }
}

/** E |tau - 1(u < 0)| u^2 */
export function expectileLoss(u: tf.Tensor1D, expectile: number): tf.Scalar {
  // tau max(u, 0)^2 + (1 - tau) max(-u, 0)^2: a comparison has no gradient.
  const over = tf.mul(expectile, tf.square(tf.relu(u)));
  return tf.mean(tf.add(over, tf.mul(1 - expectile, tf.square(tf.relu(tf.neg(u))))));
}

/**
 * min(exp(beta A / sd(A)), 100). The paper scales rewards by hand, benchmark by benchmark; in units of the batch's own spread one
 * beta serves every task.
 */
export function advantageWeight(advantage: tf.Tensor1D, sharpness: number): tf.Tensor1D {
  const { variance } = tf.moments(advantage);
  const scaled = tf.div(advantage, tf.add(tf.sqrt(variance), 1e-8));
  return tf.minimum(tf.exp(tf.mul(sharpness, scaled)), MOST_WEIGHT);
}
