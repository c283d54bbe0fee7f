/**
 * What a task is: a table of observations, actions, rewards, terminations, starts and randomisation, all named pure
 * terms. Knows no engine and no learner. Add a task by adding one file to sim/tasks/ and one line to its registry.
 */

import type { ActionContract, ObservationContract } from '../core/contract.ts';
import type { RandomStream } from '../core/rng.ts';
import type { RobotState } from '../core/robot.ts';
import type { RandomizationTable } from './randomization-terms.ts';
import type { PhysicsSettings } from './rapier-robot.ts';

export type { RandomizationTable, RandomizationTerm } from './randomization-terms.ts';

/** What reward and termination terms see of one control step. */
export interface StepView {
  /** The state after the step, without sensor noise where the engine knows it. */
  readonly state: RobotState;
  /** The action of this step and of the one before, clipped to [-1, 1], [actionDim]. */
  readonly action: Float32Array;
  readonly lastAction: Float32Array;
}

export interface RewardTerm {
  /** Reward per second: the environment multiplies by the control period. */
  readonly weight: number;
  readonly fn: (view: StepView) => number;
  readonly doc: string;
}

/** A term without what follows from the robot and the term's function. */
export type ObservationSpec = Omit<ObservationContract, 'size' | 'unit' | 'frame'>;

export interface TaskDefinition {
  readonly name: string;
  readonly summary: string;
  /** A robot of configs/robots.ts. */
  readonly robot: string;
  readonly rateHz: number;
  readonly physics: PhysicsSettings;
  /** An episode is truncated after this long. */
  readonly episodeSeconds: number;
  readonly observations: readonly ObservationSpec[];
  readonly actions: readonly ActionContract[];
  readonly rewards: Readonly<Record<string, RewardTerm>>;
  readonly terminations: Readonly<Record<string, (view: StepView) => boolean>>;
  /**
   * Write the start state. Training may start anywhere; evaluation starts where the task says.
   * @param q,qd [nJoints]
   */
  readonly start: (random: RandomStream, training: boolean, q: Float64Array, qd: Float64Array) => void;
  readonly randomization: RandomizationTable;
  /** An episode succeeds when `test` held without a break for its last `seconds`. */
  readonly success: { readonly seconds: number; readonly test: (state: RobotState) => boolean };
}

/** A task, checked where the compiler cannot. @throws RangeError when the physics step does not divide the control step */
export function defineTask(task: TaskDefinition): TaskDefinition {
  const ratio = 1 / (task.rateHz * task.physics.physicsDt);
  if (Math.abs(ratio - Math.round(ratio)) > 1e-9) {
    throw new RangeError(
      `task ${task.name}: physicsDt ${task.physics.physicsDt} s should divide the control step ${1 / task.rateHz} s`,
    );
  }
  return Object.freeze(task);
}
