/** A robot that takes velocities, of joints or of its base, and closes its own loop. Stopping is velocity 0: it brakes. */

import type { JointContract } from '../../core/contract.ts';
import type { JointCommand } from '../../core/robot.ts';
import { type CommandInterface, clearCommand } from './command-interface.ts';

export const velocity: CommandInterface = {
  name: 'velocity',
  kinds: ['velocity', 'twist'],
  drivesAll: true,
  carries: ['qd'],
  stopping: 'velocity 0',
  blindly: 'commands of velocity 0',
  holds: () => false,
  wanted: ({ qd }, _state, j) => qd[j]!,
  initial: () => 0,
  bounds: (joint) => (joint.velocity === null ? [-Infinity, Infinity] : [-joint.velocity, joint.velocity]),
  write(command, _wanted, limited, j, _joint, out) {
    out.qd[j] = limited;
    out.kd[j] = command.kd[j]!;
    out.q[j] = out.kp[j] = out.effort[j] = 0;
  },
  stop(_from, joints, out) {
    brake(joints, out);
  },
  blind(_last, joints, out) {
    brake(joints, out);
  },
};

function brake(joints: readonly JointContract[], out: JointCommand): void {
  clearCommand(out);
  for (let j = 0; j < joints.length; j++) out.kd[j] = joints[j]!.kd;
}
