/**
 * Velocities as std_msgs/Float64MultiArray, for ros2_control's velocity_controllers/JointGroupVelocityController and
 * forward_command_controller. No names, no stamp, no watchdog: without commands the robot keeps the last velocity.
 */

import { velocity } from '../interfaces/velocity.ts';
import { arrayMessage, type CommandMapping } from './mapping.ts';

export const velocityArray: CommandMapping = {
  type: 'std_msgs/Float64MultiArray',
  named: false,
  stamped: false,
  takes: velocity,
  needs: [],
  encode: ({ qd }, _state, { joints }) => arrayMessage(joints.map((joint, j) => joint.sign * qd[j]!)),
};
