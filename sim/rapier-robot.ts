/**
 * A robot in Rapier: one world of its own, impulse joints, torques applied at every physics step. Facts about the engine
 * that shaped this file: it has no joint coordinate, so q comes from the two bodies' rotations; it has no armature, so
 * that is added to the moved link's inertia; linvel() is the velocity of the centre of mass; a reset builds the world
 * anew, because the solver's warm start would otherwise leak from one episode into the next.
 */

import { NumericError } from '../core/errors.ts';
import type { Key } from '../core/rng.ts';
import type { JointCommand, RobotState } from '../core/robot.ts';
import { jointNames, type RobotModel } from '../core/robot-model.ts';
import { rotateBackAt } from '../core/rotation.ts';
import { Drives } from './actuators/drives.ts';
import { CoulombFriction } from './coulomb-friction.ts';
import { cloneDynamics, type Dynamics } from './dynamics.ts';
import { type RobotRig, rigRobot } from './joint-rig.ts';
import { feltInertias, MassMatrix } from './mass-matrix.ts';
import { type PhysicsSettings, type Rapier, rawEngine } from './rapier.ts';
import { RapierBodies } from './rapier-bodies.ts';
import { RapierJoints } from './rapier-joints.ts';
import { placeRobot } from './rapier-placement.ts';
import { RawWorld } from './rapier-raw.ts';
import { RapierRotors } from './rapier-rotors.ts';
import { RapierSenses } from './rapier-senses.ts';
import { buildWorld, type RapierParts } from './rapier-world.ts';
import { RobotSensing } from './robot-sensing.ts';
import { type ActuatorSpec, PLAIN_ROBOT, type RobotSpec } from './robot-spec.ts';
import { EMPTY_SCENE, OBJECT_STRIDE, type Scene } from './scene.ts';
import type { SensedWorld } from './sensed-world.ts';
import type { EnvironmentRobot } from './simulated-robot.ts';
import type { StartState } from './task.ts';

const IDEAL: ActuatorSpec = { kind: 'pd' };
/**
 * Share of the inertia that a joint feels at the start which it feels at least in any pose; on a floating base also when its
 * feet stand and several joints move one trunk: with half of it four hips ring against each other.
 */
const POSE_MARGIN = { fixed: 0.5, floating: 0.25 } as const;

export class RapierRobot implements EnvironmentRobot {
  readonly model: RobotModel;
  /** Where the scene's objects are, [nObjects, OBJECT_STRIDE]. */
  objects: Float64Array = new Float64Array(0);
  readonly #rapier: Rapier;
  readonly #physics: PhysicsSettings;
  readonly #spec: RobotSpec;
  readonly #rig: RobotRig;
  readonly #sensing: RobotSensing;
  readonly #senses: RapierSenses;
  readonly #joints: RapierJoints;
  readonly #rotors: RapierRotors;
  readonly #mass: MassMatrix;
  readonly #drives: Drives;
  readonly #friction: CoulombFriction;
  /** Of the motors, [nJoints]. */
  readonly #torques: Float64Array;
  /** Those and frictions, [nJoints]. */
  readonly #loads: Float64Array;
  /** What each joint feels of inertia at the start, and at least in any pose, kg m2 or kg, [nJoints]. */
  readonly #felt: Float64Array;
  readonly #inertias: Float64Array;
  /** Viscous friction as applied, N m s/rad, [nJoints]. */
  readonly #damping: Float64Array;
  readonly #start: StartState;
  #dynamics: Dynamics;
  #scene: Scene = EMPTY_SCENE;
  #parts: RapierParts | undefined;
  #world: RawWorld | undefined;
  #bodies: RapierBodies | undefined;

  /** @throws InputError for a joint, actuator or sensor this simulator cannot build */
  constructor(
    rapier: Rapier,
    model: RobotModel,
    dynamics: Dynamics,
    physics: PhysicsSettings,
    spec: RobotSpec = PLAIN_ROBOT,
  ) {
    this.model = model;
    this.#rapier = rapier;
    this.#physics = physics;
    this.#spec = spec;
    this.#dynamics = cloneDynamics(dynamics);
    const names = jointNames(model);
    const actuators = names.map((name) => spec.actuators[name] ?? IDEAL);
    this.#rig = rigRobot(
      model,
      names.filter((_, j) => actuators[j]!.kind === 'rotor'),
    );
    this.#sensing = new RobotSensing(model, spec);
    this.#senses = new RapierSenses(model, this.#rig);
    this.#joints = new RapierJoints(this.#rig, this.#senses, physics.physicsDt);
    this.#rotors = new RapierRotors(actuators, model, this.#rig);
    this.#mass = new MassMatrix(this.#rig, model.base);
    this.#drives = new Drives(actuators, physics.physicsDt);
    this.#friction = new CoulombFriction(names.length, physics.physicsDt);
    this.#torques = new Float64Array(names.length);
    this.#loads = new Float64Array(names.length);
    this.#felt = new Float64Array(names.length);
    this.#inertias = new Float64Array(names.length);
    this.#damping = new Float64Array(names.length);
    this.#start = {
      q: new Float64Array(names.length),
      qd: new Float64Array(names.length),
      base: Float64Array.of(0, 0, 0, 0, 0, 0, 1),
      twist: new Float64Array(6),
    };
    this.resetTo(this.#start);
  }

  /** The state without sensor noise. Reused. */
  get truth(): RobotState {
    return this.#sensing.truth;
  }

  get dynamics(): Dynamics {
    return this.#dynamics;
  }

  get scene(): Scene {
    return this.#scene;
  }

  /** Inertia that joint j feels at the start of the episode while the others are free, kg m2 or kg. */
  feltInertia(j: number): number {
    return this.#felt[j]!;
  }

  /** Largest distance between the two bodies' ideas of where a joint is, m. */
  get jointSeparation(): number {
    return this.#joints.separation();
  }

  /** What the robot's sensors ask: link poses and velocities, rays, contact forces. */
  get world(): SensedWorld {
    return this.#senses;
  }

  setDynamics(dynamics: Dynamics): void {
    this.#dynamics = cloneDynamics(dynamics);
  }

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
    const { truth } = this;
    this.#start.base.set(start.base);
    this.#start.twist.set(start.twist);
    truth.time = 0;
    truth.q.set(start.q);
    truth.qd.set(start.qd);
    truth.base.set(start.base);
    truth.twist.set(start.twist);
    truth.effort.fill(0);
    this.#build();
    this.#sensing.restart(this.#dynamics);
    this.#readWorld();
  }

  updateDynamics(dynamics: Dynamics): void {
    const { world } = this.#parts!;
    this.#dynamics = cloneDynamics(dynamics);
    this.#drives.update(dynamics);
    this.#setDamping();
    for (let j = 0; j < dynamics.friction.length; j++) this.#friction.setLimit(j, dynamics.friction[j]!);
    this.#world!.setGravity(dynamics.gravity);
    this.#senses.gravity = dynamics.gravity;
    const { Min } = this.#rapier.CoefficientCombineRule;
    world.colliders.forEach((collider) => {
      // Free objects have a friction of their own.
      if (collider.frictionCombineRule() !== Min) collider.setFriction(dynamics.contactFriction);
    });
  }

  push(change: ArrayLike<number>): void {
    if (this.model.base === 'fixed') return;
    // Rapier counts in float32 and stands still from an infinite velocity on: nothing would be seen of it afterwards.
    for (let k = 0; k < 6; k++) {
      if (Number.isFinite(Math.fround(change[k]!))) continue;
      throw new NumericError(`a shove of ${change[k]} at ${this.truth.time.toFixed(4)} s`);
    }
    const { bodies } = this.#parts!;
    const origin = bodies[0]!.translation();
    const [wx, wy, wz] = [change[3]!, change[4]!, change[5]!];
    // The whole robot moves with its base: dv + dw x r of every body, so that no joint is torn.
    for (const body of bodies) {
      const com = body.worldCom();
      const [x, y, z] = [com.x - origin.x, com.y - origin.y, com.z - origin.z];
      const v = body.linvel();
      const w = body.angvel();
      body.setLinvel(
        {
          x: v.x + change[0]! + wy * z - wz * y,
          y: v.y + change[1]! + wz * x - wx * z,
          z: v.z + change[2]! + wx * y - wy * x,
        },
        false,
      );
      body.setAngvel({ x: w.x + wx, y: w.y + wy, z: w.z + wz }, false);
    }
    this.#bodies!.readMotion();
    this.#joints.read(this.truth);
  }

  act(command: JointCommand): void {
    this.#drives.push(command, this.truth.time);
  }

  step(seconds: number): void {
    const { physicsDt } = this.#physics;
    const steps = Math.round(seconds / physicsDt);
    const world = this.#world!;
    const { truth } = this;
    for (let i = 0; i < steps; i++) {
      this.#actuate();
      world.step();
      truth.time += physicsDt;
      this.#bodies!.readMotion();
      this.#joints.read(truth);
    }
    this.#readWorld();
  }

  observe(): RobotState {
    return this.#sensing.measured;
  }

  close(): void {
    this.#parts?.world.free();
    this.#parts = undefined;
  }

  /** Torques of motors, frictions and stops about each joint's axis, equal and opposite on the two bodies. */
  #actuate(): void {
    const { truth } = this;
    const damping = this.#damping;
    const bodies = this.#bodies!;
    const torques = this.#torques;
    this.#drives.torques(truth, torques);
    bodies.clear();
    const loads = this.#loads;
    for (let j = 0; j < loads.length; j++) {
      truth.effort[j] = torques[j]!;
      // viscous friction: -b qd
      loads[j] = torques[j]! - damping[j]! * truth.qd[j]!;
    }
    this.#friction.resist(truth.qd, loads);
    for (let j = 0; j < loads.length; j++) if (!Number.isFinite(Math.fround(loads[j]!))) this.#refuse(j);
    this.#joints.apply(loads);
    this.#rotors.blow(torques, bodies, this.#parts!.masses, truth);
    bodies.apply(this.#joints.slides || this.#rotors.count > 0);
  }

  /** @throws NumericError for the load of joint j */
  #refuse(j: number): never {
    const { q, qd, time } = this.truth;
    const name = jointNames(this.model)[j];
    throw new NumericError(
      `torque of joint ${name} is ${this.#loads[j]} at ${time.toFixed(4)} s (q ${q[j]}, qd ${qd[j]})`,
    );
  }

  /** Base and objects from the bodies, then what sensors say. */
  #readWorld(): void {
    if (this.model.base === 'floating') this.#readBase();
    this.#senses.readObjects(this.objects);
    this.#sensing.sense(this.#senses, this.#dynamics);
  }

  #readBase(): void {
    const { base, twist } = this.truth;
    const { rotations, spins } = this.#bodies!;
    this.#bodies!.readPosition(0, base, 0);
    for (let k = 0; k < 4; k++) base[3 + k] = rotations[k]!;
    // Angular velocity along the base's axes: R^T w.
    rotateBackAt(base, 3, spins, twist);
    for (let k = 0; k < 3; k++) twist[3 + k] = twist[k]!;
    this.#senses.originVelocity(0, twist);
    if (!Number.isFinite(base[0]! + base[1]! + base[2]! + twist[0]! + twist[3]!)) {
      throw new NumericError(`the base is at ${Array.from(base).join(', ')} at ${this.truth.time.toFixed(4)} s`);
    }
  }

  /** A new world with the bodies at `truth`. */
  #build(): void {
    const { model, truth } = this;
    this.#parts?.world.free();
    const plan = { model, rig: this.#rig, physics: this.#physics, selfCollision: this.#spec.selfCollision };
    const parts = buildWorld(this.#rapier, plan, this.#dynamics, this.#scene);
    this.#parts = parts;
    placeRobot(model, this.#rig, parts, truth);
    const world = new RawWorld(this.#rapier, rawEngine(), parts.world);
    this.#world = world;
    const bodies = new RapierBodies(world, parts.bodies);
    this.#bodies = bodies;
    this.#senses.look(world, parts, bodies, this.#dynamics.gravity, this.#physics);
    // A lone joint on a fixed base moves its link, and nothing else moves.
    const alone = this.#rig.joints.length === 1 && model.base === 'fixed';
    this.#mass.weigh(parts.masses);
    const felt = alone ? parts.inertias : feltInertias(this.#mass, this.#rig, truth);
    // Springs and dampers must be soft enough in every pose, and what a joint feels changes with it.
    const least = alone ? felt : felt.map((inertia) => POSE_MARGIN[model.base] * inertia);
    this.#joints.look(least, bodies, truth);
    for (const [i, { mimic, dof }] of this.#rig.joints.entries()) {
      if (mimic !== null) continue;
      this.#felt[dof] = felt[i]!;
      this.#inertias[dof] = least[i]!;
      this.#friction.reset(dof, this.#dynamics.friction[dof]!, least[i]!);
    }
    this.#drives.reset(this.#dynamics, this.#felt, this.#mass);
    this.#setDamping();
    this.objects = new Float64Array(parts.objects.length * OBJECT_STRIDE);
    if (this.#sensing.castsRays) this.#senses.prepareRays();
  }

  /**
   * Viscous friction b. Where one step would take away more than a tenth of a joint's velocity it is solved for the end of
   * the step, b / (1 + b dt / I): light wrists of arms with stiff gears would ring and fly apart otherwise.
   */
  #setDamping(): void {
    const { damping } = this.#dynamics;
    for (let j = 0; j < damping.length; j++) {
      const share = (damping[j]! * this.#physics.physicsDt) / this.#inertias[j]!;
      this.#damping[j] = share > 0.1 ? damping[j]! / (1 + share) : damping[j]!;
    }
  }
}

export type { PhysicsSettings } from './rapier.ts';
export { loadRapier, RAPIER } from './rapier.ts';
