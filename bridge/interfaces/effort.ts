/**
 * A robot that takes efforts: this program closes the loop, tau = kp (q* - q) + kd (qd* - qd) + effort, at every state.
 * Stopping is damping; without a state to damp by, no effort.
 */

import { dampingCommand, effortOf } from '../../core/robot.ts';
import { type CommandInterface, clearCommand } from './command-interface.ts';

export const effort: CommandInterface = {
  name: 'effort',
  kinds: ['effort', 'position', 'velocity', 'twist'],
  drivesAll: false,
  carries: ['effort'],
  stopping: 'damping',
  blindly: 'commands of no effort',
  holds: ({ kp }) => kp > 0,
  wanted: effortOf,
  initial: () => 0,
  bounds: (joint) => [-joint.effort, joint.effort],
  write(_command, _wanted, limited, j, _joint, out) {
    out.effort[j] = limited;
    out.q[j] = out.qd[j] = out.kp[j] = out.kd[j] = 0;
  },
  stop(_from, joints, out) {
    dampingCommand(
      joints.map(({ kd }) => kd),
      out,
    );
  },
  blind(_last, _joints, out) {
    clearCommand(out);
  },
};
