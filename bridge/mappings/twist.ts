/**
 * The motion of a base on two wheels as geometry_msgs/Twist or TwistStamped (cmd_vel of diff_drive_controller, TurtleBot3,
 * Nav2), from the speeds of its wheels: the contract's first joint is the left wheel, its second the right one.
 * Options: radius and separation of the wheels, m.
 */

import type { JointCommand } from '../../core/robot.ts';
import { velocity } from '../interfaces/velocity.ts';
import { rosTime } from '../ros-names.ts';
import type { CommandContext, CommandMapping, Message } from './mapping.ts';

const common = { named: false, takes: velocity, needs: ['radius', 'separation'] } as const;

export const twist: CommandMapping = {
  ...common,
  type: 'geometry_msgs/Twist',
  stamped: false,
  encode: (command, _state, context) => baseTwist(command, context),
};

export const twistStamped: CommandMapping = {
  ...common,
  type: 'geometry_msgs/TwistStamped',
  stamped: true,
  encode: (command, _state, context) => ({
    header: { stamp: rosTime(context.robotTime, context.ros), frame_id: 'base_link' },
    twist: baseTwist(command, context),
  }),
};

function baseTwist({ qd }: JointCommand, { options = {} }: CommandContext): Message {
  const [radius, separation] = [options.radius ?? NaN, options.separation ?? NaN];
  const [left, right] = [qd[0]!, qd[1]!];
  // v = r (w_l + w_r) / 2, w = r (w_r - w_l) / d: of the base, so the signs of the joints play no part
  return {
    linear: { x: (radius * (left + right)) / 2, y: 0, z: 0 },
    angular: { x: 0, y: 0, z: (radius * (right - left)) / separation },
  };
}
