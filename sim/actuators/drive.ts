/**
 * What a model of one joint's drive is, whatever its kind. A drive answers each command that acts within a physics step,
 * `CommandQueue` mixes the answers by time, and the drive may then do to the mix what takes place after the command: a
 * lag, a memory. Numbers travel in arrays: one passed or returned as such would be allocated. Knows no engine.
 */

import type { JointCommand, RobotState } from '../../core/robot.ts';

/** Of an episode, shared by the drives of a robot. Arrays are [nJoints]. */
export interface DriveParameters {
  /** Of the physics step, s. */
  readonly dt: number;
  readonly kpScale: Float64Array;
  readonly kdScale: Float64Array;
  /** rad */
  readonly encoderBias: Float64Array;
  /** N m or N */
  readonly torqueLimit: Float64Array;
  /** Of what the joint moves about its axis while the others are free, kg m2. */
  readonly inertia: Float64Array;
}

/** The drive of joint j. */
export interface Drive {
  /** The parameters of an episode are in place: forget the last one. */
  reset?(): void;
  /** Once at the start of every step. */
  begin?(state: RobotState): void;
  /**
   * Write to `out[j]` the torque that answers a command within the joint's limits, from the state at the step's start.
   * @param at where joint j's entry stands in `commands`, which hold many commands one after another
   */
  ask(commands: JointCommand, at: number, state: RobotState, out: Float64Array): void;
  /** `out[j]` holds the answers mixed by time: put what the motor delivers over the step in its place. */
  finish?(out: Float64Array): void;
}
