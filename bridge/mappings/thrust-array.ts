/** Thrust of each rotor, N, as std_msgs/Float64MultiArray in the order of the contract. Neither names nor stamp. */

import { thrust } from '../interfaces/thrust.ts';
import { arrayMessage, type CommandMapping } from './mapping.ts';

export const thrustArray: CommandMapping = {
  type: 'std_msgs/Float64MultiArray',
  named: false,
  stamped: false,
  takes: thrust,
  needs: [],
  // Thrust has no sign: it is along the joint's axis, or none.
  encode: ({ effort }) => arrayMessage([...effort]),
};
