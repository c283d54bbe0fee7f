/**
 * The one interface of every robot: the Rapier simulation, the MuJoCo twin, the real one behind rosbridge.
 * Observation and action terms see only `RobotState` and `JointCommand`; they never learn which robot it is.
 */

import type { RobotModel } from './robot-model.ts';

/** What the robot measures. Arrays are in the order of `RobotModel.dof` and are reused from call to call. */
export interface RobotState {
  /** When the sensors were read, s on the robot's clock. */
  time: number;
  /** Joint positions, rad or m, [nJoints]. Continuous joints are unwrapped. */
  readonly q: Float64Array;
  /** Joint velocities, rad/s or m/s, [nJoints]. */
  readonly qd: Float64Array;
  /** Measured joint efforts, N m or N, [nJoints]. NaN where the robot does not measure it. */
  readonly effort: Float64Array;
  /** Pose of the base link in the world: x, y, z in m, then x, y, z, w. NaN where the robot does not measure it, [7]. */
  readonly base: Float64Array;
  /**
   * Velocity of the base link's origin along the world's axes, m/s, then its angular velocity along its own axes, rad/s.
   * NaN where the robot does not measure it, [6].
   */
  readonly twist: Float64Array;
  /** Readings of the robot's other sensors by name; what their numbers mean stands in core/sensor.ts. */
  readonly sensors: Readonly<Record<string, Float64Array>>;
}

/**
 * The hybrid joint command: tau = kp (q* - q) + kd (qd* - qd) + effort, per joint.
 * A torque interface uses `effort` alone; damping is kp = 0, qd* = 0.
 */
export interface JointCommand {
  readonly q: Float64Array;
  readonly qd: Float64Array;
  readonly effort: Float64Array;
  readonly kp: Float64Array;
  readonly kd: Float64Array;
}

export interface Robot {
  readonly model: RobotModel;
  /** The newest state. The object is reused: copy what must last. */
  observe(): RobotState;
  /** Take a command; it holds until the next one, or until the robot's own watchdog ends it. */
  act(command: JointCommand): void;
  close(): void | Promise<void>;
}

/** A robot whose time is moved by its owner. */
export interface SimulatedRobot extends Robot {
  /** Put the robot at a joint state, at rest commands, time 0. q and qd are [nJoints]. */
  reset(q: ArrayLike<number>, qd: ArrayLike<number>): void;
  /** Advance by a whole number of physics steps. @param seconds of simulated time */
  step(seconds: number): void;
}

/** At rest in the world's origin. @param sensors their sizes by name */
export function makeState(nJoints: number, sensors: Readonly<Record<string, number>> = {}): RobotState {
  return {
    time: 0,
    q: new Float64Array(nJoints),
    qd: new Float64Array(nJoints),
    effort: new Float64Array(nJoints),
    base: Float64Array.of(0, 0, 0, 0, 0, 0, 1),
    twist: new Float64Array(6),
    sensors: Object.fromEntries(Object.entries(sensors).map(([name, size]) => [name, new Float64Array(size)])),
  };
}

export function copyState(from: RobotState, to: RobotState): void {
  to.time = from.time;
  to.q.set(from.q);
  to.qd.set(from.qd);
  to.effort.set(from.effort);
  to.base.set(from.base);
  to.twist.set(from.twist);
  for (const name in to.sensors) {
    const reading = from.sensors[name];
    if (reading !== undefined) to.sensors[name]!.set(reading);
  }
}

export function makeCommand(nJoints: number): JointCommand {
  const zeros = () => new Float64Array(nJoints);
  return { q: zeros(), qd: zeros(), effort: zeros(), kp: zeros(), kd: zeros() };
}

/** Damping: no torque but kd * (0 - qd). @param kd N m s/rad, [nJoints] */
export function dampingCommand(kd: ArrayLike<number>, out: JointCommand): JointCommand {
  out.q.fill(0);
  out.qd.fill(0);
  out.effort.fill(0);
  out.kp.fill(0);
  out.kd.set(kd);
  return out;
}

/** The torque a command asks of joint `j` in `state`. N m or N. */
export function effortOf(command: JointCommand, state: RobotState, j: number): number {
  // tau = kp (q* - q) + kd (qd* - qd) + effort
  return (
    command.kp[j]! * (command.q[j]! - state.q[j]!) +
    command.kd[j]! * (command.qd[j]! - state.qd[j]!) +
    command.effort[j]!
  );
}
