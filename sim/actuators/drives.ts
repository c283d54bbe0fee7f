/**
 * All drives of a robot, between its commands and the torques an engine applies: delay, gains, limits, each kind's own
 * law, strength, offset and play. Both engines use it. Friction is not here. Knows no engine.
 */

import type { JointCommand, RobotState } from '../../core/robot.ts';
import type { Dynamics } from '../dynamics.ts';
import type { ActuatorSpec } from '../robot-spec.ts';
import { CommandQueue } from './command-queue.ts';
import { dcMotorDrive } from './dc-motor.ts';
import type { Drive, DriveParameters } from './drive.ts';
import { ImplicitDrives, type JointInertia } from './implicit-pd.ts';
import { networkDrive } from './network.ts';
import { pdDrive } from './pd.ts';
import { Play } from './play.ts';
import { rotorDrive } from './rotor.ts';
import { checkActuator } from './spec-check.ts';
import { velocityDrive } from './velocity.ts';

export class Drives {
  readonly #parameters: DriveParameters;
  readonly #scale: Float64Array;
  readonly #offset: Float64Array;
  readonly #queue: CommandQueue;
  readonly #drives: readonly Drive[];
  readonly #implicit: ImplicitDrives;
  readonly #play: Play;
  #latency = 0;

  /**
   * To be reset before use.
   * @param specs per joint, in the order of `RobotModel.dof` @param physicsDt s
   * @throws InputError for a spec that cannot be built
   */
  constructor(specs: readonly ActuatorSpec[], physicsDt: number) {
    for (const [j, spec] of specs.entries()) checkActuator(spec, j);
    const perJoint = () => new Float64Array(specs.length);
    this.#parameters = {
      dt: physicsDt,
      kpScale: perJoint(),
      kdScale: perJoint(),
      encoderBias: perJoint(),
      torqueLimit: perJoint(),
      inertia: perJoint(),
    };
    this.#scale = perJoint();
    this.#offset = perJoint();
    this.#queue = new CommandQueue(
      specs.map(({ latency }) => latency ?? 0),
      physicsDt,
    );
    const implicit = specs.flatMap(({ kind }, j) => (kind === 'implicit-pd' ? [j] : []));
    this.#implicit = new ImplicitDrives(implicit, this.#parameters);
    this.#drives = specs.map((spec, j) =>
      makeDrive(spec, j, this.#parameters, this.#implicit.drive(implicit.indexOf(j))),
    );
    this.#play = new Play(
      specs.map(({ backlash }) => backlash ?? 0),
      physicsDt,
    );
  }

  /**
   * Take the parameters of an episode and forget every command.
   * @param inertias of what each joint moves while the others are free, 1 / (M^-1)_jj, armature included, kg m2: for
   * `implicit-pd`; too small is safer than too large
   * @param coupled what joints with such drives feel together @default each alone, `inertias`
   * @throws InputError where a drive cannot do with them
   */
  reset(dynamics: Dynamics, inertias: ArrayLike<number>, coupled?: JointInertia): void {
    this.update(dynamics);
    this.#parameters.inertia.set(inertias);
    this.#implicit.reset(coupled);
    this.#queue.reset();
    this.#play.reset(dynamics.armature);
    for (const drive of this.#drives) drive.reset?.();
  }

  /** Take other gains, limits, strengths and latency within an episode: commands on their way keep their time. */
  update(dynamics: Dynamics): void {
    const { kpScale, kdScale, encoderBias, torqueLimit } = this.#parameters;
    kpScale.set(dynamics.kpScale);
    kdScale.set(dynamics.kdScale);
    encoderBias.set(dynamics.encoderBias);
    torqueLimit.set(dynamics.torqueLimit);
    this.#scale.set(dynamics.torqueScale);
    this.#offset.set(dynamics.torqueOffset);
    this.#latency = dynamics.latency;
  }

  /** The command acts at time + latency, of the robot and of each actuator. @param time s, never before the last one's */
  push(command: JointCommand, time: number): void {
    this.#queue.push(command, time + this.#latency);
    this.#implicit.refresh();
  }

  /**
   * What the motors give each joint, averaged over the coming step; to be asked for once a step.
   * @param state at the step's start, its time included, without sensor noise or encoder bias
   * @param out N m or N, for a rotor its thrust, [nJoints]
   */
  torques(state: RobotState, out: Float64Array): void {
    const drives = this.#drives;
    for (let j = 0; j < drives.length; j++) drives[j]!.begin?.(state);
    this.#queue.torques(state, drives, out);
    this.#implicit.solve(state, out);
    for (let j = 0; j < drives.length; j++) {
      drives[j]!.finish?.(out);
      // motor: tau = scale * tau* + offset
      out[j] = this.#scale[j]! * out[j]! + this.#offset[j]!;
    }
    this.#play.pass(state, out);
  }
}

function makeDrive(spec: ActuatorSpec, j: number, parameters: DriveParameters, implicit: Drive): Drive {
  switch (spec.kind) {
    case 'pd':
      return pdDrive(j, parameters);
    case 'implicit-pd':
      return implicit;
    case 'dc-motor':
      return dcMotorDrive(j, parameters, spec);
    case 'velocity':
      return velocityDrive(j, parameters, spec);
    case 'network':
      return networkDrive(j, parameters, spec.network);
    case 'rotor':
      return rotorDrive(j, parameters, spec);
  }
}
