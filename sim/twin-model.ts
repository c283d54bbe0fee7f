/**
 * A compiled MuJoCo model with its state: where a robot's joints, bodies and shapes live in the engine's arrays, and how the
 * parameters of `Dynamics` get into them. Compiled once a scene; everything else is written into the model. It knows no
 * command and no sensor.
 */

import type { MainModule, MjData, MjModel } from '@mujoco/mujoco';
import { InputError } from '../core/errors.ts';
import { cos, exp, log, sin } from '../core/math.ts';
import { type Dynamics, nominalDynamics } from './dynamics.ts';
import { zeroRotation } from './joint-rig.ts';
import { baseMassProperties, type MassProperties, massProperties } from './mass-properties.ts';
import { fillHeights, type MjcfPlan, mjcfName, mjcfOf } from './mjcf.ts';
import { compileMjcf } from './mujoco.ts';
import type { Scene } from './scene.ts';
import type { StartState } from './task.ts';
import { TwinBoxes } from './twin-boxes.ts';

/**
 * Impedance of the Coulomb friction constraint (1 = rigid) and its time constant in steps, the shortest MuJoCo takes.
 * A stuck joint under torque tau creeps with (1 - d)/d * tau/I * timeconst/2.
 */
const FRICTION_IMPEDANCE = 0.999;
const FRICTION_STEPS = 2;

/** URDF allows a point mass; MuJoCo wants some inertia, kg m2. */
const LEAST_INERTIA = 1e-9;

/**
 * Time constant, s, and damping ratio of a contact that does not bounce. Feet of a trotting quadruped sink in by 1 to 2 mm as in
 * Rapier; with the engine's default, 0.02, by 5 to 7 mm, and they catch on steps. Harder, a rover that drags its caster hops.
 * A little over critical damping: at the step taken here that would leave a twentieth of the speed.
 */
const CONTACT_TIME = 0.01;
const CONTACT_RATIO = 1.1;
/** Product of time constant and damping ratio of one that does, s: the contact lasts pi times as long. */
const BOUNCE_TIME = 0.004;

/** The arrays of MjData that are touched often. Views into the engine's memory, which move when it grows. */
export interface TwinViews {
  readonly qpos: Float64Array;
  readonly qvel: Float64Array;
  /** Generalised forces, [nv]. */
  readonly applied: Float64Array;
  /** Forces through the centre of mass and torques on bodies, world axes, [nbody * 6]. */
  readonly pushed: Float64Array;
  /** Positions and rotations w, x, y, z of body frames, [nbody * 3], [nbody * 4]. */
  readonly xpos: Float64Array;
  readonly xquat: Float64Array;
  /** Angular, then linear velocity at the centre of mass of the body's tree, [nbody * 6], and that centre, [nbody * 3]. */
  readonly cvel: Float64Array;
  readonly treeCom: Float64Array;
}

export class TwinModel {
  readonly scene: Scene;
  readonly mj: MjModel;
  readonly data: MjData;
  /** Where the base's free joint lives; -1 without one. */
  readonly baseQpos: number;
  readonly baseDof: number;
  /** Where the rig's joints live, [rig.joints]. */
  readonly qposOf: Int32Array;
  readonly dofOf: Int32Array;
  /** The engine's index of each of the rig's bodies. */
  readonly bodyOf: Int32Array;
  /** The engine's index of the first body of the tree that each of its bodies is in. */
  readonly treeOf: Int32Array;
  /** The link of each of the engine's shapes; -1 for what is not the robot's. */
  readonly linkOf: Int32Array;
  /** Where the scene's objects live. */
  readonly objectQpos: Int32Array;
  readonly objectDof: Int32Array;
  /** Of the rig's bodies. */
  readonly masses: MassProperties[] = [];
  readonly #mujoco: MainModule;
  readonly #plan: MjcfPlan;
  readonly #asWritten: Dynamics;
  readonly #boxes: TwinBoxes;
  #views: TwinViews;

  /** @throws InputError when MuJoCo refuses the robot or the scene */
  constructor(mujoco: MainModule, plan: MjcfPlan, scene: Scene, physicsDt: number) {
    this.scene = scene;
    this.#mujoco = mujoco;
    this.#plan = plan;
    this.#asWritten = nominalDynamics(plan.model);
    const mj = compileMjcf(mujoco, mjcfOf(plan, scene, physicsDt), `robot ${plan.model.name}`);
    this.mj = mj;
    this.#boxes = new TwinBoxes(mj);
    // A diverged state must be seen by the owner, not silently put back to zero.
    mj.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_AUTORESET.value;
    if (typeof scene.ground !== 'string') fillHeights(scene.ground, mj.hfield_data as Float32Array);
    this.data = new mujoco.MjData(mj);
    const { rig, model } = plan;
    const joint = (name: string) => idOf(mj.jnt(name));
    const base = model.base === 'floating' ? joint(mjcfName.base) : -1;
    this.baseQpos = base < 0 ? -1 : mj.jnt_qposadr[base];
    this.baseDof = base < 0 ? -1 : mj.jnt_dofadr[base];
    const joints = rig.joints.map((_, i) => joint(mjcfName.joint(i)));
    this.qposOf = Int32Array.from(joints, (id) => mj.jnt_qposadr[id]);
    this.dofOf = Int32Array.from(joints, (id) => mj.jnt_dofadr[id]);
    this.bodyOf = Int32Array.from(rig.bodies, (_, b) => idOf(mj.body(mjcfName.body(b))));
    this.treeOf = Int32Array.from(mj.body_rootid as Int32Array);
    this.linkOf = new Int32Array(mj.ngeom).fill(-1);
    for (const [b, { shapes }] of rig.bodies.entries()) {
      for (const [s, { geometry, link }] of shapes.entries()) {
        if (geometry.kind === 'mesh' && model.meshes[geometry.file] === undefined) continue;
        this.linkOf[idOf(mj.geom(mjcfName.shape(b, s)))] = link;
      }
    }
    const objects = scene.objects.map((_, i) => joint(mjcfName.object(i)));
    this.objectQpos = Int32Array.from(objects, (id) => mj.jnt_qposadr[id]);
    this.objectDof = Int32Array.from(objects, (id) => mj.jnt_dofadr[id]);
    this.#views = this.#look();
  }

  /** Not to be kept over a call that may take memory. */
  get views(): TwinViews {
    // A view whose memory has moved has length 0; xpos is never empty, the world is a body.
    if (this.#views.xpos.length === 0) this.#views = this.#look();
    return this.#views;
  }

  /** Every parameter of the physics. To be followed by a reset. @throws InputError for a link that moves without mass */
  apply(dynamics: Dynamics): void {
    const { mj, bodyOf } = this;
    const [mass, inertia, com, frame] = [mj.body_mass, mj.body_inertia, mj.body_ipos, mj.body_iquat] as Float64Array[];
    for (let b = 0; b < bodyOf.length; b++) {
      const spec = this.#massOf(b, dynamics);
      this.masses[b] = spec;
      const id = bodyOf[b]!;
      mass![id] = spec.mass;
      for (let k = 0; k < 3; k++) {
        com![3 * id + k] = spec.com[k]!;
        inertia![3 * id + k] = Math.max(spec.moments[k]!, LEAST_INERTIA);
      }
      const [x, y, z, w] = spec.frame;
      frame!.set([w, x, y, z], 4 * id);
      this.#boxes.fit(mj, id);
    }
    for (const [i, { dof, mimic }] of this.#plan.rig.joints.entries()) {
      if (mimic === null) mj.dof_armature[this.dofOf[i]!] = dynamics.armature[dof]!;
    }
    this.update(dynamics);
    this.#mujoco.mj_setConst(mj, this.data);
  }

  /** Where the robot begins; objects begin where the scene has them. */
  place({ q, qd, base, twist }: StartState): void {
    const { baseQpos, baseDof, qposOf, dofOf } = this;
    const { qpos, qvel } = this.views;
    if (baseQpos >= 0) {
      for (let k = 0; k < 3; k++) {
        qpos[baseQpos + k] = base[k]!;
        qpos[baseQpos + 4 + k] = base[3 + k]!;
      }
      qpos[baseQpos + 3] = base[6]!;
      // A free joint's velocity is linear along the world's axes, angular along the body's: as in RobotState.
      for (let k = 0; k < 6; k++) qvel[baseDof + k] = twist[k]!;
    }
    for (const [i, { dof, mimic }] of this.#plan.rig.joints.entries()) {
      // The rig's zero pose has a follower at its offset already.
      const multiplier = mimic?.multiplier ?? 1;
      qpos[qposOf[i]!] = multiplier * q[dof]!;
      qvel[dofOf[i]!] = multiplier * qd[dof]!;
    }
  }

  /** What may change within an episode: frictions and gravity. */
  update(dynamics: Dynamics): void {
    const { mj } = this;
    const { rig } = this.#plan;
    const timeConstant = FRICTION_STEPS * mj.opt.timestep;
    for (let i = 0; i < rig.joints.length; i++) {
      const { dof: j, mimic } = rig.joints[i]!;
      if (mimic !== null) continue;
      const dof = this.dofOf[i]!;
      mj.dof_damping[dof] = dynamics.damping[j]!;
      mj.dof_frictionloss[dof] = dynamics.friction[j]!;
      mj.dof_solref[2 * dof] = timeConstant;
      mj.dof_solref[2 * dof + 1] = 1;
      mj.dof_solimp[5 * dof] = FRICTION_IMPEDANCE;
      mj.dof_solimp[5 * dof + 1] = FRICTION_IMPEDANCE;
    }
    mj.opt.gravity[0] = 0;
    mj.opt.gravity[1] = 0;
    mj.opt.gravity[2] = -dynamics.gravity;
    this.#touch(dynamics);
  }

  /** Body frames and velocities of the state as it is now: a step leaves those of its start. */
  refresh(): void {
    this.#mujoco.mj_kinematics(this.mj, this.data);
    this.#mujoco.mj_comPos(this.mj, this.data);
    this.#mujoco.mj_comVel(this.mj, this.data);
  }

  close(): void {
    this.data.delete();
    this.mj.delete();
  }

  #massOf(b: number, dynamics: Dynamics): MassProperties {
    const { rig, model } = this.#plan;
    const body = rig.bodies[b]!;
    const joint = rig.joints.find(({ child }) => child === b);
    if (body.mass === 0 && (joint !== undefined || model.base === 'floating')) {
      throw new InputError(`robot ${model.name}: link ${model.links[body.root]!.name} moves but has no mass`, {
        repair: 'give it an <inertial> with a mass above 0',
      });
    }
    const rotation = zeroRotation(rig.zeroPoses, body.root);
    if (joint === undefined) return baseMassProperties(body, rotation, dynamics);
    const { axis, dof, mimic } = joint;
    // Armature is the engine's own. Parameters are those of joints that lead: what follows weighs what its URDF says.
    return mimic === null
      ? massProperties(body, rotation, axis, withoutArmature(dynamics), dof)
      : massProperties(body, rotation, axis, this.#asWritten, dof);
  }

  /** Friction and bounce of every shape. */
  #touch({ contactFriction, restitution }: Dynamics): void {
    const { mj } = this;
    const [friction, solref] = [mj.geom_friction, mj.geom_solref] as Float64Array[];
    const [time, ratio] = bounce(restitution);
    for (let g = 0; g < mj.ngeom; g++) {
      friction![3 * g] = contactFriction;
      solref![2 * g] = time;
      solref![2 * g + 1] = ratio;
    }
    for (const [i, object] of this.scene.objects.entries()) {
      // An object's contact has the smaller coefficient of the two.
      friction![3 * idOf(mj.geom(mjcfName.object(i)))] = Math.min(object.friction, contactFriction);
    }
  }

  #look(): TwinViews {
    const { data } = this;
    return {
      qpos: data.qpos,
      qvel: data.qvel,
      applied: data.qfrc_applied,
      pushed: data.xfrc_applied,
      xpos: data.xpos,
      xquat: data.xquat,
      cvel: data.cvel,
      treeCom: data.subtree_com,
    };
  }
}

function withoutArmature(dynamics: Dynamics): Dynamics {
  return { ...dynamics, armature: dynamics.armature.map(() => 0) };
}

/**
 * Time constant, s, and damping ratio of a contact after which a share `restitution` of the speed is left. A contact never
 * pulls, so bodies part while it is still pressed: e = exp(-(pi - 2 phi) tan phi) for a damping ratio of sin phi, which is
 * exp(-2) when critically damped, the engine's default (Schwager and Poeschel, Granular Matter 9, 2007).
 */
function bounce(restitution: number): readonly [time: number, ratio: number] {
  if (restitution <= exp(-2)) return [CONTACT_TIME, CONTACT_RATIO];
  const wanted = -log(Math.min(restitution, 0.99));
  let [low, high] = [0, Math.PI / 2];
  for (let i = 0; i < 40; i++) {
    const phi = (low + high) / 2;
    if (((Math.PI - 2 * phi) * sin(phi)) / cos(phi) < wanted) low = phi;
    else high = phi;
  }
  const ratio = sin(low);
  return [BOUNCE_TIME / ratio, ratio];
}

/** The accessor holds memory of the engine's. */
function idOf(accessor: { readonly id: number; delete(): void }): number {
  const { id } = accessor;
  accessor.delete();
  return id;
}
