/**
 * The hybrid command of legged robots' drives (q, dq, tau of Unitree's LowCmd) as sensor_msgs/JointState, named and stamped.
 * The message has no place for gains: the robot's side, a relay that fills LowCmd and its checksum, has the contract's kp
 * and kd. As the message defines it an empty array is "not given": no `position` means kp = 0, no `velocity` kd = 0. So
 * damping is velocity 0 without position, and a pure effort has neither.
 */

import { hybrid } from '../interfaces/hybrid.ts';
import { rosTime } from '../ros-names.ts';
import type { CommandMapping } from './mapping.ts';

export const jointStatePd: CommandMapping = {
  type: 'sensor_msgs/JointState',
  named: true,
  stamped: true,
  takes: hybrid,
  needs: [],
  encode: ({ q, qd, effort, kp, kd }, state, { joints, robotTime, ros }) => {
    // Among joints that do have gains one without asks for nothing: its own position and velocity.
    const position = joints.map((joint, j) => joint.sign * (kp[j]! > 0 ? q[j]! : state.q[j]!));
    const velocity = joints.map((joint, j) => joint.sign * (kd[j]! > 0 ? qd[j]! : state.qd[j]!));
    return {
      header: { stamp: rosTime(robotTime, ros), frame_id: '' },
      name: joints.map((joint) => joint.name),
      position: kp.some((gain) => gain > 0) ? position : [],
      velocity: kd.some((gain) => gain > 0) ? velocity : [],
      effort: joints.map((joint, j) => joint.sign * effort[j]!),
    };
  },
};
