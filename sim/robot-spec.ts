/**
 * What a simulation needs to know of a robot beyond its URDF: how its joints are driven, which sensors it carries and how
 * bad they are. Plain data: it crosses to worker threads. Knows no engine.
 */

import type { SensorSpec } from '../core/sensor.ts';

/** A multi-layer perceptron as numbers. */
export interface PerceptronWeights {
  /** Inputs, hidden sizes, outputs. */
  readonly layers: readonly number[];
  readonly activation: 'softsign' | 'tanh' | 'elu';
  /** W1 row-major [out, in], b1, W2, ... */
  readonly weights: readonly number[];
}

/** From the history of position error and velocity to torque. Layers: 2 * history (errors, then velocities), ..., 1. */
export interface ActuatorNetwork extends PerceptronWeights {
  /** Past readings in its input, newest first, and the time between them, s. */
  readonly history: number;
  readonly period: number;
  /** What stands in the errors' place: rad of a position drive, or the N m that a torque drive is asked for. @default error */
  readonly input?: 'error' | 'effort';
  /** The inputs' and the output's units: error / errorScale, velocity / velocityScale, torque = output * torqueScale. */
  readonly errorScale: number;
  readonly velocityScale: number;
  readonly torqueScale: number;
}

export type ActuatorKind =
  /** tau = kp (q* - q) + kd (qd* - qd) + effort, at every physics step. */
  | { readonly kind: 'pd' }
  /** The same, solved for the end of the physics step: stable for any gains. */
  | { readonly kind: 'implicit-pd' }
  /** As `pd`, within the torque-speed line from `stallTorque` (N m) to `noLoadSpeed` (rad/s) in each direction. */
  | { readonly kind: 'dc-motor'; readonly stallTorque: number; readonly noLoadSpeed: number }
  /** A drive that closes a loop on velocity: tau = gain (qd* - qd), N m s/rad. */
  | { readonly kind: 'velocity'; readonly gain: number }
  | { readonly kind: 'network'; readonly network: ActuatorNetwork }
  /**
   * A propeller. The command's effort is its thrust, N, along the joint's axis at the joint's origin; the air turns the link
   * by -thrust * torqueRatio (m) about the axis for a rotor that spins positively (`spin` 1). The joint itself does not turn
   * in the simulation. Thrust follows the command with `timeConstant`, s.
   */
  | { readonly kind: 'rotor'; readonly spin: 1 | -1; readonly torqueRatio: number; readonly timeConstant: number };

export type ActuatorSpec = ActuatorKind & {
  /** From command to torque beyond `Dynamics.latency`, s. @default 0 */
  readonly latency?: number;
  /** Play between motor and joint, rad: within it no torque passes. @default 0 */
  readonly backlash?: number;
};

/** How one kind of reading departs from the truth. Zeros are a perfect sensor. */
export interface SensorNoise {
  /** Standard deviation of white noise, in the reading's unit. */
  readonly noise?: number;
  /** Standard deviation of a bias drawn at reset, and of its drift over a second's root. */
  readonly bias?: number;
  readonly biasDrift?: number;
  /** Step of the digital reading. */
  readonly quantum?: number;
}

export interface SensorQuality {
  /** By part of the reading: `orientation` (rad), `gyro`, `accelerometer` of an IMU, `reading` of the others. */
  readonly parts?: Readonly<Record<string, SensorNoise>>;
  /** From measurement to reading, s. */
  readonly latency?: number;
  /** Share of readings that never arrive: the one before stays. For lidar and depth: share of rays without return. */
  readonly dropout?: number;
  /** Readings a second; null for one a control step. */
  readonly rateHz?: number | null;
}

export interface RobotSpec {
  /** By joint name; `pd` for those not named. */
  readonly actuators: Readonly<Record<string, ActuatorSpec>>;
  readonly sensors: readonly SensorSpec[];
  /** By sensor name, and `encoders` with the parts `position` and `velocity`; perfect for those not named. */
  readonly quality: Readonly<Record<string, SensorQuality>>;
  /** Whether the robot's links collide with one another (never with those they are jointed to). */
  readonly selfCollision: boolean;
}

/** Ideal motors, encoders alone. */
export const PLAIN_ROBOT: RobotSpec = { actuators: {}, sensors: [], quality: {}, selfCollision: false };
