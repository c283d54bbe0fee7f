/**
 * What kind of command a robot takes, whatever the message: which number of a joint command is limited, between which
 * bounds, and what stopping means. Mappings (bridge/mappings/) say which one theirs is. Knows no message and no link.
 */

import type { ActionContract, JointContract } from '../../core/contract.ts';
import type { JointCommand, RobotState } from '../../core/robot.ts';

export interface CommandInterface {
  readonly name: 'effort' | 'thrust' | 'position' | 'velocity' | 'hybrid';
  /** Action kinds that can drive a joint through it; and whether every joint needs one of them. */
  readonly kinds: readonly ActionContract['kind'][];
  readonly drivesAll: boolean;
  /** Which parts of a joint command reach the robot. */
  readonly carries: readonly ('effort' | 'q' | 'qd')[];
  /** What stopping is, in words: with a state, without one to trust; and what is dangerous about it. */
  readonly stopping: string;
  readonly blindly: string;
  readonly hazard?: string;
  /** Whether the joint can be moved to its default position and held there. */
  holds(joint: JointContract): boolean;
  /** The number that is limited: effort N m or N, position rad or m, velocity rad/s or m/s. */
  wanted(command: JointCommand, state: RobotState, j: number, joint: JointContract): number;
  /** Where that number begins, for the limit of its change. */
  initial(state: RobotState, j: number): number;
  /** Its bounds. */
  bounds(joint: JointContract): readonly [number, number];
  /** Write joint j of `out` so that what was `wanted` is `limited`. */
  write(
    command: JointCommand,
    wanted: number,
    limited: number,
    j: number,
    joint: JointContract,
    out: JointCommand,
  ): void;
  /** Bring the robot to rest. @param from the state when the stop began */
  stop(from: RobotState, joints: readonly JointContract[], out: JointCommand): void;
  /** Rest before and between episodes, where a stop would let the robot fall. @default stop */
  pause?(from: RobotState, joints: readonly JointContract[], out: JointCommand): void;
  /** The same as `stop` without a valid state. @param last the command sent last, NaN where none was */
  blind(last: JointCommand, joints: readonly JointContract[], out: JointCommand): void;
}

export function clearCommand(out: JointCommand): void {
  out.q.fill(0);
  out.qd.fill(0);
  out.effort.fill(0);
  out.kp.fill(0);
  out.kd.fill(0);
}
