/**
 * The twin: the same robot and scene in MuJoCo, a second engine that nobody tuned a policy for. Facts that shaped this file:
 * - Without contacts: RK4 at 2 ms. A pendulum swung from 3 rad stays within 1e-9 rad of the exact motion for 6 s; MuJoCo's
 *   semi-implicit Euler is off by 9e-3 rad. With contacts: implicitfast and elliptic cones at the same step.
 * - MuJoCo's Coulomb friction is a soft constraint which creeps below the limit and blurs the sign change. With the
 *   stiffness set in sim/twin-model.ts, a pendulum with friction stays within 4e-3 rad for 6 s (1.7e-2 with the defaults).
 * - Motor torques go in as qfrc_applied: limits are those of `Dynamics`. Viscous friction, Coulomb friction and armature are
 *   MuJoCo's own.
 */

import type { MainModule } from '@mujoco/mujoco';
import { InputError, NumericError } from '../core/errors.ts';
import type { Key } from '../core/rng.ts';
import type { JointCommand, RobotState } from '../core/robot.ts';
import type { RobotModel } from '../core/robot-model.ts';
import { quatConjugate, quatRotate } from '../core/rotation.ts';
import { Drives } from './actuators/drives.ts';
import { rotorReaction } from './actuators/rotor.ts';
import { cloneDynamics, type Dynamics } from './dynamics.ts';
import { type RobotRig, rigRobot } from './joint-rig.ts';
import { feltInertias, MassMatrix } from './mass-matrix.ts';
import { hasContacts, type MjcfPlan } from './mjcf.ts';
import { loadMujoco, TWIN_DT } from './mujoco.ts';
import { RobotSensing } from './robot-sensing.ts';
import { type ActuatorSpec, PLAIN_ROBOT, type RobotSpec } from './robot-spec.ts';
import { type RotorMount, rotorMounts } from './rotors.ts';
import { EMPTY_SCENE, OBJECT_STRIDE, type Scene } from './scene.ts';
import type { SensedWorld } from './sensed-world.ts';
import type { EnvironmentRobot } from './simulated-robot.ts';
import type { StartState } from './task.ts';
import { TwinModel } from './twin-model.ts';
import { TwinSenses } from './twin-senses.ts';

const IDEAL: ActuatorSpec = { kind: 'pd' };

export interface TwinOptions {
  /** Drives and sensors. @default ideal motors, encoders alone */
  readonly spec?: RobotSpec;
  /** One physics step, s. @default the longest up to TWIN_DT that divides `period` */
  readonly physicsDt?: number;
  /** Of control, s: what `step` will be given. */
  readonly period?: number;
  /** Sensor noise's key. @default that of seed 0 */
  readonly key?: Key;
}

/** @throws InputError for a robot, drive or sensor that cannot be built */
export async function makeTwin(model: RobotModel, dynamics: Dynamics, options: TwinOptions = {}): Promise<MujocoRobot> {
  return new MujocoRobot(await loadMujoco(), model, dynamics, options);
}

/** The longest step up to TWIN_DT of which a whole number makes a period, s. */
export function dividingStep(period: number): number {
  // A period that is a multiple within rounding takes no shorter step.
  return period / Math.ceil(period / TWIN_DT - 1e-9);
}

export class MujocoRobot implements EnvironmentRobot {
  readonly model: RobotModel;
  readonly physicsDt: number;
  readonly #mujoco: MainModule;
  readonly #rig: RobotRig;
  readonly #plan: MjcfPlan;
  readonly #sensing: RobotSensing;
  readonly #senses: TwinSenses;
  readonly #mass: MassMatrix;
  readonly #drives: Drives;
  readonly #rotors: readonly RotorMount[];
  /** Of the motors, [nJoints]. */
  readonly #torques: Float64Array;
  readonly #inertias: Float64Array;
  readonly #start: StartState;
  readonly #rotation = new Float64Array(4);
  readonly #axis = new Float64Array(3);
  readonly #arm = new Float64Array(3);
  #dynamics: Dynamics;
  #scene: Scene = EMPTY_SCENE;
  #twin: TwinModel;
  #objects = new Float64Array(0);
  /** Physics steps since the reset: times are multiples, not sums, of the step. */
  #steps = 0;
  #closed = false;

  constructor(mujoco: MainModule, model: RobotModel, dynamics: Dynamics, options: TwinOptions = {}) {
    const { spec = PLAIN_ROBOT, period = TWIN_DT } = options;
    const names = model.dof.map((index) => model.joints[index]!.name);
    const actuators = names.map((name) => spec.actuators[name] ?? IDEAL);
    this.model = model;
    this.physicsDt = options.physicsDt ?? dividingStep(period);
    this.#mujoco = mujoco;
    this.#rig = rigRobot(
      model,
      names.filter((_, j) => actuators[j]!.kind === 'rotor'),
    );
    this.#plan = { model, rig: this.#rig, selfCollision: spec.selfCollision };
    this.#sensing = new RobotSensing(model, spec);
    if (options.key !== undefined) this.#sensing.seed(options.key);
    this.#senses = new TwinSenses(mujoco, model, this.#rig);
    this.#mass = new MassMatrix(this.#rig, model.base);
    this.#drives = new Drives(actuators, this.physicsDt);
    this.#rotors = rotorMounts(actuators, model, this.#rig);
    this.#torques = new Float64Array(names.length);
    this.#inertias = new Float64Array(names.length);
    this.#dynamics = cloneDynamics(dynamics);
    this.#start = {
      q: new Float64Array(names.length),
      qd: new Float64Array(names.length),
      base: Float64Array.of(0, 0, 0, 0, 0, 0, 1),
      twist: new Float64Array(6),
    };
    this.#twin = this.#compile();
    try {
      this.resetTo(this.#start);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The state without sensor noise. Reused. */
  get truth(): RobotState {
    return this.#sensing.truth;
  }

  get objects(): Float64Array {
    return this.#objects;
  }

  get dynamics(): Dynamics {
    return this.#dynamics;
  }

  get scene(): Scene {
    return this.#scene;
  }

  /** Takes effect at the next reset. */
  setDynamics(dynamics: Dynamics): void {
    this.#dynamics = cloneDynamics(dynamics);
  }

  /** Takes effect at the next reset. Another object is another scene, and is compiled anew. */
  setScene(scene: Scene): void {
    this.#scene = scene;
  }

  seedNoise(key: Key): void {
    this.#sensing.seed(key);
  }

  /** With the base where it last began. */
  reset(q: ArrayLike<number>, qd: ArrayLike<number>): void {
    this.#start.q.set(q);
    this.#start.qd.set(qd);
    this.resetTo(this.#start);
  }

  resetTo(start: StartState): void {
    if (start !== this.#start) {
      this.#start.base.set(start.base);
      this.#start.twist.set(start.twist);
    }
    if (this.#twin.scene !== this.#scene) this.#recompile();
    const twin = this.#twin;
    twin.apply(this.#dynamics);
    this.#weigh(start);
    this.#mujoco.mj_resetData(twin.mj, twin.data);
    twin.place(start);
    this.#drives.reset(this.#dynamics, this.#inertias, this.#mass);
    this.#steps = 0;
    const { truth } = this;
    // What the engine does not hold: a fixed base, joints of rotors.
    truth.q.set(start.q);
    truth.qd.set(start.qd);
    truth.base.set(start.base);
    truth.twist.set(start.twist);
    truth.effort.fill(0);
    this.#sensing.restart(this.#dynamics);
    this.#read();
    this.#sense();
  }

  /**
   * What each joint feels of inertia, for the drives and for the integrator: RK4 is exact where motion is smooth, but takes
   * viscous friction at its word, and where that stops a light wrist within a step it diverges; implicitfast does not.
   */
  #weigh(start: StartState): void {
    const { armature, damping } = this.#dynamics;
    const twin = this.#twin;
    this.#mass.weigh(twin.masses, armature);
    const felt = feltInertias(this.#mass, this.#rig, start);
    let stiff = false;
    for (const [i, { mimic, dof }] of this.#rig.joints.entries()) {
      if (mimic !== null) continue;
      this.#inertias[dof] = felt[i]!;
      stiff ||= damping[dof]! * this.physicsDt > 0.1 * felt[i]!;
    }
    const { mjINT_IMPLICITFAST, mjINT_RK4 } = this.#mujoco.mjtIntegrator;
    const smooth = !hasContacts(this.#plan, this.#scene) && !stiff;
    twin.mj.opt.integrator = (smooth ? mjINT_RK4 : mjINT_IMPLICITFAST).value;
  }

  updateDynamics(dynamics: Dynamics): void {
    this.#dynamics = cloneDynamics(dynamics);
    this.#drives.update(dynamics);
    this.#twin.update(dynamics);
    this.#senses.gravity = dynamics.gravity;
  }

  push(change: ArrayLike<number>): void {
    const { baseDof, baseQpos, views } = this.#twin;
    if (baseDof < 0) return;
    const { qvel, qpos } = views;
    const spin = this.#axis;
    for (let k = 0; k < 3; k++) spin[k] = change[3 + k]!;
    this.#turnFrom(qpos, baseQpos + 3);
    quatRotate(quatConjugate(this.#rotation, this.#rotation), spin, spin);
    for (let k = 0; k < 3; k++) {
      qvel[baseDof + k] = qvel[baseDof + k]! + change[k]!;
      qvel[baseDof + 3 + k] = qvel[baseDof + 3 + k]! + spin[k]!;
    }
  }

  /** @throws NumericError for a command that is not finite */
  act(command: JointCommand): void {
    for (const field of FIELDS) {
      const values = command[field];
      for (let j = 0; j < values.length; j++) {
        if (Number.isFinite(values[j]!)) continue;
        throw new NumericError(`command ${field} of joint ${this.#nameOf(j)} is ${values[j]}`);
      }
    }
    this.#drives.push(command, this.truth.time);
  }

  step(seconds: number): void {
    const steps = Math.round(seconds / this.physicsDt);
    if (Math.abs(steps * this.physicsDt - seconds) > 1e-9) {
      throw new InputError(`a step of ${seconds} s is no whole number of physics steps of ${this.physicsDt} s`, {
        repair: 'choose a control rate whose period is a multiple of the physics step',
      });
    }
    const { mj, data } = this.#twin;
    for (let i = 0; i < steps; i++) {
      this.#actuate();
      this.#mujoco.mj_step(mj, data);
      this.#steps++;
      this.#read();
    }
    this.#sense();
  }

  observe(): RobotState {
    return this.#sensing.measured;
  }

  /** What the robot's sensors ask: link poses and velocities, rays, contact forces. */
  get world(): SensedWorld {
    return this.#senses;
  }

  /** Kinetic and potential energy of robot and objects, J; potential relative to the world's origin. */
  energy(): { kinetic: number; potential: number } {
    const { mj, data } = this.#twin;
    this.#mujoco.mj_forward(mj, data);
    this.#mujoco.mj_energyPos(mj, data);
    this.#mujoco.mj_energyVel(mj, data);
    const [potential, kinetic] = data.energy as Float64Array;
    return { potential: potential!, kinetic: kinetic! };
  }

  /** Frees the engine's memory. Calling it again does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#twin.close();
  }

  #compile(): TwinModel {
    this.#objects = new Float64Array(this.#scene.objects.length * OBJECT_STRIDE);
    return new TwinModel(this.#mujoco, this.#plan, this.#scene, this.physicsDt);
  }

  #recompile(): void {
    const twin = this.#compile();
    this.#twin.close();
    this.#twin = twin;
  }

  #actuate(): void {
    const { truth } = this;
    const torques = this.#torques;
    this.#drives.torques(truth, torques);
    const { views, dofOf } = this.#twin;
    const { applied } = views;
    truth.effort.set(torques);
    for (let i = 0; i < this.#rig.joints.length; i++) {
      const { dof, mimic } = this.#rig.joints[i]!;
      if (mimic === null) applied[dofOf[i]!] = torques[dof]!;
    }
    if (this.#rotors.length === 0) return;
    this.#twin.refresh();
    views.pushed.fill(0);
    for (let i = 0; i < this.#rotors.length; i++) this.#blow(this.#rotors[i]!);
  }

  /** A propeller's thrust at its joint and the torque of the air, as force and torque at the body's centre of mass. */
  #blow({ dof, body, axis, at, spec }: RotorMount): void {
    const { views, bodyOf, masses } = this.#twin;
    const { pushed, xquat } = views;
    const id = bodyOf[body]!;
    const { com } = masses[body]!;
    const turned = this.#axis;
    const arm = this.#arm;
    this.#turnFrom(xquat, 4 * id);
    quatRotate(this.#rotation, axis, turned);
    for (let k = 0; k < 3; k++) arm[k] = at[k]! - com[k]!;
    quatRotate(this.#rotation, arm, arm);
    const thrust = this.#torques[dof]!;
    const reaction = rotorReaction(spec, thrust);
    const to = 6 * id;
    for (let k = 0; k < 3; k++) {
      const m = (k + 1) % 3;
      const n = (k + 2) % 3;
      pushed[to + k] = pushed[to + k]! + thrust * turned[k]!;
      // tau = r x F + reaction about the axis
      pushed[to + 3 + k] =
        pushed[to + 3 + k]! + thrust * (arm[m]! * turned[n]! - arm[n]! * turned[m]!) + reaction * turned[k]!;
    }
  }

  #read(): void {
    const { truth } = this;
    const { views, qposOf, dofOf, baseQpos, baseDof } = this.#twin;
    const { qpos, qvel } = views;
    truth.time = this.#steps * this.physicsDt;
    for (let i = 0; i < this.#rig.joints.length; i++) {
      const { dof: j, mimic } = this.#rig.joints[i]!;
      if (mimic !== null) continue;
      const q = qpos[qposOf[i]!]!;
      const qd = qvel[dofOf[i]!]!;
      truth.q[j] = q;
      truth.qd[j] = qd;
      if (!Number.isFinite(q) || !Number.isFinite(qd)) this.#diverged(`joint ${this.#nameOf(j)} has q ${q}, qd ${qd}`);
    }
    if (baseQpos < 0) return;
    const { base, twist } = truth;
    let sum = 0;
    for (let k = 0; k < 3; k++) {
      base[k] = qpos[baseQpos + k]!;
      base[3 + k] = qpos[baseQpos + 4 + k]!;
    }
    base[6] = qpos[baseQpos + 3]!;
    for (let k = 0; k < 6; k++) {
      twist[k] = qvel[baseDof + k]!;
      sum += base[k]! + twist[k]!;
    }
    if (!Number.isFinite(sum)) this.#diverged(`the base is at ${Array.from(base).join(', ')}`);
  }

  #sense(): void {
    this.#senses.look(this.#twin);
    this.#senses.gravity = this.#dynamics.gravity;
    this.#senses.readObjects(this.#objects);
    this.#sensing.sense(this.#senses, this.#dynamics);
  }

  /** The engine's w, x, y, z from `at` on, into #rotation. */
  #turnFrom(quats: Float64Array, at: number): void {
    for (let k = 0; k < 3; k++) this.#rotation[k] = quats[at + 1 + k]!;
    this.#rotation[3] = quats[at]!;
  }

  #diverged(what: string): never {
    throw new NumericError(`${what} at ${this.truth.time.toFixed(4)} s: the simulation diverged`);
  }

  #nameOf(j: number): string {
    return this.model.joints[this.model.dof[j]!]!.name;
  }
}

const FIELDS = ['q', 'qd', 'effort', 'kp', 'kd'] as const;

export { loadMujoco, MUJOCO, TWIN_DT } from './mujoco.ts';
