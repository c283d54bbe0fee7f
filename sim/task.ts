/**
 * What a task is: a table of observations, actions, commands, rewards, terminations, starts, scenes, disturbances and
 * randomisation, all named pure terms. Knows no engine and no learner. Add a task by adding one file to sim/tasks/ and one
 * line to its registry.
 */

import type { ActionContract, ObservationContract } from '../core/contract.ts';
import type { RandomStream } from '../core/rng.ts';
import type { RobotState } from '../core/robot.ts';
import type { SensorSpec } from '../core/sensor.ts';
import type { Symmetry } from '../core/symmetry.ts';
import { type AdrSettings, checkAdr } from './adr.ts';
import type { CurriculumRule, LevelOutcome } from './curriculum.ts';
import { checkRandomization, type RandomizationTable } from './randomization-terms.ts';
import type { PhysicsSettings } from './rapier.ts';
import type { SensorQuality } from './robot-spec.ts';
import type { Scene } from './scene.ts';
import type { SensedWorld } from './sensed-world.ts';

/** What reward, termination and success terms see of one control step. Everything is reused from step to step. */
export interface StepView {
  /** The state after the step, without sensor noise where the engine knows it. */
  readonly state: RobotState;
  /** The state before it. */
  readonly before: RobotState;
  /** The action of this step and of the one before, clipped to [-1, 1], [actionDim]. */
  readonly action: Float32Array;
  readonly lastAction: Float32Array;
  /** What the robot is asked to do, as the task's command defines it. */
  readonly command: Float64Array;
  /** The scene's objects in the order they stand in it, [nObjects, OBJECT_STRIDE]. */
  readonly objects: Float64Array;
  /** What surrounds the robot in this episode, and where links are, what rays meet and what presses on links. */
  readonly scene: Scene;
  readonly world: SensedWorld;
  /** Control step, s, and time since the episode's start, s. */
  readonly dt: number;
  readonly time: number;
  /** Numbers of the task's own that last for the episode, such as air times; zero at its start, [task.memory]. */
  readonly memory: Float64Array;
}

export interface RewardTerm {
  /** Reward per second: the environment multiplies by the control period. */
  readonly weight: number;
  readonly fn: (view: StepView) => number;
  readonly doc: string;
}

/** A term without what follows from the robot and the term's function. */
export type ObservationSpec = Omit<ObservationContract, 'size' | 'unit' | 'frame' | 'sensor' | 'of'> &
  Partial<Pick<ObservationContract, 'sensor' | 'of'>>;

/** What a start is written into; everything is zero, the base upright at the origin, the joints at their defaults. */
export interface StartState {
  /** [nJoints], rad or m; rad/s or m/s. */
  readonly q: Float64Array;
  readonly qd: Float64Array;
  /** As in RobotState, [7] and [6]. */
  readonly base: Float64Array;
  readonly twist: Float64Array;
}

/** What the robot is asked to do: drawn at the start, and again every so often. */
export interface CommandTerm {
  /** One name a number, for logs and for whoever gives commands to a real robot. */
  readonly names: readonly string[];
  readonly units: readonly string[];
  /** Bounds a real command is held to, [n][2]. */
  readonly ranges: readonly (readonly [number, number])[];
  /** Bounds of the time until the next draw, s; null for one command an episode. */
  readonly everySeconds: readonly [number, number] | null;
  /** @param scene of this episode @param start of this episode @param out [n] */
  readonly sample: (random: RandomStream, scene: Scene, start: StartState, out: Float64Array) => void;
}

/** A controller written by hand, which sees the truth: what a learned policy is held against. */
export interface ReferencePolicy {
  /** What it is, in a line. */
  readonly doc: string;
  /** A fresh controller for one episode: writes the action for the step after `view`, [actionDim]. */
  readonly make: () => (view: StepView, action: Float32Array) => void;
  /** What it reached over episodes 0 to 19 of environment 0 of seed 1, randomised as the task says, in Rapier. */
  readonly score: { readonly successRate: number; readonly meanReturn: number };
}

/** What a curriculum makes of an episode. */
export interface CurriculumTerm {
  readonly rule: CurriculumRule;
  /** Of an episode that has just ended. */
  readonly outcome: (view: StepView, success: boolean) => LevelOutcome;
}

/** A shove: the base's velocity changes at once. */
export interface PushTerm {
  /** Bounds of the time between shoves, s. */
  readonly everySeconds: readonly [number, number];
  /** Largest change of the base's velocity along x and y, m/s, and about z, rad/s. */
  readonly linear: number;
  readonly angular: number;
}

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
  /** What only the critic sees, made from the noise-free state; null when it sees what the actor sees. */
  readonly criticObservations?: readonly ObservationSpec[];
  readonly actions: readonly ActionContract[];
  readonly command?: CommandTerm;
  readonly rewards: Readonly<Record<string, RewardTerm>>;
  /** Clip the sum of the weighted terms at 0, so that ending an episode early never pays. */
  readonly onlyPositive?: boolean;
  /** Failures: what is lost after them is lost. */
  readonly terminations: Readonly<Record<string, (view: StepView) => boolean>>;
  /** Ends that are nobody's fault, beside the time's: values are bootstrapped after them. A termination goes before. */
  readonly truncations?: Readonly<Record<string, (view: StepView) => boolean>>;
  /** Numbers in `StepView.memory`. @default 0 */
  readonly memory?: number;
  /**
   * Write the start state. Training may start anywhere; evaluation starts where the task says.
   * @param scene of this episode
   */
  readonly start: (random: RandomStream, training: boolean, out: StartState, scene: Scene) => void;
  /** What surrounds the robot; made anew for each episode. @param difficulty in [0, 1] @default nothing */
  readonly scene?: (random: RandomStream, difficulty: number) => Scene;
  /** How the difficulty of `scene` moves while training; evaluation draws every level alike. @default the hardest */
  readonly curriculum?: CurriculumTerm;
  readonly pushes?: PushTerm;
  /** Sensors the task adds to the robot's, and how bad they are. */
  readonly sensors?: readonly SensorSpec[];
  readonly quality?: Readonly<Record<string, SensorQuality>>;
  readonly randomization: RandomizationTable;
  /** How ranges of `randomization` widen while training, where the configuration says `adr`; evaluation keeps the table. */
  readonly adr?: AdrSettings;
  /** Reflections under which robot, scene and rewards are the same: what is learned in one holds in the other. */
  readonly symmetries?: readonly Symmetry[];
  readonly reference?: ReferencePolicy;
  /** An episode succeeds when `test` held without a break for its last `seconds`. */
  readonly success: { readonly seconds: number; readonly test: (view: StepView) => boolean };
}

/**
 * A task, checked where the compiler cannot.
 * @throws RangeError when the physics step does not divide the control step
 * @throws InputError for a randomisation or an ADR that cannot be
 */
export function defineTask(task: TaskDefinition): TaskDefinition {
  const ratio = 1 / (task.rateHz * task.physics.physicsDt);
  if (Math.abs(ratio - Math.round(ratio)) > 1e-9) {
    throw new RangeError(
      `task ${task.name}: physicsDt ${task.physics.physicsDt} s should divide the control step ${1 / task.rateHz} s`,
    );
  }
  checkRandomization(task.randomization);
  if (task.adr !== undefined) checkAdr(task.adr, task.randomization);
  return Object.freeze(task);
}
