/**
 * What a loop that learns is given: settings, environments, threads, where to go on from and whom to tell; and what it gives
 * back. Types alone: knows no learner's inside, no terminal and no file.
 */

import type { Clock } from '../core/clock.ts';
import type { Contract, NormalizerContract } from '../core/contract.ts';
import type { FrameRing } from '../core/frame-ring.ts';
import type { Key } from '../core/rng.ts';
import type { EnvironmentRecipe } from '../sim/recipe.ts';
import type { Backend } from './backend.ts';
import type { TrainingState } from './checkpoint.ts';
import type { WorkerPool } from './collector.ts';
import type { DivergenceError } from './divergence.ts';
import type { LoopFigures } from './iteration-report.ts';
import type { TaskMirror } from './mirroring.ts';
import type { NetworkSettings, PpoSettings, PpoStats, Trainable } from './ppo-learner.ts';
import type { Teacher } from './teacher.ts';
import type { SceneChange } from './watch.ts';

/** When a policy is judged, and when it is good enough. */
export interface JudgingSettings {
  readonly iterations: number;
  /** Iterations between evaluations; the last one is always judged. */
  readonly evalEvery: number;
  readonly evalEpisodes: number;
  /** Stop when an evaluation's success rate reaches this; null to use all iterations. */
  readonly stopAtSuccess: number | null;
}

/** Of every loop that collects what it learns from. */
export interface LoopSettings extends JudgingSettings {
  readonly numEnvs: number;
  /** Control steps an environment takes between updates. */
  readonly horizon: number;
  readonly network: Pick<NetworkSettings, 'criticInputs'>;
  /** Keep the actor's observation statistics as they are, all or those marked, [obsDim]: they belong to the frozen body. */
  readonly freezeNormalizer?: boolean | readonly boolean[];
}

export interface TrainSettings extends LoopSettings {
  readonly ppo: PpoSettings;
  readonly network: NetworkSettings;
  readonly trainable?: Trainable;
  /** The task's symmetries, and what is made of them: more experience, or a loss. */
  readonly symmetry?: { readonly use: 'augment' | 'loss'; readonly mirrors: readonly TaskMirror[] };
}

/** A policy and what resuming it needs. */
export interface Snapshot {
  readonly contract: Contract;
  /** Actor tensors, log-std last. */
  readonly actor: Float32Array;
  readonly state: TrainingState;
}

/** What any loop is given: S its settings, R what it reports. */
export interface TrainJob<S = TrainSettings, R = LoopFigures & PpoStats> {
  readonly recipe: EnvironmentRecipe;
  /** What the policy is judged on. */
  readonly evalRecipe: EnvironmentRecipe;
  readonly settings: S;
  readonly backend: Backend;
  readonly pool: WorkerPool;
  readonly key: Key;
  readonly clock: Clock;
  readonly ring?: FrameRing | null;
  /** Told of new scenes around watched environments, before their frames are published. */
  readonly onScene?: (change: SceneChange) => void;
  /** Go on from here. */
  readonly resume?: TrainingState;
  /** Learn what it says, instead of from rewards. */
  readonly teacher?: Teacher;
  /** Start from these parameters (actor, log-std, and of PPO the critic) with a new optimiser. */
  readonly initial?: Float32Array;
  /** Statistics that the critic of `initial` learned with, where it has its own. */
  readonly initialCriticNormalizer?: NormalizerContract;
  /** A number was not finite. @param before what the iteration began with @param recipe of the environments */
  readonly onDivergence?: (error: DivergenceError, before: Snapshot, recipe: EnvironmentRecipe) => Promise<void>;
  /** After every iteration. @returns true to stop */
  readonly onIteration?: (report: R, snapshot: () => Promise<Snapshot>) => boolean | Promise<boolean>;
}
