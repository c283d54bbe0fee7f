/**
 * A course of learning: all in which one way to learn differs from another, for the loop (runner.ts) that takes any. Types
 * alone. PPO's is ppo-course.ts, a student's distill-course.ts, a soft actor-critic's sac-course.ts.
 */

import type { TrainingState } from './checkpoint.ts';
import type { Statistics } from './observation-statistics.ts';
import type { ActorLearner } from './ppo-learner.ts';
import type { RolloutBuffer } from './rollout-buffer.ts';

/** What an iteration collected. */
export interface Experience {
  readonly buffer: RolloutBuffer;
  readonly statistics: Statistics;
  /** Counted from 0. */
  readonly iteration: number;
}

/** Stats: the figures of what learned, and the exploration's standard deviation. */
export interface Course<Stats extends { readonly std: number }> {
  /** What explores are its first `actorSize` parameters. */
  readonly learner: ActorLearner;
  /** The exploration's log-std is of the state, as in RolloutShape. @default false */
  readonly stateStd?: boolean;
  /**
   * The observation statistics take an iteration in before it is learned from. On-policy they must not: ratios and values are
   * those of the observations as the policy saw them. @default false
   */
  readonly countsFirst?: boolean;
  /** Begin with a given policy and a new optimiser. @param parameters as in TrainJob.initial */
  startFrom?(parameters: Float32Array): void | Promise<void>;
  /** What is deployed of what explores, log-std last. @default all of it */
  deployed?(actor: Float32Array): Float32Array;
  learn(experience: Experience): Promise<Stats>;
  /** What the last snapshot holds besides. */
  kept?(): Pick<TrainingState, 'replay'>;
}
