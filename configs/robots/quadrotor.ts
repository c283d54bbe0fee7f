/** A palm-sized quadrotor of the Crazyflie 2.0's measures: what its URDF does not say. Data only. */

import { IDENTITY_QUAT } from '../../core/rotation.ts';
import type { ActuatorSpec } from '../../sim/robot-spec.ts';
import type { RobotSettings } from './robot-config.ts';

/**
 * Torque over thrust 0.005964552 m: Foerster (2015), as in the robot's firmware. Time constant 0.15 s: J. Eschmann et al.,
 * "Learning to fly in seconds", RA-L 2024, whose policies flew this robot.
 */
const rotor = (spin: 1 | -1): ActuatorSpec => ({ kind: 'rotor', spin, torqueRatio: 0.005964552, timeConstant: 0.15 });

export const quadrotor: RobotSettings = {
  base: 'floating',
  spec: {
    // Numbered clockwise from the front right; 1 and 3 turn counter-clockwise seen from above.
    actuators: { rotor_1: rotor(1), rotor_2: rotor(-1), rotor_3: rotor(1), rotor_4: rotor(-1) },
    // Position and velocity come from motion capture: the state's base and twist.
    sensors: [{ kind: 'imu', name: 'imu', link: 'base_link', pose: { xyz: [0, 0, 0], quat: IDENTITY_QUAT } }],
    // MPU-9250 data sheet: 0.1 deg/s rms at 92 Hz, 8 mg rms at 94 Hz. Biases: what a calibration at rest leaves, and
    // orientation: motion capture fused with the gyro; this project's estimates.
    quality: {
      imu: {
        parts: {
          orientation: { noise: 0.003, bias: 0.005 },
          gyro: { noise: 0.00175, bias: 0.002, biasDrift: 0.0001 },
          accelerometer: { noise: 0.0785, bias: 0.05 },
        },
        latency: 0.002,
      },
    },
    selfCollision: false,
  },
  // A rotor holds no position and is not braked; thrust 0 is its rest.
  gains: {
    rotor_1: { kp: 0, kd: 0 },
    rotor_2: { kp: 0, kd: 0 },
    rotor_3: { kp: 0, kd: 0 },
    rotor_4: { kp: 0, kd: 0 },
  },
  defaultPose: { rotor_1: 0, rotor_2: 0, rotor_3: 0, rotor_4: 0 },
  // Half of its 29 mm.
  spawn: { z: 0.0145 },
  // On a real one (crazyswarm2, or MAVROS for a PX4 machine of the same kind):
  //   state    /cf/pose                                 geometry_msgs/msg/PoseStamped and /cf/twist TwistStamped
  //   imu      /cf/imu, /mavros/imu/data                sensor_msgs/msg/Imu
  //   command  /mavros/actuator_control                 mavros_msgs/msg/ActuatorControl, or one thrust a rotor:
  //            /motor_speed                             std_msgs/msg/Float64MultiArray
  ros: {
    // Rotors measure nothing: the pose sets the pace.
    state: { topic: '/odom', type: 'nav_msgs/msg/Odometry' },
    command: { topic: '/rotor_thrusts', type: 'std_msgs/msg/Float64MultiArray', mapping: 'thrust-array' },
    watchdog: { seconds: 0.1, by: 'landfall robot' },
  },
  safety: { stateAge: 0.05, roundTrip: 0.02, damping: 0.2 },
  stateRateHz: 250,
};
