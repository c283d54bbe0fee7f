/**
 * What is known of a robot beyond its URDF: how it is driven and sensed, how it stands, what ROS calls it, and the limits
 * of its safety. Data of each robot in a file of its name.
 */

import type { RosContract, SafetyContract } from '../../core/contract.ts';
import type { RobotSpec } from '../../sim/robot-spec.ts';

export interface RobotConfig {
  readonly urdf: URL;
  /** Whether the root link is bolted to the world or moves in it. */
  readonly base: 'fixed' | 'floating';
  /** Motors, sensors, and how good they are. */
  readonly spec: RobotSpec;
  /** By joint name: what moves it to its default position and damps it, N m/rad and N m s/rad (N/m, N s/m). */
  readonly gains: Readonly<Record<string, { readonly kp: number; readonly kd: number }>>;
  /** By joint name: where it rests, rad or m. */
  readonly defaultPose: Readonly<Record<string, number>>;
  /** Height of the root link's origin, in the default pose, when the robot stands on z = 0, m. Bolted robots: 0. */
  readonly spawn: { readonly z: number };
  /** By joint name: rotor inertia as the joint feels it, kg m2, which no URDF holds. @default 0 */
  readonly armature?: Readonly<Record<string, number>>;
  readonly ros: RosContract;
  readonly safety: SafetyContract;
  /** States published per second by the simulated robot. */
  readonly stateRateHz: number;
}

/** All but the place of the URDF, which only the registry knows. */
export type RobotSettings = Omit<RobotConfig, 'urdf'>;

/** A robot, checked by the compiler and frozen. */
export function defineRobot(robot: RobotConfig): RobotConfig {
  return Object.freeze(robot);
}
