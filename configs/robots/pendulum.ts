/** The torque-limited simple pendulum: what its URDF does not say. Data only. */

import type { RobotSettings } from './robot-config.ts';

export const pendulum: RobotSettings = {
  base: 'fixed',
  spec: { actuators: {}, sensors: [], quality: {}, selfCollision: false },
  // Hanging is the default position and gravity (2.8 N m/rad) brings it there, so kp is small. kd 0.3 damps that
  // swing to 0.3 / (2 sqrt(2.81 * 0.143)) = 0.24 of critical and stays within 1 N m up to 3.3 rad/s.
  gains: { shoulder: { kp: 0.5, kd: 0.3 } },
  defaultPose: { shoulder: 0 },
  spawn: { z: 0 },
  ros: {
    state: { topic: '/joint_states', type: 'sensor_msgs/msg/JointState' },
    command: { topic: '/effort_command', type: 'sensor_msgs/msg/JointState', mapping: 'joint-state-effort' },
    watchdog: { seconds: 0.1, by: 'landfall robot' },
  },
  // Twelve states; a loopback round trip takes 1 ms, one with Nagle's algorithm in the way 50 ms.
  safety: { stateAge: 0.05, roundTrip: 0.02, damping: 1 },
  // Every second physics step of the twin.
  stateRateHz: 250,
};
