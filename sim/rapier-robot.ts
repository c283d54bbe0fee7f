/**
 * A robot in Rapier: one world of its own, impulse joints, torques applied at every physics step. Facts about the engine
 * that shaped this file: it has no joint coordinate, so q comes from the two bodies' rotations; it has no armature, so
 * that is added to the moved link's inertia; linvel() is the velocity of the centre of mass; a reset builds the world
 * anew, because the solver's warm start would otherwise leak from one episode into the next.
 */

import type RapierNamespace from '@dimforge/rapier3d';
import { NumericError } from '../core/errors.ts';
import { forwardKinematics } from '../core/kinematics.ts';
import { atan2, wrapAngle } from '../core/math.ts';
import type { Key } from '../core/rng.ts';
import type { JointCommand, RobotState } from '../core/robot.ts';
import type { RobotModel } from '../core/robot-model.ts';
import { Drives } from './actuators/drives.ts';
import { rotorReaction } from './actuators/rotor.ts';
import { CoulombFriction } from './coulomb-friction.ts';
import { cloneDynamics, type Dynamics } from './dynamics.ts';
import { type JointRig, type RobotRig, rigRobot } from './joint-rig.ts';
import { couplingTorque, stopTorque } from './joint-stops.ts';
import type { PhysicsSettings, Rapier } from './rapier.ts';
import { RapierBodies } from './rapier-bodies.ts';
import { placeRobot } from './rapier-placement.ts';
import { RapierSenses } from './rapier-senses.ts';
import { buildWorld, engineLimits, type RapierParts } from './rapier-world.ts';
import { RobotSensing } from './robot-sensing.ts';
import { type ActuatorSpec, PLAIN_ROBOT, type RobotSpec } from './robot-spec.ts';
import { EMPTY_SCENE, OBJECT_STRIDE, type Scene } from './scene.ts';
import type { EnvironmentRobot } from './simulated-robot.ts';
import type { StartState } from './task.ts';

const IDEAL: ActuatorSpec = { kind: 'pd' };

export class RapierRobot implements EnvironmentRobot {
  readonly model: RobotModel;
  readonly #rapier: Rapier;
  readonly #physics: PhysicsSettings;
  readonly #spec: RobotSpec;
  readonly #rig: RobotRig;
  readonly #sensing: RobotSensing;
  readonly #senses: RapierSenses;
  readonly #drives: Drives;
  readonly #friction: CoulombFriction;
  /** Of the motors, [nJoints]. */
  readonly #torques: Float64Array;
  readonly #rotors: readonly Rotor[];
  /** Joints of the rig whose end stops the engine does not hold. */
  readonly #stops: readonly JointRig[];
  readonly #prismatic: boolean;
  readonly #start: StartState;
  /** Coordinates of joints that follow, by index into the rig's joints. */
  readonly #followed: Float64Array;
  /** Axis of the joint at hand along the world's axes, and scratch. */
  readonly #axis = new Float64Array(3);
  readonly #point = new Float64Array(3);
  readonly #other = new Float64Array(3);
  #dynamics: Dynamics;
  #scene: Scene = EMPTY_SCENE;
  #parts: RapierParts | undefined;
  #bodies: RapierBodies | undefined;
  objects: Float64Array = new Float64Array(0);

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
    const names = model.dof.map((index) => model.joints[index]!.name);
    const actuators = names.map((name) => spec.actuators[name] ?? IDEAL);
    this.#rig = rigRobot(
      model,
      names.filter((_, j) => actuators[j]!.kind === 'rotor'),
    );
    this.#rotors = rotorsOf(actuators, model, this.#rig);
    this.#sensing = new RobotSensing(model, spec);
    this.#senses = new RapierSenses(rapier, model, this.#rig);
    this.#drives = new Drives(actuators, physics.physicsDt);
    this.#friction = new CoulombFriction(names.length, physics.physicsDt);
    this.#torques = new Float64Array(names.length);
    this.#stops = this.#rig.joints.filter(
      (joint) => !engineLimits(joint) && (Number.isFinite(joint.lower) || Number.isFinite(joint.upper)),
    );
    this.#prismatic = this.#rotors.length > 0 || this.#rig.joints.some(({ type }) => type === 'prismatic');
    this.#followed = new Float64Array(this.#rig.joints.length);
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
    if (start !== this.#start) {
      this.#start.base.set(start.base);
      this.#start.twist.set(start.twist);
    }
    truth.time = 0;
    truth.q.set(start.q);
    truth.qd.set(start.qd);
    truth.base.set(start.base);
    truth.twist.set(start.twist);
    truth.effort.fill(0);
    this.#build();
    this.#sensing.restart(this.#dynamics);
    this.#readBase();
    this.#readObjects();
    this.#sensing.sense(this.#senses, this.#dynamics);
  }

  updateDynamics(dynamics: Dynamics): void {
    const parts = this.#parts!;
    this.#dynamics = cloneDynamics(dynamics);
    this.#drives.update(dynamics);
    for (const joint of this.#rig.joints) {
      if (joint.mimic === null) this.#friction.setLimit(joint.dof, dynamics.friction[joint.dof]!);
    }
    parts.world.gravity = { x: 0, y: 0, z: -dynamics.gravity };
    this.#senses.gravity = dynamics.gravity;
    parts.world.colliders.forEach((collider) => {
      collider.setFriction(dynamics.contactFriction);
    });
  }

  push(change: ArrayLike<number>): void {
    if (this.model.base === 'fixed') return;
    const base = this.#parts!.bodies[0]!;
    const v = base.linvel();
    const w = base.angvel();
    base.setLinvel({ x: v.x + change[0]!, y: v.y + change[1]!, z: v.z + change[2]! }, false);
    base.setAngvel({ x: w.x + change[3]!, y: w.y + change[4]!, z: w.z + change[5]! }, false);
    this.#bodies!.readMotion();
  }

  act(command: JointCommand): void {
    this.#drives.push(command, this.truth.time);
  }

  step(seconds: number): void {
    const { physicsDt } = this.#physics;
    const steps = Math.round(seconds / physicsDt);
    const { world } = this.#parts!;
    for (let i = 0; i < steps; i++) {
      this.#actuate();
      world.step();
      this.truth.time += physicsDt;
      this.#readJoints();
    }
    this.#readBase();
    this.#readObjects();
    this.#sensing.sense(this.#senses, this.#dynamics);
  }

  observe(): RobotState {
    return this.#sensing.measured;
  }

  close(): void {
    this.#parts?.world.free();
    this.#parts = undefined;
  }

  /** Largest distance between the two bodies' ideas of where a joint is, m. */
  jointSeparation(): number {
    const { bodies } = this.#parts!;
    let worst = 0;
    for (const { parent, child, anchor, axis, type } of this.#rig.joints) {
      const p = bodies[parent]!.translation();
      const r = bodies[parent]!.rotation();
      const c = bodies[child]!.translation();
      rotateInto(r.x, r.y, r.z, r.w, anchor, this.#point);
      const gap = [p.x + this.#point[0]! - c.x, p.y + this.#point[1]! - c.y, p.z + this.#point[2]! - c.z];
      rotateInto(r.x, r.y, r.z, r.w, axis, this.#point);
      const along = type === 'prismatic' ? gap.reduce((sum, g, k) => sum + g * this.#point[k]!, 0) : 0;
      const rest = gap.map((g, k) => g - along * this.#point[k]!);
      worst = Math.max(worst, Math.hypot(...rest));
    }
    return worst;
  }

  /** Torques of motors, frictions and stops about each joint's axis, equal and opposite on the two bodies. */
  #actuate(): void {
    const { truth } = this;
    const { damping } = this.#dynamics;
    const bodies = this.#bodies!;
    const torques = this.#torques;
    this.#drives.torques(truth, truth.time, torques);
    bodies.clear();
    for (let i = 0; i < this.#rig.joints.length; i++) {
      const joint = this.#rig.joints[i]!;
      const j = joint.dof;
      let tau = 0;
      if (joint.mimic === null) {
        truth.effort[j] = torques[j]!;
        // viscous friction: -b qd
        tau = torques[j]! - damping[j]! * truth.qd[j]! + this.#friction.torque(j, truth.qd[j]!);
      } else {
        tau = this.#follow(i);
      }
      if (!Number.isFinite(tau)) {
        throw new NumericError(
          `torque of joint ${joint.name} is ${tau} at ${truth.time.toFixed(4)} s (q ${truth.q[j]}, qd ${truth.qd[j]})`,
        );
      }
      this.#load(joint, tau);
    }
    for (let i = 0; i < this.#stops.length; i++) this.#stop(this.#stops[i]!);
    for (let i = 0; i < this.#rotors.length; i++) this.#blow(this.#rotors[i]!);
    bodies.apply(this.#prismatic);
  }

  /** Add a joint's torque, or force along its axis, to its two bodies. */
  #load({ type, axis, parent, child }: JointRig, tau: number): void {
    const { rotations, torques, forces } = this.#bodies!;
    const c = 4 * child;
    const turned = this.#axis;
    rotateInto(rotations[c]!, rotations[c + 1]!, rotations[c + 2]!, rotations[c + 3]!, axis, turned);
    const into = type === 'prismatic' ? forces : torques;
    for (let k = 0; k < 3; k++) {
      into[3 * child + k] = into[3 * child + k]! + tau * turned[k]!;
      into[3 * parent + k] = into[3 * parent + k]! - tau * turned[k]!;
    }
    if (type === 'prismatic') this.#lever(parent, child, turned, tau);
  }

  /** The pair of forces acts along one line, through the child's centre of mass; the parent's share turns it too. */
  #lever(parent: number, child: number, axis: Float64Array, force: number): void {
    const { torques } = this.#bodies!;
    this.#comOf(child, this.#point);
    this.#comOf(parent, this.#other);
    const r = this.#point;
    for (let k = 0; k < 3; k++) r[k] = r[k]! - this.#other[k]!;
    // tau_parent = r x (-F a)
    const at = 3 * parent;
    torques[at] = torques[at]! - force * (r[1]! * axis[2]! - r[2]! * axis[1]!);
    torques[at + 1] = torques[at + 1]! - force * (r[2]! * axis[0]! - r[0]! * axis[2]!);
    torques[at + 2] = torques[at + 2]! - force * (r[0]! * axis[1]! - r[1]! * axis[0]!);
  }

  #comOf(body: number, out: Float64Array): void {
    const { rotations } = this.#bodies!;
    const at = 4 * body;
    const { com } = this.#parts!.masses[body]!;
    rotateInto(rotations[at]!, rotations[at + 1]!, rotations[at + 2]!, rotations[at + 3]!, com, out);
    this.#bodies!.readPosition(body, this.#senses.scratch, 0);
    for (let k = 0; k < 3; k++) out[k] = out[k]! + this.#senses.scratch[k]!;
  }

  /** The coupling of the joint with index `i` in the rig to its leader, whose reaction is loaded here. */
  #follow(i: number): number {
    const joint = this.#rig.joints[i]!;
    const { multiplier, offset } = joint.mimic!;
    const { truth } = this;
    const wanted = multiplier * truth.q[joint.dof]! + offset;
    const error = wanted - this.#followed[i]!;
    const rate = multiplier * truth.qd[joint.dof]! - this.#followedRate(joint);
    const tau = couplingTorque(error, rate, this.#parts!.inertias[i]!, this.#physics.physicsDt);
    // The leader feels it by the gear's ratio.
    this.#load(this.#rig.joints[joint.dof]!, -multiplier * tau);
    return tau;
  }

  #followedRate(joint: JointRig): number {
    const { spins } = this.#bodies!;
    const turned = this.#axis;
    this.#turnAxis(joint);
    let rate = 0;
    for (let k = 0; k < 3; k++) rate += (spins[3 * joint.child + k]! - spins[3 * joint.parent + k]!) * turned[k]!;
    return joint.type === 'prismatic' ? this.#slideRate(joint) : rate;
  }

  #stop(joint: JointRig): void {
    if (joint.mimic !== null) return;
    const { truth } = this;
    const q = truth.q[joint.dof]!;
    if (q <= joint.upper && q >= joint.lower) return;
    const inertia = this.#parts!.inertias[joint.dof]!;
    this.#load(joint, stopTorque(q, truth.qd[joint.dof]!, joint.lower, joint.upper, inertia, this.#physics.physicsDt));
  }

  /** A propeller's thrust at its joint and the torque of the air. */
  #blow({ dof, body, axis, at, spec }: Rotor): void {
    const { rotations, forces, torques } = this.#bodies!;
    const thrust = this.#torques[dof]!;
    this.truth.effort[dof] = thrust;
    const b = 4 * body;
    const [x, y, z, w] = [rotations[b]!, rotations[b + 1]!, rotations[b + 2]!, rotations[b + 3]!];
    const turned = this.#axis;
    rotateInto(x, y, z, w, axis, turned);
    const arm = this.#point;
    rotateInto(x, y, z, w, at, arm);
    rotateInto(x, y, z, w, this.#parts!.masses[body]!.com, this.#other);
    for (let k = 0; k < 3; k++) arm[k] = arm[k]! - this.#other[k]!;
    const reaction = rotorReaction(spec, thrust);
    const to = 3 * body;
    for (let k = 0; k < 3; k++) {
      const [m, n] = [(k + 1) % 3, (k + 2) % 3];
      forces[to + k] = forces[to + k]! + thrust * turned[k]!;
      // tau = r x F + reaction about the axis
      torques[to + k] =
        torques[to + k]! + thrust * (arm[m]! * turned[n]! - arm[n]! * turned[m]!) + reaction * turned[k]!;
    }
  }

  /** Joint coordinates from the bodies. */
  #readJoints(): void {
    const { truth } = this;
    const bodies = this.#bodies!;
    bodies.readMotion();
    const { spins } = bodies;
    for (let i = 0; i < this.#rig.joints.length; i++) {
      const joint = this.#rig.joints[i]!;
      const leads = joint.mimic === null;
      const before = leads ? truth.q[joint.dof]! : this.#followed[i]!;
      this.#turnAxis(joint);
      let q = 0;
      let qd = 0;
      if (joint.type === 'prismatic') {
        q = this.#slide(joint);
        qd = this.#slideRate(joint);
      } else {
        const angle = this.#angle(joint);
        q = before + wrapAngle(angle - before);
        const [c, p] = [3 * joint.child, 3 * joint.parent];
        qd =
          (spins[c]! - spins[p]!) * this.#axis[0]! +
          (spins[c + 1]! - spins[p + 1]!) * this.#axis[1]! +
          (spins[c + 2]! - spins[p + 2]!) * this.#axis[2]!;
      }
      if (leads) {
        truth.q[joint.dof] = q;
        truth.qd[joint.dof] = qd;
      } else {
        this.#followed[i] = q;
      }
    }
  }

  /** The joint's axis along the world's axes, as its child has it, into #axis. */
  #turnAxis({ axis, child }: JointRig): void {
    const { rotations } = this.#bodies!;
    const c = 4 * child;
    rotateInto(rotations[c]!, rotations[c + 1]!, rotations[c + 2]!, rotations[c + 3]!, axis, this.#axis);
  }

  #angle({ axis, parent, child }: JointRig): number {
    const { rotations } = this.#bodies!;
    const [p, c] = [4 * parent, 4 * child];
    const [px, py, pz, pw] = [rotations[p]!, rotations[p + 1]!, rotations[p + 2]!, rotations[p + 3]!];
    const [cx, cy, cz, cw] = [rotations[c]!, rotations[c + 1]!, rotations[c + 2]!, rotations[c + 3]!];
    // relative rotation p^-1 c: its vector part along the axis and its scalar part
    const along =
      axis[0] * (pw * cx - px * cw - py * cz + pz * cy) +
      axis[1] * (pw * cy + px * cz - py * cw - pz * cx) +
      axis[2] * (pw * cz - px * cy + py * cx - pz * cw);
    const scalar = pw * cw + px * cx + py * cy + pz * cz;
    return 2 * atan2(along, scalar);
  }

  /** How far a slider is out, m. Needs #axis. */
  #slide({ anchor, parent, child }: JointRig): number {
    const { rotations } = this.#bodies!;
    const p = 4 * parent;
    rotateInto(rotations[p]!, rotations[p + 1]!, rotations[p + 2]!, rotations[p + 3]!, anchor, this.#point);
    this.#bodies!.readPosition(child, this.#other, 0);
    this.#bodies!.readPosition(parent, this.#senses.scratch, 0);
    let q = 0;
    for (let k = 0; k < 3; k++) {
      q += (this.#other[k]! - this.#senses.scratch[k]! - this.#point[k]!) * this.#axis[k]!;
    }
    return q;
  }

  /** m/s. Needs #axis. */
  #slideRate({ parent, child }: JointRig): number {
    this.#originVelocity(child, this.#point);
    this.#originVelocity(parent, this.#other);
    const { spins } = this.#bodies!;
    const p = 3 * parent;
    // v_child - v_parent - w_parent x r, along the axis
    this.#bodies!.readPosition(child, this.#senses.scratch, 0);
    this.#bodies!.readPosition(parent, this.#senses.scratch, 3);
    const r = this.#senses.scratch;
    let rate = 0;
    for (let k = 0; k < 3; k++) {
      const [m, n] = [(k + 1) % 3, (k + 2) % 3];
      const carried = spins[p + m]! * (r[n]! - r[3 + n]!) - spins[p + n]! * (r[m]! - r[3 + m]!);
      rate += (this.#point[k]! - this.#other[k]! - carried) * this.#axis[k]!;
    }
    return rate;
  }

  /** Velocity of a body frame's origin, m/s. */
  #originVelocity(body: number, out: Float64Array): void {
    this.#senses.originVelocity(body, out);
  }

  #readBase(): void {
    if (this.model.base === 'fixed') return;
    const { base, twist } = this.truth;
    const bodies = this.#bodies!;
    bodies.readPosition(0, base, 0);
    for (let k = 0; k < 4; k++) base[3 + k] = bodies.rotations[k]!;
    this.#originVelocity(0, twist);
    const [x, y, z, w] = [-base[3]!, -base[4]!, -base[5]!, base[6]!];
    rotateInto(x, y, z, w, bodies.spins, this.#point);
    for (let k = 0; k < 3; k++) twist[3 + k] = this.#point[k]!;
    if (!Number.isFinite(base[0]! + base[1]! + base[2]! + twist[0]! + twist[3]!)) {
      throw new NumericError(`the base is at ${Array.from(base).join(', ')} at ${this.truth.time.toFixed(4)} s`);
    }
  }

  #readObjects(): void {
    const { objects } = this.#parts!;
    for (let i = 0; i < objects.length; i++) this.#senses.readObject(objects[i]!, this.objects, i * OBJECT_STRIDE);
  }

  /** A new world with the bodies at `truth`. */
  #build(): void {
    const { model, truth } = this;
    this.#parts?.world.free();
    const plan = { model, rig: this.#rig, physics: this.#physics, selfCollision: this.#spec.selfCollision };
    const parts = buildWorld(this.#rapier, plan, this.#dynamics, this.#scene);
    this.#parts = parts;
    placeRobot(model, this.#rig, parts, truth);
    this.#bodies = new RapierBodies(this.#rapier, parts.world, parts.bodies);
    for (const [i, { mimic, dof }] of this.#rig.joints.entries()) {
      if (mimic === null) this.#friction.reset(dof, this.#dynamics.friction[dof]!, parts.inertias[i]!);
      else this.#followed[i] = mimic.multiplier * truth.q[dof]! + mimic.offset;
    }
    const inertias = new Float64Array(model.dof.length);
    for (const [i, { mimic, dof }] of this.#rig.joints.entries())
      if (mimic === null) inertias[dof] = parts.inertias[i]!;
    this.#drives.reset(this.#dynamics, inertias);
    this.objects = new Float64Array(parts.objects.length * OBJECT_STRIDE);
    this.#senses.look(parts, this.#bodies, this.#dynamics.gravity, this.#physics);
    if (this.#sensing.castsRays) this.#senses.prepareRays();
  }
}

/** A propeller on a body: where its thrust acts, in the body's frame at the zero pose. */
interface Rotor {
  readonly dof: number;
  readonly body: number;
  readonly axis: readonly [number, number, number];
  readonly at: readonly [number, number, number];
  readonly spec: Extract<ActuatorSpec, { kind: 'rotor' }>;
}

function rotorsOf(actuators: readonly ActuatorSpec[], model: RobotModel, rig: RobotRig): Rotor[] {
  const poses = new Float64Array(model.links.length * 7);
  forwardKinematics(model, new Float64Array(model.dof.length), poses);
  return actuators.flatMap((spec, dof): Rotor[] => {
    if (spec.kind !== 'rotor') return [];
    const joint = model.joints[model.dof[dof]!]!;
    const body = rig.bodyOf[joint.child]!;
    const root = rig.bodies[body]!.root;
    const c = joint.child * 7;
    const axis = new Float64Array(3);
    rotateInto(poses[c + 3]!, poses[c + 4]!, poses[c + 5]!, poses[c + 6]!, joint.axis, axis);
    const at = [0, 1, 2].map((k) => poses[c + k]! - poses[root * 7 + k]!);
    return [{ dof, body, axis: [axis[0]!, axis[1]!, axis[2]!], at: [at[0]!, at[1]!, at[2]!], spec }];
  });
}

/** v rotated by the quaternion (x, y, z, w): v + 2 w (u x v) + 2 u x (u x v). */
function rotateInto(x: number, y: number, z: number, w: number, v: ArrayLike<number>, out: Float64Array): void {
  const [vx, vy, vz] = [v[0]!, v[1]!, v[2]!];
  const tx = 2 * (y * vz - z * vy);
  const ty = 2 * (z * vx - x * vz);
  const tz = 2 * (x * vy - y * vx);
  out[0] = vx + w * tx + y * tz - z * ty;
  out[1] = vy + w * ty + z * tx - x * tz;
  out[2] = vz + w * tz + x * ty - y * tx;
}

export type { PhysicsSettings } from './rapier.ts';
export { loadRapier, RAPIER } from './rapier.ts';
export type { RapierNamespace };
