/**
 * A robot that takes the thrust of each rotor. Stopping is no thrust: on the ground that is rest, in the air it is a fall.
 * No policy-free command keeps an aircraft up through this interface; whoever flies gives it a controller of its own that
 * takes over when commands stop, or a net and a tether.
 */

import { type CommandInterface, clearCommand } from './command-interface.ts';

export const thrust: CommandInterface = {
  name: 'thrust',
  kinds: ['effort'],
  drivesAll: true,
  carries: ['effort'],
  stopping: 'no thrust',
  blindly: 'commands of no thrust',
  hazard: 'every stop and every end of an episode cuts the motors: in the air it falls',
  holds: () => false,
  wanted: ({ effort }, _state, j) => effort[j]!,
  initial: () => 0,
  bounds: (joint) => [0, joint.effort],
  write(_command, _wanted, limited, j, _joint, out) {
    out.effort[j] = limited;
    out.q[j] = out.qd[j] = out.kp[j] = out.kd[j] = 0;
  },
  stop(_from, _joints, out) {
    clearCommand(out);
  },
  blind(_last, _joints, out) {
    clearCommand(out);
  },
};
