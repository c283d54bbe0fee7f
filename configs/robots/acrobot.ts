/** The acrobot, the double pendulum whose elbow is driven: what its URDF does not say. Data only. */

import type { RobotSettings } from './robot-config.ts';

export const acrobot: RobotSettings = {
  base: 'fixed',
  spec: {
    actuators: {},
    sensors: [],
    // The real one's readings are 25 rad / 65535 apart. Velocities at rest step by 0.03 to 0.1 rad/s in its recordings.
    quality: {
      encoders: { parts: { position: { quantum: 0.00038148 }, velocity: { noise: 0.05 } } },
    },
    selfCollision: false,
  },
  // The elbow to straight, against 1.8 N m/rad of gravity on its link; kd 0.3 is 0.3 / (2 sqrt(2.8 * 0.0575)) = 0.37 of
  // critical, its inertia with the rotor's 0.0575 kg m2. The shoulder has no motor: it swings out.
  gains: { shoulder: { kp: 0, kd: 0 }, elbow: { kp: 1, kd: 0.3 } },
  defaultPose: { shoulder: 0, elbow: 0 },
  spawn: { z: 0 },
  // Both motors are there on the real one, the free joint's turning along: rotor 9.937e-5 kg m2, gear 6, squared.
  armature: { shoulder: 0.003577, elbow: 0.003577 },
  // As ros2_control's joint_state_broadcaster and a JointGroupEffortController with the joint [elbow]:
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
