/**
 * What learns from logged episodes alone: settings, figures and the interface of behaviour cloning (`bc.ts`) and implicit
 * Q-learning (`iql.ts`); and the policy of both, a ~ N(tanh(f(s)), sigma^2) with sigma the same everywhere. Knows no episode.
 */

import * as tf from '@tensorflow/tfjs';
import type { NetworkContract } from '../core/contract.ts';
import type { Key } from '../core/rng.ts';
import { initialWeights } from './initial-weights.ts';
import { tensorShapes, tensorSizes } from './mlp.ts';
import { forward } from './network.ts';
import type { LearnerState } from './ppo-learner.ts';
import type { Transitions } from './replay-buffer.ts';
import { LOG_STD_RANGE } from './squashed-gaussian.ts';

export interface OfflineSettings {
  readonly learningRate: number;
  readonly batchSize: number;
  /** Updates of an iteration. */
  readonly updates: number;
  /** Share of the episodes that is not learned from, to see what the policy makes of what it has not seen. */
  readonly heldOut: number;
  readonly gamma: number;
  /** Share by which the target critics follow their critics at each update. */
  readonly tau: number;
  /** Of IQL's values: 0.5 is the mean of what was done, near 1 the best of it. */
  readonly expectile: number;
  /** Of IQL's policy: how much a better action counts for; 0 is behaviour cloning. */
  readonly sharpness: number;
}

export interface OfflineNetworks {
  /** The deployed policy's. */
  readonly actor: NetworkContract;
  readonly criticHidden: readonly number[];
  readonly initialLogStd: number;
}

/** Means over the updates of an iteration. */
export interface OfflineStats {
  /** -log pi(a | s), weighted where the learner weighs, nats. */
  readonly policyLoss: number;
  /** -log pi(a | s) over episodes that were not learned from; null when none was held out. */
  readonly heldOutLoss: number | null;
  /** Of IQL alone. */
  readonly criticLoss?: number;
  readonly valueLoss?: number;
  readonly qValue?: number;
  readonly std: number;
  readonly learningRate: number;
}

export interface OfflineLearner {
  /** W1, b1, ..., log-std, as in a bundle. */
  actor(): Promise<Float32Array>;
  /** @param draw makes the batch of an update, numbered from the first one of the run; what it returns may be reused */
  update(count: number, draw: (update: number) => Transitions): Promise<Omit<OfflineStats, 'heldOutLoss'>>;
  /** Mean of -log pi(a | s). @param obs normalised, [rows, obsDim] @param action [rows, actionDim] */
  cloningLoss(obs: Float32Array, action: Float32Array): Promise<number>;
  state(): Promise<LearnerState>;
  load(state: LearnerState): void;
  dispose(): void;
}

const HALF_LOG_TWO_PI = 0.9189385332046727;

/** Numbers of the policy: its tensors and log-std. */
export function policySize({ actor }: OfflineNetworks): number {
  return tensorSizes(actor.layers).reduce((a, b) => a + b, 0) + actor.layers.at(-1)!;
}

export function initialPolicy(networks: OfflineNetworks, key: Key): Float32Array {
  const flat = new Float32Array(policySize(networks)).fill(networks.initialLogStd);
  flat.set(initialWeights(networks.actor.layers, 0.01, key));
  return flat;
}

/** log pi(a | s). @param flat policy @param obs,action [batch, ...] @returns [batch] */
export function logLikelihood(
  flat: tf.Tensor1D,
  { layers, activation }: NetworkContract,
  obs: tf.Tensor2D,
  action: tf.Tensor2D,
): tf.Tensor1D {
  const shapes = [...tensorShapes(layers), [layers.at(-1)!]];
  const parts = tf.split(flat, [...tensorSizes(layers), layers.at(-1)!]);
  const tensors = parts.map((part, i) => tf.reshape(part, shapes[i]!));
  const logStd = tf.clipByValue(tensors.at(-1)!, ...LOG_STD_RANGE);
  const mean = tf.tanh(forward(tensors.slice(0, -1), activation, obs));
  // log pi(a) = sum -z^2/2 - log sigma - log(2 pi)/2,   z = (a - mu) / sigma
  const z = tf.div(tf.sub(action, mean), tf.exp(logStd));
  return tf.sum(tf.sub(tf.sub(tf.mul(-0.5, tf.square(z)), logStd), HALF_LOG_TWO_PI), 1);
}

/** Mean sigma of a policy. */
export function meanStd(policy: Float32Array, actions: number): number {
  return policy.subarray(policy.length - actions).reduce((sum, s) => sum + Math.exp(s) / actions, 0);
}
