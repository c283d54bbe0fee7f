/** The cart-pole of Barto, Sutton and Anderson (1983): what its URDF does not say. Data only. */

import type { RobotSettings } from './robot-config.ts';

export const cartpole: RobotSettings = {
  base: 'fixed',
  spec: {
    // The hinge has no motor: no gains, and nothing commands it.
    actuators: {},
    sensors: [],
    // This project's estimates, 1 mm and 1 mrad; the paper's sensors are perfect.
    quality: { encoders: { parts: { position: { noise: 0.001 }, velocity: { noise: 0.02 } } } },
    selfCollision: false,
  },
  // The cart, 1.1 kg with its pole: kd = 2 sqrt(20 * 1.1) = 9.4 N s/m is critical damping.
  gains: { slider: { kp: 20, kd: 9 }, hinge: { kp: 0, kd: 0 } },
  defaultPose: { slider: 0, hinge: 0 },
  spawn: { z: 0 },
  // As ros2_control's joint_state_broadcaster and a JointGroupEffortController with the joint [slider]:
  //   state    /joint_states                   sensor_msgs/msg/JointState
  //   command  /effort_controller/commands     std_msgs/msg/Float64MultiArray
  ros: {
    state: { topic: '/joint_states', type: 'sensor_msgs/msg/JointState' },
    command: { topic: '/effort_command', type: 'sensor_msgs/msg/JointState', mapping: 'joint-state-effort' },
    watchdog: { seconds: 0.1, by: 'landfall robot' },
  },
  safety: { stateAge: 0.05, roundTrip: 0.02, damping: 1 },
  stateRateHz: 250,
};
