/**
 * What a PPO learner is: settings, data, figures, state, and the interface that the tfjs reference (`ppo.ts`) and every faster
 * path implement. Knows no backend and no environment.
 */

import type { NetworkContract } from '../core/contract.ts';
import type { Mirror } from '../core/symmetry.ts';
import type { FineTunePlan } from './fine-tune-plan.ts';

export interface PpoSettings {
  /** First learning rate; moved by the KL rule between its bounds, of which the upper one falls as training goes on. */
  readonly learningRate: number;
  readonly minLearningRate: number;
  readonly maxLearningRate: number;
  readonly gamma: number;
  readonly lam: number;
  readonly clip: number;
  /** Largest change of a value estimate that still improves its loss; null for none. */
  readonly valueClip: number | null;
  readonly valueCoef: number;
  readonly entropyCoef: number;
  readonly maxGradNorm: number;
  /** The learning rate falls above twice this divergence and rises below half of it; null keeps it. */
  readonly targetKl: number | null;
  readonly epochs: number;
  readonly minibatches: number;
  /** Weight of the mirror loss, where the batch has mirrored observations. @default 0.5 */
  readonly mirrorCoef?: number | undefined;
}

export interface NetworkSettings {
  readonly actor: NetworkContract;
  readonly criticHidden: readonly number[];
  /** Numbers that only the critic sees; it has no state, whatever the actor has. @default it sees what the actor sees */
  readonly criticInputs?: number;
  /** log of the exploration's first standard deviation. */
  readonly initialLogStd: number;
  /**
   * Its upper bound at the end of training, which it nears linearly: a policy that is judged by its mean must meet, while
   * it learns, the states in which that mean gets stuck.
   */
  readonly finalLogStd: number;
}

/** One iteration's data, [batch, ...]; obs normalised. */
export interface PpoBatch {
  readonly size: number;
  readonly obs: Float32Array;
  /** What the critic sees, [batch, criticInputs], normalised too. @default obs */
  readonly criticObs?: Float32Array;
  readonly action: Float32Array;
  readonly logProb: Float32Array;
  readonly advantage: Float32Array;
  readonly target: Float32Array;
  readonly value: Float32Array;
  /** What a network with a state learns from: the batch is then [horizon, numEnvs, ...]. */
  readonly sequence?: SequenceBatch;
  /** What each symmetry of the task makes of it: for the mirror loss. */
  readonly mirrored?: readonly MirroredObs[];
  /** What is not to be forgotten. */
  readonly rehearsal?: Rehearsal;
}

/**
 * States and what another policy would do there. Its KL divergence from what learns, of as many of them a minibatch as there are
 * in it, is added to the loss.
 */
export interface Rehearsal {
  readonly coefficient: number;
  readonly size: number;
  /** Normalised, [size, obsDim]. */
  readonly obs: Float32Array;
  /** [size, actions] and [actions] */
  readonly mean: Float32Array;
  readonly logStd: Float32Array;
}

/** Steps of environments one after another. Gradients flow through the horizon and no further back. */
export interface SequenceBatch {
  readonly horizon: number;
  readonly numEnvs: number;
  /** What the actor remembered before the first step, [numEnvs, stateSize]. */
  readonly state: Float32Array;
  /** 0 where an episode begins with this step, else 1, [horizon, numEnvs]. */
  readonly keep: Float32Array;
}

/** The actor's observations in a mirror, [batch, obsDim], normalised; and what the same mirror does to an action. */
export interface MirroredObs {
  readonly obs: Float32Array;
  readonly action: Mirror;
}

export interface PpoStats {
  readonly policyLoss: number;
  readonly valueLoss: number;
  readonly entropy: number;
  readonly approxKl: number;
  readonly clipFraction: number;
  readonly gradNorm: number;
  readonly learningRate: number;
  /** Mean squared distance from the mirrored mean action; absent without mirrored observations. */
  readonly mirrorLoss?: number;
}

/** Everything a resumed run needs; arrays are [parameters]. */
export interface LearnerState {
  readonly parameters: Float32Array;
  readonly firstMoment: Float32Array;
  readonly secondMoment: Float32Array;
  readonly steps: number;
  readonly learningRate: number;
}

/** Which parameters learn: everything, of the actor the last layer alone (the critic is no part of the policy), or by a plan. */
export type Trainable = 'all' | 'actor-head' | FineTunePlan;

/** One flat parameter vector: actor (in the order of `tensorsOf`), log-std, then what else there is. */
export interface ActorLearner {
  /** Numbers of the actor and its log-std, which come first. */
  readonly actorSize: number;
  state(): Promise<LearnerState>;
  /** @throws LandfallError when the sizes are those of another network */
  load(state: LearnerState): void;
  dispose(): void;
}

/** The critic comes last. */
export interface PpoLearner extends ActorLearner {
  /** The critic's estimates. @param obs what it sees, normalised, [batch, criticInputs] @returns [batch] */
  values(obs: Float32Array, batch: number): Promise<Float32Array>;
  /**
   * One iteration of learning.
   * @param iteration seeds the minibatches' order
   * @param progress share of the training done, 0 to 1: the largest learning rate falls linearly with it
   * @throws NumericError when the loss is not finite
   */
  update(batch: PpoBatch, iteration: number, progress?: number): Promise<PpoStats>;
  /**
   * Take over weights and start the optimiser anew.
   * @param parameters all of them, or the actor's alone: the critic then starts from nothing
   */
  loadParameters(parameters: Float32Array): void;
}

/** The adaptive rule of RSL-RL: by a factor 1.5 down above twice the target, up below half of it. */
export function steerLearningRate(
  learningRate: number,
  kl: number,
  targetKl: number,
  bounds: Pick<PpoSettings, 'minLearningRate' | 'maxLearningRate'>,
): number {
  if (kl > 2 * targetKl) return Math.max(bounds.minLearningRate, learningRate / 1.5);
  if (kl < targetKl / 2) return Math.min(bounds.maxLearningRate, learningRate * 1.5);
  return learningRate;
}

/** (A - mean) / (sd + 1e-8) over the whole batch. */
export function normalisedAdvantage(advantage: Float32Array): Float32Array {
  const mean = advantage.reduce((sum, a) => sum + a, 0) / advantage.length;
  const variance = advantage.reduce((sum, a) => sum + (a - mean) ** 2, 0) / advantage.length;
  const scale = 1 / (Math.sqrt(variance) + 1e-8);
  return advantage.map((a) => (a - mean) * scale);
}
