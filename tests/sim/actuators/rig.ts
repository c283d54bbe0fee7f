/** What the tests of drives share: parameters of an episode, commands of one joint, a joint without friction. */

import { type JointCommand, makeCommand, makeState, type RobotState } from '../../../core/robot.ts';
import type { RobotModel } from '../../../core/robot-model.ts';
import { Drives } from '../../../sim/actuators/drives.ts';
import { type Dynamics, nominalDynamics } from '../../../sim/dynamics.ts';
import type { ActuatorSpec } from '../../../sim/robot-spec.ts';

const NO_ROBOT: RobotModel = {
  name: 'none',
  urdfHash: '',
  urdf: '',
  base: 'fixed',
  links: [],
  joints: [],
  dof: [],
  meshes: {},
  notes: [],
};

/** Ideal motors of `nJoints` joints, limit 1000, unless changed. */
export function dynamicsOf(nJoints: number, changes: Partial<Dynamics> = {}): Dynamics {
  const constant = (value: number) => Array.from({ length: nJoints }, () => value);
  return {
    // The scalars of a robot without joints, so that new ones need no line here.
    ...nominalDynamics(NO_ROBOT),
    massScale: constant(1),
    comScale: constant(1),
    armature: constant(0),
    damping: constant(0),
    friction: constant(0),
    torqueScale: constant(1),
    torqueOffset: constant(0),
    torqueLimit: constant(1000),
    kpScale: constant(1),
    kdScale: constant(1),
    encoderBias: constant(0),
    ...changes,
  };
}

/** One joint's command, the fields not named 0. */
export function commandOf(fields: Partial<Record<keyof JointCommand, number>>): JointCommand {
  const command = makeCommand(1);
  for (const [field, value] of Object.entries(fields)) command[field as keyof JointCommand][0] = value;
  return command;
}

/** A state at another time, s. */
export function at(state: RobotState, time: number): RobotState {
  state.time = time;
  return state;
}

/** Drives of one joint, reset, commanded at time 0. */
export function drivesOf(
  spec: ActuatorSpec,
  dt: number,
  command: JointCommand,
  changes: Partial<Dynamics> = {},
  inertia = 1,
): Drives {
  const drives = new Drives([spec], dt);
  drives.reset(dynamicsOf(1, changes), [inertia]);
  drives.push(command, 0);
  return drives;
}

/** The torque of the first step at a joint state. */
export function torqueAt(
  spec: ActuatorSpec,
  command: JointCommand,
  q: number,
  qd: number,
  changes: Partial<Dynamics> = {},
): number {
  const out = new Float64Array(1);
  drivesOf(spec, 0.005, command, changes).torques(at(jointState(q, qd), 0), out);
  return out[0]!;
}

export function jointState(q: number, qd: number) {
  const state = makeState(1);
  state.q[0] = q;
  state.qd[0] = qd;
  return state;
}

export interface Course {
  readonly q: number[];
  readonly qd: number[];
  readonly tau: number[];
}

/** I qdd = tau + load, by semi-implicit Euler as the engines step: qd <- qd + dt qdd, q <- q + dt qd. */
export function course(
  drives: Drives,
  dt: number,
  inertia: number,
  load: (q: number, i: number) => number,
  steps: number,
  q0 = 0,
  qd0 = 0,
): Course {
  const state = jointState(q0, qd0);
  const out = new Float64Array(1);
  const all: Course = { q: [], qd: [], tau: [] };
  for (let i = 0; i < steps; i++) {
    drives.torques(at(state, i * dt), out);
    state.qd[0] = state.qd[0]! + (dt * (out[0]! + load(state.q[0]!, i))) / inertia;
    state.q[0] = state.q[0]! + dt * state.qd[0]!;
    all.q.push(state.q[0]!);
    all.qd.push(state.qd[0]!);
    all.tau.push(out[0]!);
  }
  return all;
}
