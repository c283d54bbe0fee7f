/**
 * A robot in Rapier: one world of its own, impulse joints, torques applied at every physics step. Facts about the engine
 * that shaped this file: it has no joint coordinate, so q comes from the two bodies' rotations; it has no armature, so
 * that is added to the moved link's inertia; linvel() is the velocity of the centre of mass; a reset builds the world
 * anew, because the solver's warm start would otherwise leak from one episode into the next.
 */

import type RapierNamespace from '@dimforge/rapier3d';
import { InputError, NumericError } from '../core/errors.ts';
import { forwardKinematics } from '../core/kinematics.ts';
import { atan2, wrapAngle } from '../core/math.ts';
import { type Key, RandomStream } from '../core/rng.ts';
import { copyState, type JointCommand, makeState, type RobotState, type SimulatedRobot } from '../core/robot.ts';
import type { Quat, RobotModel, Vec3 } from '../core/robot-model.ts';
import { quatMultiply, quatRotate } from '../core/rotation.ts';
import { CommandDelay } from './command-delay.ts';
import { CoulombFriction } from './coulomb-friction.ts';
import { cloneDynamics, type Dynamics } from './dynamics.ts';
import { inertiaAbout, massProperties } from './mass-properties.ts';

type Rapier = typeof RapierNamespace;

/** The engine's package and version, as the contract records them. */
export const RAPIER = { name: '@dimforge/rapier3d-simd-compat', version: '0.20.0' } as const;

export interface PhysicsSettings {
  /** One `World.step`, s. */
  readonly physicsDt: number;
  /** Sub-steps of the solver within one step. */
  readonly solverIterations: number;
}

let loading: Promise<Rapier> | undefined;

/** Load and start the engine, once. */
export function loadRapier(): Promise<Rapier> {
  loading ??= import('@dimforge/rapier3d').then(async (module) => {
    await module.default.init();
    return module.default;
  });
  return loading;
}

/** One joint as the inner loop needs it; axis and anchors in the world's frame at the zero pose. */
interface JointRig {
  readonly parent: number;
  readonly child: number;
  readonly axis: Vec3;
  readonly anchor: Vec3;
}

interface Mutable3 {
  x: number;
  y: number;
  z: number;
}

interface Mutable4 extends Mutable3 {
  w: number;
}

const ZERO = { x: 0, y: 0, z: 0 };
const IDENTITY = { x: 0, y: 0, z: 0, w: 1 };

export class RapierRobot implements SimulatedRobot {
  readonly model: RobotModel;
  /** The state without sensor noise. Reused. */
  readonly truth: RobotState;
  readonly #rapier: Rapier;
  readonly #settings: PhysicsSettings;
  readonly #joints: readonly JointRig[];
  readonly #zeroPoses: Float64Array;
  readonly #poses: Float64Array;
  readonly #measured: RobotState;
  readonly #noise = new RandomStream([0, 0]);
  readonly #delay: CommandDelay;
  readonly #friction: CoulombFriction;
  readonly #torques: Float64Array;
  #dynamics: Dynamics;
  #world: RapierNamespace.World | undefined;
  #bodies: RapierNamespace.RigidBody[] = [];

  readonly #rotation = { ...IDENTITY };
  readonly #parentRotation = { ...IDENTITY };
  readonly #spin = { ...ZERO };
  readonly #parentSpin = { ...ZERO };
  readonly #torque = { ...ZERO };

  /** @throws InputError for a joint this simulator cannot build */
  constructor(rapier: Rapier, model: RobotModel, dynamics: Dynamics, settings: PhysicsSettings) {
    this.model = model;
    this.#rapier = rapier;
    this.#settings = settings;
    this.#dynamics = cloneDynamics(dynamics);
    const nJoints = model.dof.length;
    this.truth = makeState(nJoints);
    this.#measured = makeState(nJoints);
    this.#delay = new CommandDelay(nJoints);
    this.#friction = new CoulombFriction(nJoints, settings.physicsDt);
    this.#torques = new Float64Array(nJoints);
    this.#zeroPoses = new Float64Array(model.links.length * 7);
    this.#poses = new Float64Array(model.links.length * 7);
    forwardKinematics(model, this.truth.q, this.#zeroPoses);
    this.#joints = rigJoints(model, this.#zeroPoses);
    this.reset(this.truth.q, this.truth.qd);
  }

  get dynamics(): Dynamics {
    return this.#dynamics;
  }

  /** To be followed by a reset: mass, inertia, gravity and Coulomb friction change only there. */
  setDynamics(dynamics: Dynamics): void {
    this.#dynamics = cloneDynamics(dynamics);
  }

  /** Seed the sensor noise of the coming episode. */
  seedNoise(key: Key): void {
    this.#noise.reset(key);
  }

  reset(q: ArrayLike<number>, qd: ArrayLike<number>): void {
    this.truth.time = 0;
    this.truth.q.set(q);
    this.truth.qd.set(qd);
    this.truth.effort.fill(0);
    this.#delay.reset();
    this.#build();
    this.#sense();
  }

  act(command: JointCommand): void {
    this.#delay.push(command, this.truth.time + this.#dynamics.latency);
  }

  step(seconds: number): void {
    const { physicsDt } = this.#settings;
    const steps = Math.round(seconds / physicsDt);
    const world = this.#world!;
    for (let i = 0; i < steps; i++) {
      this.#actuate();
      world.step();
      this.truth.time += physicsDt;
      this.#readJoints();
    }
    this.#sense();
  }

  observe(): RobotState {
    return this.#measured;
  }

  close(): void {
    this.#world?.free();
    this.#world = undefined;
  }

  /** Torques of motors and frictions about each joint's axis, equal and opposite on the two bodies. */
  #actuate(): void {
    const { truth } = this;
    const { damping, torqueScale, torqueOffset, torqueLimit } = this.#dynamics;
    const torques = this.#torques;
    this.#delay.torques(truth, truth.time, this.#settings.physicsDt, torqueLimit, torques);
    for (const body of this.#bodies) body.resetTorques(false);
    for (let j = 0; j < torques.length; j++) {
      const { axis, parent, child } = this.#joints[j]!;
      // motor: tau = scale * clip(tau*) + offset
      const motor = torqueScale[j]! * torques[j]! + torqueOffset[j]!;
      truth.effort[j] = motor;
      // viscous friction: -b qd
      const tau = motor - damping[j]! * truth.qd[j]! + this.#friction.torque(j, truth.qd[j]!);
      if (!Number.isFinite(tau)) {
        throw new NumericError(
          `torque of joint ${this.#nameOf(j)} is ${tau} at ${truth.time.toFixed(4)} s (q ${truth.q[j]}, qd ${truth.qd[j]})`,
        );
      }
      this.#addTorque(this.#bodies[child]!, axis, tau);
      this.#addTorque(this.#bodies[parent]!, axis, -tau);
    }
  }

  #addTorque(body: RapierNamespace.RigidBody, axis: Vec3, tau: number): void {
    if (body.isFixed()) return;
    // The joint's axis turns with the body: rotate it from the zero pose to now.
    const { x, y, z, w } = body.rotation(this.#rotation) as Mutable4;
    rotateInto(x, y, z, w, axis, this.#torque);
    this.#torque.x *= tau;
    this.#torque.y *= tau;
    this.#torque.z *= tau;
    body.addTorque(this.#torque, false);
  }

  /** Joint coordinates from the bodies. */
  #readJoints(): void {
    const { truth } = this;
    for (let j = 0; j < this.#joints.length; j++) {
      const { axis, parent, child } = this.#joints[j]!;
      const c = this.#bodies[child]!.rotation(this.#rotation) as Mutable4;
      const p = this.#bodies[parent]!.rotation(this.#parentRotation) as Mutable4;
      // relative rotation p^-1 c: its vector part along the axis and its scalar part
      const along =
        axis[0] * (p.w * c.x - p.x * c.w - p.y * c.z + p.z * c.y) +
        axis[1] * (p.w * c.y + p.x * c.z - p.y * c.w - p.z * c.x) +
        axis[2] * (p.w * c.z - p.x * c.y + p.y * c.x - p.z * c.w);
      const scalar = p.w * c.w + p.x * c.x + p.y * c.y + p.z * c.z;
      const angle = 2 * atan2(along, scalar);
      truth.q[j] = truth.q[j]! + wrapAngle(angle - truth.q[j]!);
      const spin = this.#bodies[child]!.angvel(this.#spin) as Mutable3;
      const base = this.#bodies[parent]!.angvel(this.#parentSpin) as Mutable3;
      rotateInto(c.x, c.y, c.z, c.w, axis, this.#torque);
      truth.qd[j] =
        (spin.x - base.x) * this.#torque.x + (spin.y - base.y) * this.#torque.y + (spin.z - base.z) * this.#torque.z;
    }
  }

  /** What the encoders say of the truth. */
  #sense(): void {
    copyState(this.truth, this.#measured);
    const { positionNoise, velocityNoise } = this.#dynamics;
    if (positionNoise === 0 && velocityNoise === 0) return;
    for (let j = 0; j < this.#measured.q.length; j++) {
      this.#measured.q[j] = this.#measured.q[j]! + positionNoise * this.#noise.normal();
      this.#measured.qd[j] = this.#measured.qd[j]! + velocityNoise * this.#noise.normal();
    }
  }

  /** A new world with the bodies at `truth`. */
  #build(): void {
    const { model, truth } = this;
    const rapier = this.#rapier;
    this.#world?.free();
    const world = new rapier.World({ x: 0, y: 0, z: -this.#dynamics.gravity });
    world.timestep = this.#settings.physicsDt;
    world.numSolverIterations = this.#settings.solverIterations;
    this.#world = world;
    forwardKinematics(model, truth.q, this.#poses);
    this.#bodies = model.links.map((link, index) => {
      const joint = this.#joints.findIndex((rig) => rig.child === index);
      const desc = joint < 0 ? rapier.RigidBodyDesc.fixed() : rapier.RigidBodyDesc.dynamic().setCanSleep(false);
      const at = index * 7;
      desc.setTranslation(this.#poses[at]!, this.#poses[at + 1]!, this.#poses[at + 2]!);
      if (joint < 0) return world.createRigidBody(desc);
      if (link.inertial === null) {
        throw new InputError(`robot ${model.name}: link ${link.name} moves but has no mass`, {
          repair: 'give it an <inertial> with a mass above 0',
        });
      }
      const spec = massProperties(
        link.inertial,
        linkRotation(this.#zeroPoses, index),
        this.#joints[joint]!.axis,
        this.#dynamics,
        joint,
      );
      this.#friction.reset(joint, this.#dynamics.friction[joint]!, inertiaAbout(spec, this.#joints[joint]!.axis));
      desc.setAdditionalMassProperties(spec.mass, xyz(spec.com), xyz(spec.moments), xyzw(spec.frame));
      return world.createRigidBody(desc);
    });
    this.#placeBodies();
    for (const rig of this.#joints) {
      const data = rapier.JointData.revolute(xyz(rig.anchor), ZERO, xyz(rig.axis));
      const joint = world.createImpulseJoint(data, this.#bodies[rig.parent]!, this.#bodies[rig.child]!, false);
      joint.setContactsEnabled(false);
    }
  }

  /** Rotations and velocities of every body for the joint state in `truth`. */
  #placeBodies(): void {
    const spins = this.model.links.map(() => [0, 0, 0] as [number, number, number]);
    const velocities = this.model.links.map(() => [0, 0, 0] as [number, number, number]);
    const poses = this.#poses;
    for (const [j, { axis, parent, child }] of this.#joints.entries()) {
      const rotation = bodyRotation(this.#poses, this.#zeroPoses, child);
      const world = quatRotate(rotation, axis, [0, 0, 0]);
      const rate = this.truth.qd[j]!;
      const spin = spins[child]!;
      for (let k = 0; k < 3; k++) spin[k] = spins[parent]![k]! + rate * world[k]!;
      // v_child = v_parent + w_parent x r
      const r = [0, 1, 2].map((k) => poses[child * 7 + k]! - poses[parent * 7 + k]!) as [number, number, number];
      addCross(velocities[parent]!, spins[parent]!, r, velocities[child]!);
      const body = this.#bodies[child]!;
      body.setRotation(xyzw(rotation), false);
      // The engine takes a new body's mass properties up at the next step; the velocity below needs them now.
      body.recomputeMassPropertiesFromColliders();
      const com = body.localCom();
      const lever = quatRotate(rotation, [com.x, com.y, com.z], [0, 0, 0]);
      const linear: [number, number, number] = [0, 0, 0];
      addCross(velocities[child]!, spin, lever as [number, number, number], linear);
      body.setAngvel(xyz(spin), false);
      body.setLinvel(xyz(linear), false);
    }
  }

  #nameOf(j: number): string {
    return this.model.joints[this.model.dof[j]!]!.name;
  }
}

function xyz(v: ArrayLike<number>): RapierNamespace.Vector {
  return { x: v[0]!, y: v[1]!, z: v[2]! };
}

function xyzw(q: ArrayLike<number>): RapierNamespace.Rotation {
  return { x: q[0]!, y: q[1]!, z: q[2]!, w: q[3]! };
}

/** v rotated by the quaternion (x, y, z, w): v + 2 w (u x v) + 2 u x (u x v). */
function rotateInto(
  x: number,
  y: number,
  z: number,
  w: number,
  v: Vec3,
  out: { x: number; y: number; z: number },
): void {
  const tx = 2 * (y * v[2] - z * v[1]);
  const ty = 2 * (z * v[0] - x * v[2]);
  const tz = 2 * (x * v[1] - y * v[0]);
  out.x = v[0] + w * tx + y * tz - z * ty;
  out.y = v[1] + w * ty + z * tx - x * tz;
  out.z = v[2] + w * tz + x * ty - y * tx;
}

/** out = v + w x r */
function addCross(
  v: ArrayLike<number>,
  w: ArrayLike<number>,
  r: ArrayLike<number>,
  out: [number, number, number],
): void {
  out[0] = v[0]! + w[1]! * r[2]! - w[2]! * r[1]!;
  out[1] = v[1]! + w[2]! * r[0]! - w[0]! * r[2]!;
  out[2] = v[2]! + w[0]! * r[1]! - w[1]! * r[0]!;
}

function linkRotation(poses: Float64Array, link: number): Quat {
  const at = link * 7 + 3;
  return [poses[at]!, poses[at + 1]!, poses[at + 2]!, poses[at + 3]!];
}

/** Rotation of a body, whose frame is parallel to the world's at the zero pose. */
function bodyRotation(poses: Float64Array, zeroPoses: Float64Array, link: number): Quat {
  const [x, y, z, w] = linkRotation(zeroPoses, link);
  return quatMultiply(linkRotation(poses, link), [-x, -y, -z, w], [0, 0, 0, 1]);
}

/** @throws InputError for joints this simulator cannot build yet */
function rigJoints(model: RobotModel, zeroPoses: Float64Array): JointRig[] {
  const still = new Set(model.links.keys());
  for (const joint of model.joints) {
    if (joint.type !== 'fixed' || !still.has(joint.parent)) still.delete(joint.child);
  }
  for (const joint of model.joints) {
    if (joint.type === 'prismatic' || (joint.type === 'fixed' && !still.has(joint.child))) {
      throw new InputError(
        `robot ${model.name}: joint ${joint.name} is ${joint.type} on a moving link, which the simulator cannot build`,
        {
          repair: 'use revolute or continuous joints, and fixed ones only at the base',
        },
      );
    }
  }
  return model.dof.map((index) => {
    const joint = model.joints[index]!;
    const axis = quatRotate(linkRotation(zeroPoses, joint.child), joint.axis, [0, 0, 0]) as Vec3;
    const anchor = [0, 1, 2].map(
      (k) => zeroPoses[joint.child * 7 + k]! - zeroPoses[joint.parent * 7 + k]!,
    ) as unknown as Vec3;
    return { parent: joint.parent, child: joint.child, axis, anchor };
  });
}
