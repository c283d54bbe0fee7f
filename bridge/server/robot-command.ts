/**
 * Reads the messages of every command mapping as the robot's own controllers would: positions and velocities are followed
 * with the robot's gains. Joints are matched by name where the message has names. Knows no socket.
 */

import type { JointCommand } from '../../core/robot.ts';
import { type EffortCommand, effortCommand } from './joint-messages.ts';
import { secondsOf } from './message-types.ts';

/** What the robot's controllers know. */
export interface Controllers {
  readonly joints: readonly string[];
  /** N m/rad and N m s/rad, [nJoints]. */
  readonly kp: ArrayLike<number>;
  readonly kd: ArrayLike<number>;
  /** Of the command's mapping. */
  readonly options: Readonly<Record<string, number>>;
}

/** What came, in the part of a command that it is about, or why it makes no sense. */
export type ReadCommand = {
  /** null where the message type has none. */
  readonly stamp: number | null;
  readonly refused?: string;
  readonly effort?: readonly number[];
  readonly q?: readonly number[];
  readonly qd?: readonly number[];
};

type Decoder = (type: string, msg: Record<string, unknown>, controllers: Controllers) => ReadCommand;

const array =
  (part: 'effort' | 'q' | 'qd'): Decoder =>
  (_type, msg, { joints }) => {
    const data = msg.data as number[];
    if (data.length === joints.length) return { stamp: null, [part]: data };
    return { stamp: null, refused: `data should have ${joints.length} numbers, found ${data.length}` };
  };

const effort: Decoder = (type, msg, { joints }) => effortCommand(type, msg, joints) as EffortCommand;

const twist: Decoder = (type, msg, { options }) => {
  const stamped = type === 'geometry_msgs/TwistStamped';
  const stamp = stamped ? (secondsOf((msg.header as { stamp: unknown }).stamp) ?? null) : null;
  const { linear, angular } = (stamped ? msg.twist : msg) as Record<'linear' | 'angular', Record<string, number>>;
  const half = (angular!.z! * options.separation!) / 2;
  // (v -+ w d / 2) / r, left then right
  return { stamp, qd: [(linear!.x! - half) / options.radius!, (linear!.x! + half) / options.radius!] };
};

const trajectory: Decoder = (_type, msg, { joints }) => {
  const { joint_names, points } = msg as unknown as { joint_names: string[]; points: { positions: number[] }[] };
  const positions = points[0]?.positions ?? [];
  const read = effortCommand('sensor_msgs/JointState', { ...msg, name: joint_names, effort: positions }, joints);
  // A stamp of 0 is "now".
  return 'refused' in read ? { stamp: null, refused: read.refused } : { stamp: null, q: read.effort };
};

const pd: Decoder = (type, msg, { joints }) => {
  const part = (name: 'position' | 'velocity' | 'effort') =>
    effortCommand(type, { ...msg, effort: msg[name] as number[] }, joints);
  const read = { effort: part('effort'), q: part('position'), qd: part('velocity') };
  const { stamp } = read.effort;
  const given = (values: unknown) => (values as number[]).length > 0;
  if ('refused' in read.effort) return read.effort;
  if (given(msg.position) && 'refused' in read.q) return read.q;
  if (given(msg.velocity) && 'refused' in read.qd) return read.qd;
  return {
    stamp,
    effort: read.effort.effort,
    ...('effort' in read.q && { q: read.q.effort }),
    ...('effort' in read.qd && { qd: read.qd.effort }),
  };
};

const decoders: Readonly<Record<string, Decoder>> = {
  'joint-state-effort': effort,
  'effort-array': array('effort'),
  'thrust-array': array('effort'),
  'position-array': array('q'),
  'velocity-array': array('qd'),
  'joint-trajectory': trajectory,
  'joint-state-pd': pd,
  twist,
  'twist-stamped': twist,
};

/** @param mapping one of bridge/mappings/ @param type of the topic in ROS 1 form @param msg complete and of that type */
export function readCommand(
  mapping: string,
  type: string,
  msg: Record<string, unknown>,
  controllers: Controllers,
): ReadCommand {
  return decoders[mapping]!(type, msg, controllers);
}

/** The joint command of what came, as the robot's controllers carry it out. */
export function fillCommand({ effort, q, qd }: ReadCommand, { kp, kd, joints }: Controllers, out: JointCommand): void {
  for (let j = 0; j < joints.length; j++) {
    out.effort[j] = effort?.[j] ?? 0;
    out.q[j] = q?.[j] ?? 0;
    out.qd[j] = qd?.[j] ?? 0;
    out.kp[j] = q === undefined ? 0 : kp[j]!;
    out.kd[j] = q === undefined && qd === undefined ? 0 : kd[j]!;
  }
}
