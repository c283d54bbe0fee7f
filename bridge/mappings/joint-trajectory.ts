/**
 * Positions as trajectory_msgs/JointTrajectory with one point, for ros2_control's JointTrajectoryController: each replaces
 * the last one and is to be reached in one control period. The stamp is 0, which means "now": a controller drops a
 * trajectory whose stamp has passed. Without commands the robot holds the last position; its cmd_timeout is off by default.
 */

import { position } from '../interfaces/position.ts';
import { rosTime } from '../ros-names.ts';
import type { CommandMapping } from './mapping.ts';

export const jointTrajectory: CommandMapping = {
  type: 'trajectory_msgs/JointTrajectory',
  named: true,
  stamped: false,
  takes: position,
  needs: [],
  encode: ({ q }, _state, { joints, ros, period = 0 }) => ({
    header: { stamp: rosTime(0, ros), frame_id: '' },
    joint_names: joints.map((joint) => joint.name),
    points: [
      {
        positions: joints.map((joint, j) => joint.sign * q[j]!),
        velocities: [],
        accelerations: [],
        effort: [],
        time_from_start: rosTime(period, ros),
      },
    ],
  }),
};
