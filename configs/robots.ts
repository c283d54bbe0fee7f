/**
 * The robots that commands know by name: where the URDF is, what ROS calls them, and the gains and limits that no URDF
 * holds. Data only.
 */

import type { RosContract, SafetyContract } from '../core/contract.ts';

export interface RobotConfig {
  readonly urdf: URL;
  /** By joint name: what moves it to its default position and damps it, N m/rad and N m s/rad. */
  readonly gains: Readonly<Record<string, { readonly kp: number; readonly kd: number }>>;
  readonly ros: RosContract;
  readonly safety: SafetyContract;
  /** States published per second by the simulated robot. */
  readonly stateRateHz: number;
}

/** Sources lie in the package's root, compiled files in `dist/`; the URDFs lie in the root only. */
const packageRoot = new URL(import.meta.url.endsWith('.ts') ? '../' : '../../', import.meta.url);

export const robots: Readonly<Record<string, RobotConfig>> = {
  pendulum: {
    urdf: new URL('configs/robots/pendulum.urdf', packageRoot),
    // Hanging is the default position and gravity (2.8 N m/rad) brings it there, so kp is small. kd 0.3 damps that
    // swing to 0.3 / (2 sqrt(2.81 * 0.143)) = 0.24 of critical and stays within 1 N m up to 3.3 rad/s.
    gains: { shoulder: { kp: 0.5, kd: 0.3 } },
    ros: {
      state: { topic: '/joint_states', type: 'sensor_msgs/msg/JointState' },
      command: { topic: '/effort_command', type: 'sensor_msgs/msg/JointState', mapping: 'joint-state-effort' },
      watchdog: { seconds: 0.1, by: 'landfall robot' },
    },
    // Twelve states; a loopback round trip takes 1 ms, one with Nagle's algorithm in the way 50 ms.
    safety: { stateAge: 0.05, roundTrip: 0.02, damping: 1 },
    // Every second physics step of the twin.
    stateRateHz: 250,
  },
};
