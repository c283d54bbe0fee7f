/**
 * Between joint arrays and ROS messages: the state as sensor_msgs/JointState, an effort command from JointState or
 * std_msgs/Float64MultiArray. Joints are matched by name, never by place. Knows no socket.
 */

import type { RobotState } from '../../core/robot.ts';
import { rosTime } from '../ros-names.ts';
import { type MessageContext, secondsOf } from './message-types.ts';
import { bend, STALE_SECONDS, type Switches } from './misbehaviour.ts';

export const STATE_TYPE = 'sensor_msgs/JointState';
export const COMMAND_TYPES: readonly string[] = ['sensor_msgs/JointState', 'std_msgs/Float64MultiArray'];

/** The stamp as the switches want it, s. */
export function bentStamp(stamp: number, switches: Switches): number {
  return switches.has('stale') ? stamp - STALE_SECONDS : stamp;
}

/** @param stamp s @param seq counted by the publisher; ROS 1 only */
export function stateMessage(
  state: RobotState,
  joints: readonly string[],
  stamp: number,
  seq: number,
  context: MessageContext,
  switches: Switches,
): Record<string, unknown> {
  const { ros } = context;
  const time = rosTime(bentStamp(stamp, switches), ros);
  const header = ros === 1 ? { seq, stamp: time, frame_id: '' } : { stamp: time, frame_id: '' };
  const columns = {
    name: [...joints],
    position: [...state.q],
    velocity: [...state.qd],
    effort: [...state.effort],
  };
  return { header, ...bend(columns, switches) };
}

export type EffortCommand =
  | { readonly effort: number[]; readonly stamp: number | null }
  | { readonly refused: string; readonly stamp: number | null };

/** @param type in ROS 1 form, one of COMMAND_TYPES @param msg complete and of that type */
export function effortCommand(type: string, msg: Record<string, unknown>, joints: readonly string[]): EffortCommand {
  if (type === 'std_msgs/Float64MultiArray') {
    const effort = msg.data as number[];
    if (effort.length === joints.length) return { effort, stamp: null };
    return { refused: `data should have ${joints.length} numbers, found ${effort.length}`, stamp: null };
  }
  const { header, name, effort } = msg as unknown as { header: { stamp: unknown }; name: string[]; effort: number[] };
  const stamp = secondsOf(header.stamp) ?? null;
  if (effort.length !== name.length) {
    return { refused: `effort should have ${name.length} numbers, as name has, found ${effort.length}`, stamp };
  }
  const strangers = name.filter((joint) => !joints.includes(joint));
  if (strangers.length > 0) return { refused: `no joint named ${strangers.join(', ')}`, stamp };
  const places = joints.map((joint) => name.indexOf(joint));
  const missing = joints.filter((_, i) => places[i]! < 0);
  if (missing.length > 0) return { refused: `no effort for ${missing.join(', ')}`, stamp };
  if (name.length !== joints.length) return { refused: 'a joint is named twice', stamp };
  return { effort: places.map((place) => effort[place]!), stamp };
}
