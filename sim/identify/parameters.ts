/**
 * Which parameters of `Dynamics` are fitted, within what range, and how a search vector becomes a `Dynamics`. Masses and
 * the motor's strength enter the equation of motion only as ratios, so by default torque is believed and masses are fitted.
 * Knows no simulator.
 */

import { exp, log } from '../../core/math.ts';
import { cloneDynamics, type Dynamics, perJointParameters } from '../dynamics.ts';

/** In the order in which a parameter is given up when two cannot be told apart, last first. */
export const fittable = [
  'massScale',
  'comScale',
  'friction',
  'damping',
  'torqueOffset',
  'latency',
  'armature',
  'torqueScale',
] as const;

export type FittableName = (typeof fittable)[number];

export const defaultFitted: readonly FittableName[] = [
  'massScale',
  'comScale',
  'friction',
  'damping',
  'torqueOffset',
  'latency',
];

/**
 * How a search coordinate u maps to the value: `log`: exp(u); `log1p`: floor * (exp(u) - 1), linear near 0, so that no
 * friction at all can be reached; `linear`: floor * u.
 */
type Transform = 'log' | 'log1p' | 'linear';

/**
 * A torque known to this share of the one that moved the joint, times the line of identifiability (a fifth), is known to
 * 5% of it: no task feels less.
 */
const REFERENCE = 0.25;

export interface FitParameter {
  readonly name: FittableName;
  /** Index of the joint, or null for the one value of the robot. */
  readonly joint: number | null;
  readonly transform: Transform;
  /** Range of the value. */
  readonly lower: number;
  readonly upper: number;
  /** Where the coordinate turns from linear to logarithmic; a tenth of what the robot's own torque makes of it. */
  readonly floor: number;
  /** A relative deviation is taken of the value, or of this where the value is smaller: 0 +- 0.01 is known well. */
  readonly reference: number;
}

/** What sets the scale of frictions and inertias, per joint; from the recordings. */
export interface DriveScale {
  /** Root mean square of the torque, N m, and of the velocity, rad/s. */
  readonly torque: number;
  readonly velocity: number;
}

/**
 * @param measured whether the logged torque is a sensor's reading: it may then be stamped late as well as early
 * @param scales per joint
 */
export function fitParameters(
  names: readonly FittableName[],
  scales: readonly DriveScale[],
  measured: boolean,
): FitParameter[] {
  return fittable
    .filter((name) => names.includes(name))
    .flatMap((name): FitParameter[] => {
      if (name === 'latency') {
        const [lower, upper] = measured ? [-0.02, 0.04] : [0, 0.08];
        return [{ name, joint: null, transform: 'linear', lower, upper, floor: 0.01, reference: 0.01 }];
      }
      // Of a joint that no torque moved there is no range to look for frictions in.
      return scales
        .map((scale, joint) => ({ name, joint, ...rangeOf(name, scale) }))
        .filter(({ lower, upper }) => upper > lower);
    });
}

type Range = Pick<FitParameter, 'transform' | 'lower' | 'upper' | 'floor' | 'reference'>;

function rangeOf(name: Exclude<FittableName, 'latency'>, { torque, velocity }: DriveScale): Range {
  // Of a tenth to twice the torque that moved the joint.
  const range = (unit: number) => ({ floor: 0.1 * unit, reference: REFERENCE * unit });
  const perVelocity = torque / velocity;
  const perAcceleration = torque / velocity ** 2;
  switch (name) {
    case 'massScale':
    case 'torqueScale':
      return { transform: 'log', lower: 0.2, upper: 5, floor: 0, reference: 0 };
    case 'comScale':
      return { transform: 'log', lower: 0.5, upper: 2, floor: 0, reference: 0 };
    case 'friction':
      return { transform: 'log1p', lower: 0, upper: 2 * torque, ...range(torque) };
    case 'damping':
      return { transform: 'log1p', lower: 0, upper: 2 * perVelocity, ...range(perVelocity) };
    case 'armature':
      return { transform: 'log1p', lower: 0, upper: 2 * perAcceleration, ...range(perAcceleration) };
    case 'torqueOffset':
      return { transform: 'linear', lower: -torque, upper: torque, ...range(torque) };
  }
}

export function toCoordinate(parameter: FitParameter, value: number): number {
  const { transform, floor } = parameter;
  const bounded = Math.min(parameter.upper, Math.max(parameter.lower, value));
  if (transform === 'log') return log(bounded);
  return transform === 'log1p' ? log(1 + bounded / floor) : bounded / floor;
}

export function toValue(parameter: FitParameter, u: number): number {
  const { transform, floor } = parameter;
  const value = transform === 'log' ? exp(u) : transform === 'log1p' ? floor * (exp(u) - 1) : floor * u;
  return Math.min(parameter.upper, Math.max(parameter.lower, value));
}

/** d value / d u. */
export function slopeAt(parameter: FitParameter, value: number): number {
  if (parameter.transform === 'log') return value;
  return parameter.transform === 'log1p' ? value + parameter.floor : parameter.floor;
}

export function parameterValue(parameter: FitParameter, dynamics: Dynamics): number {
  if (parameter.name === 'latency') return dynamics.latency;
  return dynamics[parameter.name][parameter.joint!]!;
}

/** `nominal` with the fitted parameters at the search point `u`. */
export function dynamicsAt(parameters: readonly FitParameter[], u: ArrayLike<number>, nominal: Dynamics): Dynamics {
  const dynamics = cloneDynamics(nominal);
  for (const [i, parameter] of parameters.entries()) {
    const value = toValue(parameter, u[i]!);
    if (parameter.name === 'latency') dynamics.latency = value;
    else dynamics[parameter.name][parameter.joint!] = value;
  }
  return dynamics;
}

/** `massScale`, or `massScale.elbow` on a robot with several joints. */
export function labelOf(parameter: Pick<FitParameter, 'name' | 'joint'>, joints: readonly string[]): string {
  return parameter.joint === null || joints.length === 1
    ? parameter.name
    : `${parameter.name}.${joints[parameter.joint]!}`;
}

export function isPerJoint(name: FittableName): name is Exclude<FittableName, 'latency'> {
  return (perJointParameters as readonly string[]).includes(name);
}
