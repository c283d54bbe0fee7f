/** Effort as sensor_msgs/JointState: stamped and named, so that the robot can refuse an old or foreign command. */

import { effortOf } from '../../core/robot.ts';
import { effort } from '../interfaces/effort.ts';
import { rosTime } from '../ros-names.ts';
import type { CommandMapping } from './mapping.ts';

export const jointStateEffort: CommandMapping = {
  type: 'sensor_msgs/JointState',
  named: true,
  stamped: true,
  takes: effort,
  needs: [],
  encode: (command, state, { joints, robotTime, ros }) => ({
    header: { stamp: rosTime(robotTime, ros), frame_id: '' },
    name: joints.map((joint) => joint.name),
    position: [],
    velocity: [],
    effort: joints.map((joint, j) => joint.sign * effortOf(command, state, j)),
  }),
};
