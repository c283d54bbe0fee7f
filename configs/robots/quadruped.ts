/** A quadruped of the Unitree A1's measures: what its URDF does not say. Data only. */

import { IDENTITY_QUAT } from '../../core/rotation.ts';
import type { ActuatorSpec } from '../../sim/robot-spec.ts';
import type { RobotSettings } from './robot-config.ts';

/** In the order of Unitree's motors. */
const LEGS = ['FR', 'FL', 'RR', 'RL'] as const;
const JOINTS = LEGS.flatMap((leg) => [`${leg}_hip`, `${leg}_thigh`, `${leg}_calf`]);

const everyJoint = <T>(value: T): Record<string, T> => Object.fromEntries(JOINTS.map((joint) => [joint, value]));

/** Unitree: 33.5 N m, 21 rad/s, the same motor in every joint; taken as the ends of its torque-speed line. */
const motor: ActuatorSpec = { kind: 'dc-motor', stallTorque: 33.5, noLoadSpeed: 21 };

export const quadruped: RobotSettings = {
  base: 'floating',
  spec: {
    actuators: everyJoint(motor),
    sensors: [
      { kind: 'imu', name: 'imu', link: 'trunk', pose: { xyz: [0, 0, 0], quat: IDENTITY_QUAT } },
      { kind: 'contact', name: 'feet', links: LEGS.map((leg) => `${leg}_foot`), threshold: 1 },
    ],
    // What policies for this robot are trained with (N. Rudin et al., "Learning to walk in minutes", CoRL 2021, legged_gym):
    // uniform +-0.01 rad, +-1.5 rad/s, +-0.2 rad/s of gyro, +-0.05 of gravity's direction. Standard deviations are these over
    // sqrt 3. They cover biases. Accelerometer and latency: this project's estimates, vibration included.
    quality: {
      encoders: { parts: { position: { noise: 0.0058 }, velocity: { noise: 0.87 } } },
      imu: {
        parts: { orientation: { noise: 0.029 }, gyro: { noise: 0.115 }, accelerometer: { noise: 0.3 } },
        latency: 0.002,
      },
    },
    selfCollision: false,
  },
  // What this robot's policies and Unitree's own examples stand with: kp 20 to 30, kd 0.5.
  gains: everyJoint({ kp: 25, kd: 0.5 }),
  defaultPose: Object.fromEntries(
    LEGS.flatMap((leg) => [
      [`${leg}_hip`, 0],
      [`${leg}_thigh`, 0.8],
      [`${leg}_calf`, -1.5],
    ]),
  ),
  // 0.2 cos 0.8 + 0.2 cos 0.7 + the foot's 0.02 m
  spawn: { z: 0.3123 },
  // On a real A1 or Go1 (unitree_ros2 and its successors), motors by index FR, FL, RR, RL x hip, thigh, calf:
  //   state    /lowstate   unitree_go/msg/LowState: motor_state[].q, .dq, .tau_est; imu_state; foot_force (feet)
  //   command  /lowcmd     unitree_go/msg/LowCmd: motor_cmd[].q, .dq, .tau, .kp, .kd, which is a hybrid joint command
  ros: {
    state: { topic: '/joint_states', type: 'sensor_msgs/msg/JointState' },
    command: { topic: '/joint_commands', type: 'sensor_msgs/msg/JointState', mapping: 'joint-state-pd' },
    watchdog: { seconds: 0.1, by: 'landfall robot' },
  },
  safety: { stateAge: 0.05, roundTrip: 0.02, damping: 1 },
  stateRateHz: 250,
};
