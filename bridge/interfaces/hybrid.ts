/**
 * A robot whose drives take position, velocity and effort at once and close the loop with the contract's gains themselves:
 * tau = kp (q* - q) + kd (qd* - qd) + effort. The torque a command asks of the state at hand is brought within the joint's
 * effort by the feed-forward part. Stopping is damping, kp = 0 and qd* = 0, and needs no state: a robot on legs sinks. Between
 * episodes, when nothing is wrong, it is held where it is instead.
 */

import type { JointContract } from '../../core/contract.ts';
import { clamp } from '../../core/math.ts';
import { dampingCommand, type JointCommand } from '../../core/robot.ts';
import type { CommandInterface } from './command-interface.ts';

export const hybrid: CommandInterface = {
  name: 'hybrid',
  kinds: ['effort', 'position', 'velocity', 'twist'],
  drivesAll: false,
  carries: ['effort', 'q', 'qd'],
  stopping: 'damping',
  blindly: 'commands of damping by the drives',
  holds: ({ kp }) => kp > 0,
  wanted({ q, qd, effort, kp, kd }, state, j, joint) {
    const error = within(q[j]!, joint) - state.q[j]!;
    return kp[j]! * error + kd[j]! * (qd[j]! - state.qd[j]!) + effort[j]!;
  },
  initial: () => 0,
  bounds: (joint) => [-joint.effort, joint.effort],
  write(command, wanted, limited, j, joint, out) {
    out.q[j] = within(command.q[j]!, joint);
    out.qd[j] = command.qd[j]!;
    out.kp[j] = command.kp[j]!;
    out.kd[j] = command.kd[j]!;
    out.effort[j] = command.effort[j]! + (limited - wanted);
  },
  stop: (_from, joints, out) => damp(joints, out),
  pause({ q }, joints, out) {
    damp(joints, out);
    out.q.set(q);
    for (let j = 0; j < joints.length; j++) out.kp[j] = joints[j]!.kp;
  },
  blind: (_last, joints, out) => damp(joints, out),
};

function damp(joints: readonly JointContract[], out: JointCommand): void {
  dampingCommand(
    joints.map(({ kd }) => kd),
    out,
  );
}

function within(q: number, { position }: JointContract): number {
  return position === null ? q : clamp(q, position[0], position[1]);
}
