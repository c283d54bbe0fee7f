/** A differential-drive rover of the TurtleBot3 Burger's measures: what its URDF does not say. Data only. */

import { IDENTITY_QUAT } from '../../core/rotation.ts';
import type { RobotSettings } from './robot-config.ts';

export const rover: RobotSettings = {
  base: 'floating',
  spec: {
    // The servo's own velocity loop. The gain lets a caster that slides instead of rolling (3 N) slow a wheel by 0.5 rad/s;
    // half the robot at a wheel's rim, 5.5e-4 kg m2, follows within 10 ms.
    actuators: {
      wheel_left_joint: { kind: 'velocity', gain: 0.1 },
      wheel_right_joint: { kind: 'velocity', gain: 0.1 },
    },
    sensors: [
      // LDS-01: 0.12 to 3.5 m, one beam a degree from straight ahead, counter-clockwise.
      {
        kind: 'lidar',
        name: 'scan',
        link: 'base_scan',
        pose: { xyz: [0, 0, 0], quat: IDENTITY_QUAT },
        beams: 360,
        from: 0,
        to: (359 * Math.PI) / 180,
        minRange: 0.12,
        maxRange: 3.5,
      },
      { kind: 'imu', name: 'imu', link: 'base_link', pose: { xyz: [-0.032, 0, 0.068], quat: IDENTITY_QUAT } },
    ],
    quality: {
      // XL430-W250: 4096 steps a turn; velocity in steps of 0.229 rev/min.
      encoders: { parts: { position: { quantum: 0.0015339807878856412 }, velocity: { quantum: 0.02398 } } },
      // LDS-01: precision +-10 mm up to 0.5 m, 300 rev/min; a beam is half a turn old on average. Lost rays: an estimate.
      scan: { parts: { reading: { noise: 0.01 } }, latency: 0.1, dropout: 0.01, rateHz: 5 },
      // MPU-9250 data sheet: 0.1 deg/s rms at 92 Hz, 8 mg rms at 94 Hz. Biases: what a calibration at rest leaves, and
      // orientation: its filter's error; this project's estimates.
      imu: {
        parts: {
          orientation: { noise: 0.002, bias: 0.01 },
          gyro: { noise: 0.00175, bias: 0.002, biasDrift: 0.0001 },
          accelerometer: { noise: 0.0785, bias: 0.05 },
        },
        rateHz: 100,
      },
    },
    selfCollision: false,
  },
  // Wheels have no default position: they are braked.
  gains: { wheel_left_joint: { kp: 0, kd: 0.1 }, wheel_right_joint: { kp: 0, kd: 0.1 } },
  defaultPose: { wheel_left_joint: 0, wheel_right_joint: 0 },
  spawn: { z: 0.01 },
  // The servo's rotor behind its gear of 258.5 : 1. The rotor is not published; 7.5e-9 kg m2 is a coreless motor of its size.
  armature: { wheel_left_joint: 0.0005, wheel_right_joint: 0.0005 },
  // On a real TurtleBot3 (turtlebot3_node):
  //   state    /joint_states   sensor_msgs/msg/JointState; base pose and twist: /odom   nav_msgs/msg/Odometry
  //   scan     /scan           sensor_msgs/msg/LaserScan, 5 Hz
  //   imu      /imu            sensor_msgs/msg/Imu
  //   command  /cmd_vel        geometry_msgs/msg/Twist (TwistStamped from Jazzy on); wheels +-0.22 m/s, radius 0.033 m,
  //                            separation 0.160 m
  ros: {
    state: { topic: '/joint_states', type: 'sensor_msgs/msg/JointState' },
    command: {
      topic: '/cmd_vel',
      type: 'geometry_msgs/msg/Twist',
      mapping: 'twist',
      options: { radius: 0.033, separation: 0.16 },
    },
    watchdog: { seconds: 0.1, by: 'landfall robot' },
  },
  // Two and a half control steps of 10 Hz: at 0.22 m/s it goes 5 cm meanwhile.
  safety: { stateAge: 0.25, roundTrip: 0.05, damping: 1 },
  stateRateHz: 100,
};
