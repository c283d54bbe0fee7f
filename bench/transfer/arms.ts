/**
 * The arms of the recovery study: ways to use N episodes of a target. An arm is given the policy, the simulator and the
 * episodes (or, if it learns on the robot itself, the robot), and gives back a policy. It never learns what the target is. A new
 * arm is a file and a line in `arms`.
 */

import type { Contract } from '../../core/contract.ts';
import type { Episode } from '../../core/episode.ts';
import type { FittedSimulator, LearnedParameters } from '../../loop/adaptation.ts';
import type { Experiment } from '../../loop/experiment.ts';
import type { Bundle } from '../../policy/checkpoint.ts';
import type { WorkerPool } from '../../policy/collector.ts';
import type { EnvironmentRecipe } from '../../sim/recipe.ts';
import { normaliserArm } from './normaliser-arm.ts';
import { rlpdArm, scratchArm } from './online-arms.ts';
import { simulatorArm } from './simulator-arms.ts';

/** A policy: what a bundle holds. */
export interface Adapted {
  readonly contract: Contract;
  /** W1, b1, ..., logStd. */
  readonly actor: Float32Array;
}

/** What every arm may use. */
export interface ArmSource {
  /** The policy as it was trained in simulation, and what its run had learned beside it. */
  readonly bundle: Bundle;
  readonly learned: LearnedParameters | null;
  readonly experiment: Experiment;
  readonly pool: WorkerPool;
  readonly seed: number;
  /** Of learning in simulation. */
  readonly iterations: number;
}

export interface LoggedRequest extends ArmSource {
  /** What the policy did on the target; those that judge are not among them. */
  readonly episodes: readonly Episode[];
  /** The simulator fitted to these episodes: the first arm that asks pays for it. */
  readonly fitted: () => Promise<FittedSimulator>;
}

export interface OnlineRequest extends ArmSource {
  /** The target, to act on. */
  readonly robot: EnvironmentRecipe;
  /** Rising numbers of episodes, each of the task's full length. */
  readonly budgets: readonly number[];
}

/** Learns from what was recorded. */
export interface LoggedArm {
  readonly name: string;
  readonly doc: string;
  run(request: LoggedRequest): Promise<Adapted>;
}

/** Learns on the robot: one course of learning, looked at after each budget. */
export interface OnlineArm {
  readonly name: string;
  readonly doc: string;
  run(request: OnlineRequest): Promise<readonly Adapted[]>;
}

export const loggedArms: readonly LoggedArm[] = [
  // What `landfall adapt` does.
  simulatorArm('head'),
  simulatorArm('lora'),
  simulatorArm('l2sp'),
  simulatorArm('full'),
  normaliserArm,
];

export const onlineArms: readonly OnlineArm[] = [scratchArm, rlpdArm];
