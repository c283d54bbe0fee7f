/**
 * nav_msgs/Odometry: pose of the base in the frame of the header, twist along the axes of the child frame (REP 105, the
 * message's own definition). The reading is what RobotState holds: base [7], then twist [6] with its linear part turned
 * into the world's axes. The origin of the world is the odometry's.
 */

import { quatRotate } from '../../core/rotation.ts';
import { describe, fieldsOf, readRotation, readVector, type SensorReader } from './reader.ts';

export const BASE = { pose: 0, twist: 7, size: 13 } as const;

export const odometry: SensorReader = {
  type: 'nav_msgs/Odometry',
  stamped: true,
  read(message, out) {
    const { pose, twist } = fieldsOf(message);
    const at = fieldsOf(fieldsOf(pose).pose);
    const moving = fieldsOf(fieldsOf(twist).twist);
    if (at.position === undefined || at.orientation === undefined || moving.linear === undefined) {
      return `expected a nav_msgs/Odometry, found ${describe(message)}`;
    }
    readVector(at.position, out, 0);
    const wrong = readRotation(at.orientation, out, 3);
    readVector(moving.linear, out, BASE.twist);
    readVector(moving.angular, out, BASE.twist + 3);
    const linear = out.subarray(BASE.twist, BASE.twist + 3);
    // v_world = R v_child
    quatRotate(out.subarray(3, 7), linear, linear);
    return wrong;
  },
};
