/**
 * Positions as std_msgs/Float64MultiArray, for ros2_control's position_controllers/JointGroupPositionController and
 * forward_command_controller. No names, no stamp, no watchdog: without commands the robot holds the last position.
 */

import { position } from '../interfaces/position.ts';
import { arrayMessage, type CommandMapping } from './mapping.ts';

export const positionArray: CommandMapping = {
  type: 'std_msgs/Float64MultiArray',
  named: false,
  stamped: false,
  takes: position,
  needs: [],
  encode: ({ q }, _state, { joints }) => arrayMessage(joints.map((joint, j) => joint.sign * q[j]!)),
};
