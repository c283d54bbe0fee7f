/**
 * The physical parameters that a simulated robot can be given, that randomisation samples and identification fits.
 * One value per joint (or the link it moves), in the order of `RobotModel.dof`. Knows no engine.
 */

import type { RobotModel } from '../core/robot-model.ts';

/** Per-joint arrays are [nJoints]. Scales multiply the URDF's value; the rest replace it. */
export interface Dynamics {
  /** Scale of the moved link's mass and rotational inertia [-]. */
  massScale: number[];
  /** Scale of the distance from the joint to the moved link's centre of mass [-]. */
  comScale: number[];
  /** Reflected rotor inertia added about the joint's axis, kg m2. */
  armature: number[];
  /** Viscous friction, N m s/rad. */
  damping: number[];
  /** Coulomb friction, N m. */
  friction: number[];
  /** Delivered over commanded torque [-]. */
  torqueScale: number[];
  /** Torque the motor adds to every command, N m. */
  torqueOffset: number[];
  /** Largest torque the motor delivers, N m. */
  torqueLimit: number[];
  /** Scales of the gains that a command asks for [-]. */
  kpScale: number[];
  kdScale: number[];
  /** What the position encoder adds to the joint's angle, for the drive and for whoever observes, rad. */
  encoderBias: number[];
  /** From command to torque, s. Need not be a multiple of the physics step. */
  latency: number;
  /** m/s2, along -z. */
  gravity: number;
  /** Standard deviation of the encoders' position and velocity noise, rad and rad/s. */
  positionNoise: number;
  velocityNoise: number;
  /** Coulomb friction coefficient between the robot and what it touches [-]. */
  contactFriction: number;
  /** Speed after over speed before an impact [-]. */
  restitution: number;
  /** Mass added to the base link at its centre of mass, kg. */
  payload: number;
  /** Scale of the base link's mass and rotational inertia [-]. */
  baseMassScale: number;
  /** Offset of the base link's centre of mass along the base link's axes, m. */
  comX: number;
  comY: number;
  comZ: number;
  /** Turn of the IMU's real mount against the modelled one (roll, pitch, yaw as URDF's), rad. */
  imuRoll: number;
  imuPitch: number;
  imuYaw: number;
  /** Added to the latency of every sensor, s. */
  sensorLatency: number;
  /**
   * Perturbations of sim/pseudo-inertia.ts, [(1 + nJoints) * 10]: the base link's, then those of the links that the joints
   * move, each along its own link's axes. Absent: all 0.
   */
  pseudoInertia?: number[];
}

/** The parameters the URDF and the model stand for: no latency, no noise, an ideal motor. */
export function nominalDynamics(model: RobotModel): Dynamics {
  const joints = model.dof.map((j) => model.joints[j]!);
  const constant = (value: number) => joints.map(() => value);
  return {
    massScale: constant(1),
    comScale: constant(1),
    armature: constant(0),
    damping: joints.map((joint) => joint.damping),
    friction: joints.map((joint) => joint.friction),
    torqueScale: constant(1),
    torqueOffset: constant(0),
    torqueLimit: joints.map((joint) => joint.effort),
    kpScale: constant(1),
    kdScale: constant(1),
    encoderBias: constant(0),
    latency: 0,
    gravity: 9.81,
    positionNoise: 0,
    velocityNoise: 0,
    contactFriction: 0.8,
    restitution: 0,
    payload: 0,
    baseMassScale: 1,
    comX: 0,
    comY: 0,
    comZ: 0,
    imuRoll: 0,
    imuPitch: 0,
    imuYaw: 0,
    sensorLatency: 0,
  };
}

export function cloneDynamics(dynamics: Dynamics): Dynamics {
  return structuredClone(dynamics);
}

export const perJointParameters = [
  'massScale',
  'comScale',
  'armature',
  'damping',
  'friction',
  'torqueScale',
  'torqueOffset',
  'torqueLimit',
  'kpScale',
  'kdScale',
  'encoderBias',
] as const satisfies readonly (keyof Dynamics)[];

export const scalarParameters = [
  'latency',
  'gravity',
  'positionNoise',
  'velocityNoise',
  'contactFriction',
  'restitution',
  'payload',
  'baseMassScale',
  'comX',
  'comY',
  'comZ',
  'imuRoll',
  'imuPitch',
  'imuYaw',
  'sensorLatency',
] as const satisfies readonly (keyof Dynamics)[];

export type PerJointParameter = (typeof perJointParameters)[number];
export type ScalarParameter = (typeof scalarParameters)[number];
export type DynamicsParameter = PerJointParameter | ScalarParameter;

export const parameterUnits: Readonly<Record<DynamicsParameter, string>> = {
  massScale: '1',
  comScale: '1',
  armature: 'kg m2',
  damping: 'N m s/rad',
  friction: 'N m',
  torqueScale: '1',
  torqueOffset: 'N m',
  torqueLimit: 'N m',
  kpScale: '1',
  kdScale: '1',
  encoderBias: 'rad',
  latency: 's',
  gravity: 'm/s2',
  positionNoise: 'rad',
  velocityNoise: 'rad/s',
  contactFriction: '1',
  restitution: '1',
  payload: 'kg',
  baseMassScale: '1',
  comX: 'm',
  comY: 'm',
  comZ: 'm',
  imuRoll: 'rad',
  imuPitch: 'rad',
  imuYaw: 'rad',
  sensorLatency: 's',
};
