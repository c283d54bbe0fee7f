/** What a command mapping is: it turns a joint command into a message of the robot's command topic. */

import type { JointContract } from '../../core/contract.ts';
import type { JointCommand, RobotState } from '../../core/robot.ts';
import type { CommandInterface } from '../interfaces/command-interface.ts';
import type { RosVersion } from '../ros-names.ts';

export interface CommandContext {
  readonly joints: readonly JointContract[];
  /** Now on the robot's clock, s. */
  readonly robotTime: number;
  readonly ros: RosVersion;
  /** One control step, s. @default 0 */
  readonly period?: number;
  /** As in `contract.ros.command.options`. @default none */
  readonly options?: Readonly<Record<string, number>>;
}

export type Message = Readonly<Record<string, unknown>>;

export interface CommandMapping {
  /** As ROS 1 writes it. */
  readonly type: string;
  /** Messages carry the joints' names: their order cannot be mistaken. */
  readonly named: boolean;
  /** Messages carry the time they were made: the robot can refuse an old one. */
  readonly stamped: boolean;
  /** What is sent, how it is limited, and what stopping means. */
  readonly takes: CommandInterface;
  /** Names of the options it needs, each a number above 0. */
  readonly needs: readonly string[];
  /** @param command after all limits @param state what it answers */
  encode(command: JointCommand, state: RobotState, context: CommandContext): Message;
}

/** std_msgs/Float64MultiArray of one dimension. */
export function arrayMessage(data: number[]): Message {
  return { layout: { dim: [], data_offset: 0 }, data };
}
