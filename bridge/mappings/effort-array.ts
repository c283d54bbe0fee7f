/**
 * Effort as std_msgs/Float64MultiArray, for ros2_control's forward_command_controller. It has no names: the joints'
 * order is that of the controller's configuration. It has no stamp and that controller has no watchdog.
 */

import { effortOf } from '../../core/robot.ts';
import { effort } from '../interfaces/effort.ts';
import { arrayMessage, type CommandMapping } from './mapping.ts';

export const effortArray: CommandMapping = {
  type: 'std_msgs/Float64MultiArray',
  named: false,
  stamped: false,
  takes: effort,
  needs: [],
  encode: (command, state, { joints }) =>
    arrayMessage(joints.map((joint, j) => joint.sign * effortOf(command, state, j))),
};
