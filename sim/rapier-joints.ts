/**
 * A robot's joints in a Rapier world: their coordinates, read from the two bodies each connects, and torques about their
 * axes, equal and opposite on the two. End stops and joints that follow another are here too: the
 * engine's own limits give way at 5 ms steps and know no angle beyond half a turn.
 * Called at every physics step: allocates nothing.
 */

import { atan2Each, wrapAngle } from '../core/math.ts';
import type { RobotState } from '../core/robot.ts';
import { rotateAt } from '../core/rotation.ts';
import type { JointRig, RobotRig } from './joint-rig.ts';
import { couplingTorque, stopTorque } from './joint-stops.ts';
import type { RapierBodies } from './rapier-bodies.ts';
import type { RapierSenses } from './rapier-senses.ts';

export class RapierJoints {
  /** Whether any joint slides: then bodies bear forces too. */
  readonly slides: boolean;
  readonly #joints: readonly JointRig[];
  readonly #senses: RapierSenses;
  readonly #dt: number;
  /** For each joint that follows, the index of its leader in the rig; -1 for leaders. */
  readonly #leaders: Int32Array;
  /** Indices of the joints with end stops. */
  readonly #stopped: Int32Array;
  /** Coordinates and rates by index in the rig. */
  readonly #q: Float64Array;
  readonly #qd: Float64Array;
  /** What acts on each joint beside its stops, by index in the rig. */
  readonly #applied: Float64Array;
  /** Of each joint's relative rotation: its vector part along the axis, its scalar part, and half the angle they stand for. */
  readonly #along: Float64Array;
  readonly #scalar: Float64Array;
  readonly #halves: Float64Array;
  /** Axis of the joint at hand along the world's axes, and room. */
  readonly #axis = new Float64Array(3);
  /** What #load gives, N m or N. */
  readonly #tau = new Float64Array(1);
  readonly #a = new Float64Array(3);
  readonly #b = new Float64Array(3);
  #bodies: RapierBodies | undefined;
  /** What each joint feels of inertia, kg m2 or kg, by index in the rig. */
  #inertias: Float64Array = new Float64Array(0);

  constructor(rig: RobotRig, senses: RapierSenses, dt: number) {
    const { joints } = rig;
    this.#joints = joints;
    this.#senses = senses;
    this.#dt = dt;
    this.slides = joints.some(({ type }) => type === 'prismatic');
    this.#leaders = Int32Array.from(joints, ({ mimic, dof }) =>
      mimic === null ? -1 : joints.findIndex((other) => other.mimic === null && other.dof === dof),
    );
    const ends = (joint: JointRig) => Number.isFinite(joint.lower) || Number.isFinite(joint.upper);
    this.#stopped = Int32Array.from(joints.flatMap((joint, i) => (joint.mimic === null && ends(joint) ? [i] : [])));
    this.#q = new Float64Array(joints.length);
    this.#qd = new Float64Array(joints.length);
    this.#applied = new Float64Array(joints.length);
    this.#along = new Float64Array(joints.length);
    this.#scalar = new Float64Array(joints.length);
    this.#halves = new Float64Array(joints.length);
  }

  /** A new world, with the joints where `state` says. @param inertias that each joint of the rig feels in any pose, kg m2 or kg */
  look(inertias: Float64Array, bodies: RapierBodies, state: RobotState): void {
    this.#inertias = inertias;
    this.#bodies = bodies;
    for (const [i, { mimic, dof }] of this.#joints.entries()) {
      // A follower's zero here is its place at the zero pose, offset included.
      this.#q[i] = (mimic?.multiplier ?? 1) * state.q[dof]!;
      this.#qd[i] = (mimic?.multiplier ?? 1) * state.qd[dof]!;
    }
  }

  /** Give the bodies what acts on the joints, and what end stops and followers add. @param loads N m or N, by dof */
  apply(loads: Float64Array): void {
    for (let i = 0; i < this.#joints.length; i++) {
      const { mimic, dof } = this.#joints[i]!;
      if (mimic !== null) continue;
      this.#applied[i] = loads[dof]!;
      this.#tau[0] = loads[dof]!;
      this.#load(i);
    }
    this.#stop();
    this.#couple();
  }

  /** Add #tau about joint i of the rig, or along it, to its two bodies. */
  #load(i: number): void {
    const tau = this.#tau[0]!;
    const { type, axis, parent, child } = this.#joints[i]!;
    const { rotations, torques, forces } = this.#bodies!;
    const turned = this.#axis;
    rotateAt(rotations, 4 * child, axis, turned);
    const into = type === 'prismatic' ? forces : torques;
    for (let k = 0; k < 3; k++) {
      into[3 * child + k] = into[3 * child + k]! + tau * turned[k]!;
      into[3 * parent + k] = into[3 * parent + k]! - tau * turned[k]!;
    }
    if (type === 'prismatic') this.#lever(parent, child);
  }

  /** The torques of end stops. */
  #stop(): void {
    const inertias = this.#inertias;
    for (let s = 0; s < this.#stopped.length; s++) {
      const i = this.#stopped[s]!;
      const { lower, upper } = this.#joints[i]!;
      const q = this.#q[i]!;
      if (q <= upper && q >= lower) continue;
      const stop = stopTorque(this.#applied[i]!, q, this.#qd[i]!, lower, upper, inertias[i]!, this.#dt);
      this.#applied[i] = this.#applied[i]! + stop;
      this.#tau[0] = stop;
      this.#load(i);
    }
  }

  /** The torques that make joints follow. */
  #couple(): void {
    const inertias = this.#inertias;
    for (let i = 0; i < this.#joints.length; i++) {
      const leader = this.#leaders[i]!;
      if (leader < 0) continue;
      const { multiplier } = this.#joints[i]!.mimic!;
      const error = multiplier * this.#q[leader]! - this.#q[i]!;
      const rate = multiplier * this.#qd[leader]! - this.#qd[i]!;
      // Both ends give way: 1 / I = 1 / I_follower + multiplier^2 / I_leader
      const inertia = 1 / (1 / inertias[i]! + multiplier ** 2 / inertias[leader]!);
      const ahead = (multiplier * this.#applied[leader]!) / inertias[leader]!;
      const tau = couplingTorque(ahead, error, rate, inertia, this.#dt);
      this.#tau[0] = tau;
      this.#load(i);
      // The leader feels it by the gear's ratio.
      this.#tau[0] = -multiplier * tau;
      this.#load(leader);
    }
  }

  /** Coordinates and rates from the bodies' motion, which must have been read; those that lead into `state`. */
  read(state: RobotState): void {
    const { spins } = this.#bodies!;
    for (let i = 0; i < this.#joints.length; i++) this.#halfTangent(i, this.#joints[i]!);
    atan2Each(this.#along, this.#scalar, this.#halves);
    for (let i = 0; i < this.#joints.length; i++) {
      const joint = this.#joints[i]!;
      this.#turnAxis(joint);
      if (joint.type === 'prismatic') {
        this.#q[i] = this.#slide(joint);
        this.#qd[i] = this.#slideRate(joint);
      } else {
        this.#q[i] = this.#q[i]! + wrapAngle(2 * this.#halves[i]! - this.#q[i]!);
        const c = 3 * joint.child;
        const p = 3 * joint.parent;
        this.#qd[i] =
          (spins[c]! - spins[p]!) * this.#axis[0]! +
          (spins[c + 1]! - spins[p + 1]!) * this.#axis[1]! +
          (spins[c + 2]! - spins[p + 2]!) * this.#axis[2]!;
      }
      if (joint.mimic !== null) continue;
      state.q[joint.dof] = this.#q[i]!;
      state.qd[joint.dof] = this.#qd[i]!;
    }
  }

  /** Largest distance between the two bodies' ideas of where a joint is, m. For benchmarks and tests. */
  separation(): number {
    let worst = 0;
    for (const joint of this.#joints) {
      this.#turnAxis(joint);
      const along = joint.type === 'prismatic' ? this.#slide(joint) : 0;
      this.#gap(joint, this.#a);
      for (let k = 0; k < 3; k++) this.#a[k] = this.#a[k]! - along * this.#axis[k]!;
      worst = Math.max(worst, Math.hypot(...this.#a));
    }
    return worst;
  }

  /** The pair of forces acts along one line, through the child's centre of mass; the parent's share turns it too. */
  #lever(parent: number, child: number): void {
    const force = this.#tau[0]!;
    const { torques } = this.#bodies!;
    const axis = this.#axis;
    this.#senses.centreOf(child, this.#a);
    this.#senses.centreOf(parent, this.#b);
    const r = this.#a;
    for (let k = 0; k < 3; k++) r[k] = r[k]! - this.#b[k]!;
    // tau_parent = r x (-F a)
    const at = 3 * parent;
    torques[at] = torques[at]! - force * (r[1]! * axis[2]! - r[2]! * axis[1]!);
    torques[at + 1] = torques[at + 1]! - force * (r[2]! * axis[0]! - r[0]! * axis[2]!);
    torques[at + 2] = torques[at + 2]! - force * (r[0]! * axis[1]! - r[1]! * axis[0]!);
  }

  /** The joint's axis along the world's axes, as its child has it. */
  #turnAxis({ axis, child }: JointRig): void {
    rotateAt(this.#bodies!.rotations, 4 * child, axis, this.#axis);
  }

  /** The tangent of half the angle by which joint i is turned, as a fraction. */
  #halfTangent(i: number, { axis, parent, child }: JointRig): void {
    const { rotations } = this.#bodies!;
    // One by one: an array on the right of a destructuring is allocated.
    const p = 4 * parent;
    const px = rotations[p]!;
    const py = rotations[p + 1]!;
    const pz = rotations[p + 2]!;
    const pw = rotations[p + 3]!;
    const c = 4 * child;
    const cx = rotations[c]!;
    const cy = rotations[c + 1]!;
    const cz = rotations[c + 2]!;
    const cw = rotations[c + 3]!;
    // relative rotation p^-1 c: its vector part along the axis and its scalar part
    this.#along[i] =
      axis[0] * (pw * cx - px * cw - py * cz + pz * cy) +
      axis[1] * (pw * cy + px * cz - py * cw - pz * cx) +
      axis[2] * (pw * cz - px * cy + py * cx - pz * cw);
    this.#scalar[i] = pw * cw + px * cx + py * cy + pz * cz;
  }

  /** From where the parent has the joint's origin to where the child has it, m. */
  #gap({ anchor, parent, child }: JointRig, out: Float64Array): void {
    rotateAt(this.#bodies!.rotations, 4 * parent, anchor, this.#b);
    this.#bodies!.readPosition(child, out, 0);
    for (let k = 0; k < 3; k++) out[k] = out[k]! - this.#b[k]!;
    this.#bodies!.readPosition(parent, this.#b, 0);
    for (let k = 0; k < 3; k++) out[k] = out[k]! - this.#b[k]!;
  }

  /** How far a slider is out, m. Needs #axis. */
  #slide(joint: JointRig): number {
    this.#gap(joint, this.#a);
    return this.#a[0]! * this.#axis[0]! + this.#a[1]! * this.#axis[1]! + this.#a[2]! * this.#axis[2]!;
  }

  /** m/s. Needs #axis. */
  #slideRate({ parent, child }: JointRig): number {
    const { spins } = this.#bodies!;
    const r = this.#a;
    this.#bodies!.readPosition(child, r, 0);
    this.#bodies!.readPosition(parent, this.#b, 0);
    for (let k = 0; k < 3; k++) r[k] = r[k]! - this.#b[k]!;
    const p = 3 * parent;
    const wx = spins[p]!;
    const wy = spins[p + 1]!;
    const wz = spins[p + 2]!;
    const axis = this.#axis;
    // (v_child - v_parent - w_parent x r) a
    const carried =
      (wy * r[2]! - wz * r[1]!) * axis[0]! +
      (wz * r[0]! - wx * r[2]!) * axis[1]! +
      (wx * r[1]! - wy * r[0]!) * axis[2]!;
    this.#senses.originVelocity(child, this.#a);
    this.#senses.originVelocity(parent, this.#b);
    let rate = -carried;
    for (let k = 0; k < 3; k++) rate += (this.#a[k]! - this.#b[k]!) * axis[k]!;
    return rate;
  }
}
