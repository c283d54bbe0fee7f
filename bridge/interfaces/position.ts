/**
 * A robot that takes positions and closes its own loop. It cannot be damped through this interface: stopping is holding the
 * position measured when the stop began; without a state, the one sent last. Targets change no faster than the joint may.
 */

import { type CommandInterface, clearCommand } from './command-interface.ts';

export const position: CommandInterface = {
  name: 'position',
  kinds: ['position'],
  drivesAll: true,
  carries: ['q'],
  stopping: 'hold of the measured position',
  blindly: 'commands to hold the last target',
  holds: () => true,
  wanted: ({ q }, _state, j) => q[j]!,
  initial: ({ q }, j) => q[j]!,
  bounds: (joint) => joint.position ?? [-Infinity, Infinity],
  write(command, _wanted, limited, j, _joint, out) {
    out.q[j] = limited;
    out.kp[j] = command.kp[j]!;
    out.kd[j] = command.kd[j]!;
    out.qd[j] = out.effort[j] = 0;
  },
  stop({ q }, joints, out) {
    clearCommand(out);
    for (let j = 0; j < joints.length; j++) {
      out.q[j] = q[j]!;
      out.kp[j] = joints[j]!.kp;
      out.kd[j] = joints[j]!.kd;
    }
  },
  blind(last, joints, out) {
    clearCommand(out);
    for (let j = 0; j < joints.length; j++) {
      out.q[j] = last.q[j]!;
      out.kp[j] = joints[j]!.kp;
      out.kd[j] = joints[j]!.kd;
    }
  },
};
