/**
 * The robots that commands know by name: where the URDF is, what ROS calls them, and the gains and limits that no URDF
 * holds. Data only.
 */

import type { RosContract } from '../core/contract.ts';
import type { RobotGains } from '../sim/task-contract.ts';

export interface RobotConfig {
  readonly urdf: URL;
  /** By joint name. */
  readonly gains: Readonly<Record<string, RobotGains>>;
  readonly ros: RosContract;
  /** States published per second by the simulated robot. */
  readonly stateRateHz: number;
}

export const robots: Readonly<Record<string, RobotConfig>> = {
  pendulum: {
    urdf: new URL('./robots/pendulum.urdf', import.meta.url),
    // Hanging is the default position and gravity (2.8 N m/rad) brings it there, so kp is small. kd 0.3 damps that
    // swing to 0.3 / (2 sqrt(2.81 * 0.143)) = 0.24 of critical and stays within 1 N m up to 3.3 rad/s.
    gains: { shoulder: { kp: 0.5, kd: 0.3, defaultPosition: 0 } },
    ros: {
      state: { topic: '/joint_states', type: 'sensor_msgs/msg/JointState' },
      command: { topic: '/effort_command', type: 'sensor_msgs/msg/JointState', mapping: 'joint-state-effort' },
      watchdog: { seconds: 0.1, by: 'landfall robot' },
    },
    stateRateHz: 200,
  },
};
