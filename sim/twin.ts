/**
 * The twin: the same URDF in MuJoCo, a second engine that nobody tuned a policy for. Facts that shaped this file:
 * - Integrator RK4 at 2 ms. A pendulum swung from 3 rad stays within 1e-9 rad of the exact motion for 6 s; MuJoCo's
 *   semi-implicit Euler is off by 9e-3 rad. It costs about 15 us a step for one joint.
 * - MuJoCo's Coulomb friction is a soft constraint which creeps below the limit and blurs the sign change. With the
 *   stiffness set below, a pendulum with friction stays within 4e-3 rad for 6 s (1.7e-2 with the engine's defaults).
 * - Motor torques go in as qfrc_applied, so the URDF's effort limit, which MuJoCo puts on actuators, plays no part: the
 *   limit is `Dynamics.torqueLimit`. Viscous friction, Coulomb friction and armature are MuJoCo's own.
 * - No contact: every shape is stripped. MuJoCo: https://mujoco.readthedocs.io, E. Todorov et al., IROS 2012.
 */

import type { MainModule, MjData, MjModel } from '@mujoco/mujoco';
import { DOMParser, XMLSerializer, type Element as XmlElement } from '@xmldom/xmldom';
import { InputError, messageOf, NumericError } from '../core/errors.ts';
import { forwardKinematics } from '../core/kinematics.ts';
import { type Key, RandomStream } from '../core/rng.ts';
import { copyState, type JointCommand, makeState, type RobotState } from '../core/robot.ts';
import { jointNames, type RobotModel } from '../core/robot-model.ts';
import { CommandDelay } from './command-delay.ts';
import { cloneDynamics, type Dynamics } from './dynamics.ts';
import { type SensedWorld, UNKNOWN_WORLD } from './sensed-world.ts';
import type { EnvironmentRobot } from './simulated-robot.ts';
import type { StartState } from './task.ts';

/** The engine's package and version, as the contract records them. */
export const MUJOCO = { name: '@mujoco/mujoco', version: '3.14.0' } as const;

/** One physics step, s. */
export const TWIN_DT = 0.002;

/**
 * Impedance of the Coulomb friction constraint (1 = rigid) and its time constant in steps, the shortest MuJoCo takes.
 * A stuck joint under torque tau creeps with (1 - d)/d * tau/I * timeconst/2.
 */
const FRICTION_IMPEDANCE = 0.999;
const FRICTION_STEPS = 2;

export interface TwinOptions {
  /** One physics step, s. Default TWIN_DT. */
  readonly physicsDt?: number;
  /** Sensor noise's key. Default: that of seed 0. */
  readonly key?: Key;
}

let loading: Promise<MainModule> | undefined;

/** Load and start the engine, once. */
export function loadMujoco(): Promise<MainModule> {
  loading ??= import('@mujoco/mujoco').then((module) => module.default());
  return loading;
}

/**
 * @throws InputError when MuJoCo refuses the URDF
 */
export async function makeTwin(model: RobotModel, dynamics: Dynamics, options: TwinOptions = {}): Promise<MujocoRobot> {
  return new MujocoRobot(await loadMujoco(), model, dynamics, options);
}

/** The URDF as MuJoCo is to read it: no shapes, complete inertias, every link a body of its own. */
function urdfForMujoco(model: RobotModel): string {
  const document = new DOMParser().parseFromString(model.urdf, 'text/xml');
  const root = document.documentElement!;
  for (const tag of ['visual', 'collision', 'mujoco']) {
    for (const element of Array.from(root.getElementsByTagName(tag)) as XmlElement[])
      element.parentNode?.removeChild(element);
  }
  // What parseUrdf reads as 0 when it is left out, MuJoCo demands.
  for (const inertial of Array.from(root.getElementsByTagName('inertial')) as XmlElement[]) {
    const inertia = inertial.getElementsByTagName('inertia')[0] ?? document.createElement('inertia');
    if (inertia.parentNode === null) inertial.appendChild(inertia);
    for (const entry of ['ixx', 'iyy', 'izz', 'ixy', 'ixz', 'iyz']) {
      if (!inertia.hasAttribute(entry)) inertia.setAttribute(entry, '0');
    }
  }
  const extension = document.createElement('mujoco');
  const compiler = document.createElement('compiler');
  // Without fusestatic=false a fixed child's mass would become its parent's, and massScale would scale both.
  compiler.setAttribute('fusestatic', 'false');
  // URDF allows a point mass; MuJoCo wants some inertia.
  compiler.setAttribute('boundinertia', '1e-9');
  extension.appendChild(compiler);
  // Room for constraints. The default is 16 MB a robot; without contacts a quadruped needs less than 0.1.
  const size = document.createElement('size');
  size.setAttribute('memory', '1M');
  extension.appendChild(size);
  root.appendChild(extension);
  return new XMLSerializer().serializeToString(document);
}

function linksAlone(model: RobotModel, truth: RobotState): SensedWorld {
  const poses = new Float64Array(model.links.length * 7);
  return {
    ...UNKNOWN_WORLD,
    linkPose(link, out) {
      forwardKinematics(model, truth.q, poses);
      for (let k = 0; k < 7; k++) out[k] = poses[link * 7 + k]!;
    },
  };
}

function compile(mujoco: MainModule, model: RobotModel): MjModel {
  try {
    return mujoco.MjModel.from_xml_string(urdfForMujoco(model));
  } catch (error) {
    const reason = messageOf(error)
      .replace(/^MuJoCo Error: (Loading error: )?(Error: )?/, '')
      .replace(/\s+/g, ' ')
      .trim();
    throw new InputError(`robot ${model.name}: MuJoCo cannot load its URDF: ${reason}`, {
      repair: 'correct the element it names',
      cause: error,
    });
  }
}

/** Where one joint lives in MuJoCo's arrays. */
interface Address {
  readonly qpos: number;
  readonly dof: number;
  readonly body: number;
}

/** What of the compiled model `Dynamics` scales. */
interface Nominal {
  readonly mass: Float64Array;
  readonly inertia: Float64Array;
  readonly com: Float64Array;
}

/** The arrays of MjData that every step touches. Views into the engine's memory, which move when it grows. */
interface Views {
  readonly qpos: Float64Array;
  readonly qvel: Float64Array;
  readonly applied: Float64Array;
}

export class MujocoRobot implements EnvironmentRobot {
  readonly objects = new Float64Array(0);
  readonly model: RobotModel;
  readonly physicsDt: number;
  /** The state without sensor noise. Reused. */
  readonly truth: RobotState;
  /** Links alone, and only those of a fixed base: the twin has no shapes yet, so that rays meet nothing. */
  readonly world: SensedWorld;
  readonly #mujoco: MainModule;
  readonly #mj: MjModel;
  readonly #data: MjData;
  readonly #addresses: readonly Address[];
  readonly #nominal: Nominal;
  readonly #measured: RobotState;
  readonly #noise: RandomStream;
  readonly #delay: CommandDelay;
  readonly #torques: Float64Array;
  #dynamics: Dynamics;
  #views: Views;
  /** Physics steps since the reset: times are multiples, not sums, of the step. */
  #steps = 0;
  #closed = false;

  constructor(mujoco: MainModule, model: RobotModel, dynamics: Dynamics, options: TwinOptions = {}) {
    const nJoints = model.dof.length;
    this.model = model;
    this.physicsDt = options.physicsDt ?? TWIN_DT;
    this.truth = makeState(nJoints);
    this.world = linksAlone(model, this.truth);
    this.#measured = makeState(nJoints);
    this.#noise = new RandomStream(options.key ?? [0, 0]);
    this.#delay = new CommandDelay(nJoints);
    this.#torques = new Float64Array(nJoints);
    this.#dynamics = cloneDynamics(dynamics);
    this.#mujoco = mujoco;
    this.#mj = compile(mujoco, model);
    const mj = this.#mj;
    mj.opt.timestep = this.physicsDt;
    mj.opt.integrator = mujoco.mjtIntegrator.mjINT_RK4.value;
    // A diverged state must be seen here, not silently put back to zero.
    mj.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_AUTORESET.value;
    this.#data = new mujoco.MjData(mj);
    this.#addresses = jointNames(model).map((name) => {
      const accessor = mj.jnt(name);
      const joint = accessor.id;
      accessor.delete();
      return { qpos: mj.jnt_qposadr[joint], dof: mj.jnt_dofadr[joint], body: mj.jnt_bodyid[joint] };
    });
    this.#nominal = {
      mass: Float64Array.from(mj.body_mass as Float64Array),
      inertia: Float64Array.from(mj.body_inertia as Float64Array),
      com: Float64Array.from(mj.body_ipos as Float64Array),
    };
    this.#views = this.#lookAtData();
    this.reset(this.truth.q, this.truth.qd);
  }

  get dynamics(): Dynamics {
    return this.#dynamics;
  }

  /** Takes effect at the next reset. */
  setDynamics(dynamics: Dynamics): void {
    this.#dynamics = cloneDynamics(dynamics);
  }

  /** Seed the sensor noise of the coming episode. */
  seedNoise(key: Key): void {
    this.#noise.reset(key);
  }

  setScene(): void {}

  push(): void {}

  updateDynamics(dynamics: Dynamics): void {
    this.setDynamics(dynamics);
  }

  resetTo({ q, qd }: StartState): void {
    this.reset(q, qd);
  }

  reset(q: ArrayLike<number>, qd: ArrayLike<number>): void {
    this.#applyDynamics();
    this.#mujoco.mj_resetData(this.#mj, this.#data);
    const { qpos, qvel } = this.#fresh();
    for (const [j, address] of this.#addresses.entries()) {
      qpos[address.qpos] = q[j]!;
      qvel[address.dof] = qd[j]!;
    }
    this.#delay.reset();
    this.#steps = 0;
    this.truth.effort.fill(0);
    this.#read();
    this.#sense();
  }

  /** @throws NumericError for a command that is not finite */
  act(command: JointCommand): void {
    for (const field of ['q', 'qd', 'effort', 'kp', 'kd'] as const) {
      const bad = command[field].findIndex((value) => !Number.isFinite(value));
      if (bad >= 0) throw new NumericError(`command ${field} of joint ${this.#nameOf(bad)} is ${command[field][bad]}`);
    }
    this.#delay.push(command, this.truth.time + this.#dynamics.latency);
  }

  step(seconds: number): void {
    const steps = Math.round(seconds / this.physicsDt);
    if (Math.abs(steps * this.physicsDt - seconds) > 1e-9) {
      throw new InputError(`a step of ${seconds} s is no whole number of physics steps of ${this.physicsDt} s`, {
        repair: 'choose a control rate whose period is a multiple of the physics step',
      });
    }
    for (let i = 0; i < steps; i++) {
      this.#actuate();
      this.#mujoco.mj_step(this.#mj, this.#data);
      this.#steps++;
      this.#read();
    }
    this.#sense();
  }

  observe(): RobotState {
    return this.#measured;
  }

  /** Kinetic and potential energy, J; potential relative to the world's origin. */
  energy(): { kinetic: number; potential: number } {
    this.#mujoco.mj_forward(this.#mj, this.#data);
    this.#mujoco.mj_energyPos(this.#mj, this.#data);
    this.#mujoco.mj_energyVel(this.#mj, this.#data);
    const [potential, kinetic] = this.#data.energy as Float64Array;
    return { potential: potential!, kinetic: kinetic! };
  }

  /** Frees the engine's memory. Calling it again does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#data.delete();
    this.#mj.delete();
  }

  #applyDynamics(): void {
    const { massScale, comScale, armature, damping, friction, gravity } = this.#dynamics;
    const mj = this.#mj;
    const { mass, inertia, com } = this.#nominal;
    const timeConstant = FRICTION_STEPS * this.physicsDt;
    for (const [j, { dof, body }] of this.#addresses.entries()) {
      mj.body_mass[body] = massScale[j]! * mass[body]!;
      for (let k = 0; k < 3; k++) {
        mj.body_inertia[3 * body + k] = massScale[j]! * inertia[3 * body + k]!;
        // URDF puts the link's frame at its joint, so this is the distance from the joint.
        mj.body_ipos[3 * body + k] = comScale[j]! * com[3 * body + k]!;
      }
      mj.dof_armature[dof] = armature[j]!;
      mj.dof_damping[dof] = damping[j]!;
      mj.dof_frictionloss[dof] = friction[j]!;
      mj.dof_solref[2 * dof] = timeConstant;
      mj.dof_solref[2 * dof + 1] = 1;
      mj.dof_solimp[5 * dof] = FRICTION_IMPEDANCE;
      mj.dof_solimp[5 * dof + 1] = FRICTION_IMPEDANCE;
    }
    mj.opt.gravity[0] = 0;
    mj.opt.gravity[1] = 0;
    mj.opt.gravity[2] = -gravity;
    this.#mujoco.mj_setConst(mj, this.#data);
  }

  #actuate(): void {
    const { torqueScale, torqueOffset, torqueLimit } = this.#dynamics;
    const { applied } = this.#fresh();
    this.#delay.torques(this.truth, this.truth.time, this.physicsDt, torqueLimit, this.#torques);
    for (const [j, { dof }] of this.#addresses.entries()) {
      // motor: tau = scale * clip(tau*) + offset
      const tau = torqueScale[j]! * this.#torques[j]! + torqueOffset[j]!;
      this.truth.effort[j] = tau;
      applied[dof] = tau;
    }
  }

  #read(): void {
    const { qpos, qvel } = this.#fresh();
    const { truth } = this;
    truth.time = this.#steps * this.physicsDt;
    for (let j = 0; j < this.#addresses.length; j++) {
      const address = this.#addresses[j]!;
      truth.q[j] = qpos[address.qpos]!;
      truth.qd[j] = qvel[address.dof]!;
      if (!Number.isFinite(truth.q[j]!) || !Number.isFinite(truth.qd[j]!)) {
        throw new NumericError(
          `joint ${this.#nameOf(j)} has q ${truth.q[j]}, qd ${truth.qd[j]} at ${truth.time.toFixed(4)} s: the simulation diverged`,
        );
      }
    }
  }

  /** What the encoders say of the truth. */
  #sense(): void {
    copyState(this.truth, this.#measured);
    const { positionNoise, velocityNoise } = this.#dynamics;
    if (positionNoise === 0 && velocityNoise === 0) return;
    const { q, qd } = this.#measured;
    for (let j = 0; j < q.length; j++) {
      q[j] = q[j]! + positionNoise * this.#noise.normal();
      qd[j] = qd[j]! + velocityNoise * this.#noise.normal();
    }
  }

  #fresh(): Views {
    // A view whose memory has moved has length 0.
    if (this.#views.qpos.length === 0) this.#views = this.#lookAtData();
    return this.#views;
  }

  #lookAtData(): Views {
    return { qpos: this.#data.qpos, qvel: this.#data.qvel, applied: this.#data.qfrc_applied };
  }

  #nameOf(j: number): string {
    return this.model.joints[this.model.dof[j]!]!.name;
  }
}
