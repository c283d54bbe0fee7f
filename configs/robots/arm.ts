/** A six-axis arm of the UR5e's measures with a pusher: what its URDF does not say. Data only. */

import type { RobotSettings } from './robot-config.ts';

const stiff = { kind: 'implicit-pd' } as const;

export const arm: RobotSettings = {
  base: 'fixed',
  spec: {
    // The robot closes its position loop itself at 500 Hz, without visible ringing: PD solved for the end of the step.
    actuators: {
      shoulder_pan_joint: stiff,
      shoulder_lift_joint: stiff,
      elbow_joint: stiff,
      wrist_1_joint: stiff,
      wrist_2_joint: stiff,
      wrist_3_joint: stiff,
    },
    sensors: [],
    quality: {
      // UR5e data sheet: pose repeatability 0.03 mm, which at 0.85 m reach is 3.5e-5 rad. Velocity: this project's estimate.
      encoders: { parts: { position: { noise: 0.00004 }, velocity: { noise: 0.002 } } },
    },
    // The shapes of neighbouring wrist links are fatter than the links.
    selfCollision: false,
  },
  // kp = J w^2, kd = 2 J w at w = 2 pi 3.6 Hz. Shoulder and elbow: J 3.8 kg m2 (stretched arm about the shoulder) gives 2000
  // and 170; gravity, 60 N m at worst, then bends it by 0.03 rad. Wrists: J 0.1 kg m2, their motors', at 11 Hz, gives 500 and 14.
  gains: {
    shoulder_pan_joint: { kp: 2000, kd: 170 },
    shoulder_lift_joint: { kp: 2000, kd: 170 },
    elbow_joint: { kp: 2000, kd: 170 },
    wrist_1_joint: { kp: 500, kd: 14 },
    wrist_2_joint: { kp: 500, kd: 14 },
    wrist_3_joint: { kp: 500, kd: 14 },
  },
  // The pusher points straight down, its ball at (0.45, 0, 0.12).
  defaultPose: {
    shoulder_pan_joint: -0.3007,
    shoulder_lift_joint: -1.5106,
    elbow_joint: 2.1923,
    wrist_1_joint: -2.2525,
    wrist_2_joint: -1.5708,
    wrist_3_joint: 1.2701,
  },
  spawn: { z: 0 },
  // The motors behind their gears, about 101 : 1. Not published; 0.1 kg m2 is what MuJoCo Menagerie gives the UR5e.
  armature: {
    shoulder_pan_joint: 0.1,
    shoulder_lift_joint: 0.1,
    elbow_joint: 0.1,
    wrist_1_joint: 0.1,
    wrist_2_joint: 0.1,
    wrist_3_joint: 0.1,
  },
  // On a real UR (ur_robot_driver):
  //   state    /joint_states                                          sensor_msgs/msg/JointState, 500 Hz
  //   command  /scaled_joint_trajectory_controller/joint_trajectory   trajectory_msgs/msg/JointTrajectory, or
  //            /forward_position_controller/commands                  std_msgs/msg/Float64MultiArray, joints in order
  ros: {
    state: { topic: '/joint_states', type: 'sensor_msgs/msg/JointState' },
    command: {
      topic: '/forward_position_controller/commands',
      type: 'std_msgs/msg/Float64MultiArray',
      mapping: 'position-array',
    },
    watchdog: { seconds: 0.1, by: 'landfall robot' },
  },
  // Two and a half control steps of 25 Hz.
  safety: { stateAge: 0.1, roundTrip: 0.02, damping: 1 },
  stateRateHz: 250,
};
