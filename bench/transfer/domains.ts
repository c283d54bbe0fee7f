/**
 * SEALED: the robots that a policy is judged on. Each is the MuJoCo twin with one difference, *parametric* (a number that the
 * simulator has too) or *structural* (what its parameters cannot express: play, torque-speed line, late, stuck or biased
 * sensors, a load off the axis, another time step). `dev` may be looked at while a method is made, `test` is for the last
 * figure; no domain is in both. `hard` is `test` with every departure doubled, by a rule and not by looking. Only the benchmark may import this file (tests/bench/transfer/domains.test.ts).
 */

import { InputError, nearest } from '../../core/errors.ts';
import type { Dynamics, PerJointParameter, ScalarParameter } from '../../sim/dynamics.ts';
import { PSEUDO_INERTIA } from '../../sim/pseudo-inertia.ts';
import type { EnvironmentRecipe } from '../../sim/recipe.ts';
import { type ActuatorSpec, PLAIN_ROBOT, type RobotSpec, type SensorQuality } from '../../sim/robot-spec.ts';

export interface Domain {
  readonly name: string;
  readonly kind: 'parametric' | 'structural';
  /** Scales of all joints' values, and of gravity. */
  readonly scale?: Partial<Record<PerJointParameter | 'gravity', number>>;
  readonly set?: Partial<Record<ScalarParameter, number>>;
  /** Added to Coulomb friction of the driven joints, N m or N. */
  readonly stiction?: number;
  /** Play of the driven joints, rad or m, and the rotor that crosses it, kg m2 or kg. */
  readonly play?: { readonly width: number; readonly rotor: number };
  /** Of the driven joints: stall torque as a share of their limit, speed without load, rad/s or m/s. */
  readonly torqueSpeed?: { readonly stall: number; readonly noLoad: number };
  /** How far the last link's centre of mass lies off its axis, along the link's x, m. */
  readonly offset?: number;
  readonly encoders?: SensorQuality;
  readonly imu?: SensorQuality;
  /** Physics step, s. */
  readonly twinDt?: number;
}

export interface DomainSplit {
  readonly dev: readonly Domain[];
  readonly test: readonly Domain[];
}

export type DomainSet = keyof DomainSplit | 'hard';

const parametric = (name: string, change: Omit<Domain, 'name' | 'kind'>): Domain => ({
  name,
  kind: 'parametric',
  ...change,
});
const structural = (name: string, change: Omit<Domain, 'name' | 'kind'>): Domain => ({
  name,
  kind: 'structural',
  ...change,
});

const pendulum: DomainSplit = {
  dev: [
    parametric('heavy-1.2', { scale: { massScale: 1.2 } }),
    parametric('sticky-1.5', { scale: { friction: 1.5 } }),
    structural('play-0.1', { play: { width: 0.1, rotor: 0.003 } }),
    structural('late-sensors-30', { encoders: { latency: 0.03 } }),
  ],
  test: [
    parametric('heavy-1.3', { scale: { massScale: 1.3 } }),
    parametric('sticky-1.8', { scale: { friction: 1.8 } }),
    parametric('viscous-2', { scale: { damping: 2 } }),
    parametric('weak-0.8', { scale: { torqueScale: 0.8 } }),
    parametric('light-gravity-0.8', { scale: { gravity: 0.8 } }),
    structural('play-0.2', { play: { width: 0.2, rotor: 0.003 } }),
    structural('torque-speed-8', { torqueSpeed: { stall: 1, noLoad: 8 } }),
    structural('late-sensors-50', { encoders: { latency: 0.05 } }),
    structural('offset-0.06', { offset: 0.06 }),
    structural('drift', { encoders: { parts: { position: { bias: 0.05, biasDrift: 0.05 } } } }),
    structural('stuck-0.4', { encoders: { dropout: 0.4 } }),
    structural('coarse-step', { twinDt: 0.01 }),
  ],
};

const cartpole: DomainSplit = {
  dev: [
    parametric('heavy-3', { scale: { massScale: 3 } }),
    parametric('weak-0.4', { scale: { torqueScale: 0.4 } }),
    structural('play-0.02', { play: { width: 0.02, rotor: 0.2 } }),
    structural('late-sensors-60', { encoders: { latency: 0.06 } }),
  ],
  test: [
    parametric('heavy-5', { scale: { massScale: 5 } }),
    parametric('weak-0.25', { scale: { torqueScale: 0.25 } }),
    parametric('sticky-2', { stiction: 2 }),
    parametric('late-80', { set: { latency: 0.08 } }),
    structural('play-0.04', { play: { width: 0.04, rotor: 0.2 } }),
    structural('torque-speed-0.5', { torqueSpeed: { stall: 1, noLoad: 0.5 } }),
    structural('late-sensors-100', { encoders: { latency: 0.1 } }),
    structural('offset-0.04', { offset: 0.04 }),
    structural('drift', { encoders: { parts: { position: { bias: 0.03, biasDrift: 0.02 } } } }),
    structural('stuck-0.7', { encoders: { dropout: 0.7 } }),
    structural('coarse-step', { twinDt: 0.02 }),
  ],
};

const doublePendulum: DomainSplit = {
  dev: [
    parametric('heavy-1.1', { scale: { massScale: 1.1 } }),
    structural('play-0.03', { play: { width: 0.03, rotor: 0.003577 } }),
    structural('late-sensors-10', { encoders: { latency: 0.01 } }),
  ],
  test: [
    parametric('heavy-1.2', { scale: { massScale: 1.2 } }),
    parametric('sticky-2', { scale: { friction: 2 } }),
    parametric('weak-0.85', { scale: { torqueScale: 0.85 } }),
    parametric('late-20', { set: { latency: 0.02 } }),
    structural('play-0.06', { play: { width: 0.06, rotor: 0.003577 } }),
    structural('torque-speed-15', { torqueSpeed: { stall: 1, noLoad: 15 } }),
    structural('late-sensors-20', { encoders: { latency: 0.02 } }),
    structural('offset-0.02', { offset: 0.02 }),
    structural('drift', { encoders: { parts: { position: { bias: 0.03, biasDrift: 0.02 } } } }),
    structural('stuck-0.4', { encoders: { dropout: 0.4 } }),
  ],
};

const quadrotor: DomainSplit = {
  dev: [
    parametric('load-2g', { set: { payload: 0.002 } }),
    parametric('weak-0.95', { scale: { torqueScale: 0.95 } }),
    structural('late-imu-20', { imu: { latency: 0.02 } }),
  ],
  test: [
    parametric('load-5g', { set: { payload: 0.005 } }),
    parametric('weak-0.85', { scale: { torqueScale: 0.85 } }),
    parametric('light-gravity-0.8', { scale: { gravity: 0.8 } }),
    parametric('late-40', { set: { latency: 0.04 } }),
    parametric('load-off-centre', { set: { payload: 0.003, comX: 0.008 } }),
    structural('late-imu-40', { imu: { latency: 0.04 } }),
    structural('imu-drift', {
      imu: { parts: { orientation: { bias: 0.05, biasDrift: 0.02 }, gyro: { bias: 0.05, biasDrift: 0.02 } } },
    }),
    structural('stuck-imu-0.5', { imu: { dropout: 0.5 } }),
    structural('noisy-imu', { imu: { parts: { orientation: { noise: 0.05 }, gyro: { noise: 0.2 } } } }),
    structural('coarse-step', { twinDt: 0.005 }),
  ],
};

const arm: DomainSplit = {
  dev: [
    parametric('soft-0.7', { scale: { kpScale: 0.7 } }),
    structural('late-sensors-40', { encoders: { latency: 0.04 } }),
  ],
  test: [
    parametric('soft-0.4', { scale: { kpScale: 0.4 } }),
    parametric('heavy-1.5', { scale: { massScale: 1.5 } }),
    parametric('overdamped-3', { scale: { kdScale: 3 } }),
    parametric('late-80', { set: { latency: 0.08 } }),
    parametric('sticky-15', { stiction: 15 }),
    structural('late-sensors-80', { encoders: { latency: 0.08 } }),
    structural('offset-0.05', { offset: 0.05 }),
    structural('drift', { encoders: { parts: { position: { bias: 0.05, biasDrift: 0.02 } } } }),
    structural('stuck-0.5', { encoders: { dropout: 0.5 } }),
    structural('play-0.03', { play: { width: 0.03, rotor: 0.1 } }),
  ],
};

const splits: Readonly<Record<string, DomainSplit>> = {
  pendulum,
  'cartpole-balance': cartpole,
  'cartpole-swingup': cartpole,
  acrobot: doublePendulum,
  pendubot: doublePendulum,
  'quadrotor-hover': quadrotor,
  'arm-reach': arm,
};

/** The same robot in the other engine, nothing else changed: sim to sim. */
export const TWIN: Domain = { name: 'twin', kind: 'parametric' };

/** @throws InputError when the task has none */
export function domainsOf(task: string): Readonly<Record<DomainSet, readonly Domain[]>> {
  if (Object.hasOwn(splits, task)) {
    const split = splits[task]!;
    // A time step twice as long may not divide the control step.
    return { ...split, hard: split.test.filter(({ twinDt }) => twinDt === undefined).map(harder) };
  }
  const near = nearest(task, Object.keys(splits));
  throw new InputError(`bench transfer has no target domains for task ${task}`, {
    repair: near === undefined ? `tasks: ${Object.keys(splits).join(', ')}` : `did you mean ${near}?`,
  });
}

/** The same difference twice as far from nothing: a half is a quarter, half of the readings lost three quarters. */
export function harder(domain: Domain): Domain {
  const { scale, set, stiction, play, torqueSpeed, offset, encoders, imu } = domain;
  return {
    ...domain,
    name: `${domain.name}-hard`,
    // Twice as far by its logarithm
    ...(scale === undefined ? {} : { scale: mapped(scale, (value) => value ** 2) }),
    ...(set === undefined ? {} : { set: mapped(set, (value) => 2 * value) }),
    ...(stiction === undefined ? {} : { stiction: 2 * stiction }),
    ...(play === undefined ? {} : { play: { ...play, width: 2 * play.width } }),
    ...(torqueSpeed === undefined ? {} : { torqueSpeed: { ...torqueSpeed, noLoad: torqueSpeed.noLoad / 2 } }),
    ...(offset === undefined ? {} : { offset: 2 * offset }),
    ...(encoders === undefined ? {} : { encoders: worseTwice(encoders) }),
    ...(imu === undefined ? {} : { imu: worseTwice(imu) }),
  };
}

function worseTwice({ parts, latency, dropout, ...rest }: SensorQuality): SensorQuality {
  return {
    ...rest,
    ...(parts === undefined ? {} : { parts: mapped(parts, (noise) => mapped(noise, (value) => 2 * (value ?? 0))) }),
    ...(latency === undefined ? {} : { latency: 2 * latency }),
    ...(dropout === undefined ? {} : { dropout: 1 - (1 - dropout) ** 2 }),
  };
}

function mapped<T extends object, V = T[keyof T]>(table: T, change: (value: NonNullable<T[keyof T]>) => V): T {
  return Object.fromEntries(Object.entries(table).map(([name, value]) => [name, change(value)])) as T;
}

/** Seeds of the episodes on a domain: apart from every seed that trains, fits or judges. */
export const DOMAIN_SEED = 2_026_000;

/** The environments of a recipe on a domain: one robot, not a family of them. */
export function inDomain(recipe: EnvironmentRecipe, domain: Domain): EnvironmentRecipe {
  const { joints, actions } = recipe.contract;
  const driven = new Set(actions.flatMap((action) => action.joints));
  const isDriven = joints.map(({ name }) => driven.has(name));
  return {
    ...recipe,
    engine: 'mujoco',
    dynamics: dynamicsIn(recipe.dynamics, domain, isDriven),
    robot: robotIn(recipe.robot ?? PLAIN_ROBOT, domain, joints, isDriven),
    randomization: 0,
    training: false,
    ...(domain.twinDt === undefined ? {} : { twinDt: domain.twinDt }),
  };
}

function dynamicsIn(nominal: Dynamics, domain: Domain, isDriven: readonly boolean[]): Dynamics {
  const { gravity = 1, ...scales } = domain.scale ?? {};
  const dynamics = { ...structuredClone(nominal), ...domain.set };
  dynamics.gravity *= gravity;
  for (const [name, factor] of Object.entries(scales) as [PerJointParameter, number][]) {
    dynamics[name] = dynamics[name].map((value) => factor * value);
  }
  const onDriven = (values: number[], change: (value: number) => number) =>
    values.map((value, j) => (isDriven[j]! ? change(value) : value));
  dynamics.friction = onDriven(dynamics.friction, (value) => value + (domain.stiction ?? 0));
  if (domain.play !== undefined) {
    dynamics.armature = onDriven(dynamics.armature, (value) => Math.max(value, domain.play!.rotor));
  }
  if (domain.offset !== undefined) {
    const n = isDriven.length;
    const pseudoInertia = new Array<number>((1 + n) * PSEUDO_INERTIA.length).fill(0);
    pseudoInertia[n * PSEUDO_INERTIA.length + PSEUDO_INERTIA.findIndex(({ name }) => name === 't1')] = domain.offset;
    return { ...dynamics, pseudoInertia };
  }
  return dynamics;
}

function robotIn(
  spec: RobotSpec,
  { play, torqueSpeed, encoders, imu }: Domain,
  joints: EnvironmentRecipe['contract']['joints'],
  isDriven: readonly boolean[],
): RobotSpec {
  const actuators: Record<string, ActuatorSpec> = { ...spec.actuators };
  for (const [j, { name, effort }] of joints.entries()) {
    if (!isDriven[j]!) continue;
    const before = actuators[name] ?? { kind: 'pd' };
    const motor: ActuatorSpec =
      torqueSpeed === undefined
        ? before
        : { kind: 'dc-motor', stallTorque: torqueSpeed.stall * effort, noLoadSpeed: torqueSpeed.noLoad };
    actuators[name] = play === undefined ? motor : { ...motor, backlash: play.width };
  }
  const quality = { ...spec.quality };
  if (encoders !== undefined) quality.encoders = worse(quality.encoders, encoders);
  if (imu !== undefined) quality.imu = worse(quality.imu, imu);
  return { ...spec, actuators, quality };
}

function worse(before: SensorQuality = {}, change: SensorQuality): SensorQuality {
  const parts = { ...before.parts };
  for (const [part, noise] of Object.entries(change.parts ?? {})) parts[part] = { ...parts[part], ...noise };
  return { ...before, ...change, parts };
}
