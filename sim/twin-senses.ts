/** What a MuJoCo world tells sensors: link poses and velocities, rays, contact forces, where objects are. */

import type { MainModule } from '@mujoco/mujoco';
import type { RobotModel } from '../core/robot-model.ts';
import { quatMultiply, quatRotate } from '../core/rotation.ts';
import type { RobotRig } from './joint-rig.ts';
import { WORLD_GROUP } from './mjcf.ts';
import { OBJECT_STRIDE } from './scene.ts';
import { RAY_STRIDE, type SensedWorld } from './sensed-world.ts';
import type { TwinModel } from './twin-model.ts';

export class TwinSenses implements SensedWorld {
  gravity = 9.81;
  readonly #mujoco: MainModule;
  readonly #rig: RobotRig;
  /** Each link's frame in its engine body's frame: position, then rotation, [nLinks * 7]. */
  readonly #mounts: Float64Array;
  /** The engine takes points and directions as plain arrays. */
  readonly #from: number[] = [0, 0, 0];
  readonly #along: number[] = [0, 0, 0];
  readonly #groups: number[] = [0, 1, 2, 3, 4, 5].map((group) => (group === WORLD_GROUP ? 1 : 0));
  readonly #rotation = new Float64Array(4);
  readonly #lever = new Float64Array(3);
  /** N, [nLinks]. */
  readonly #forces: Float64Array;
  #model: TwinModel | undefined;
  /** Whether body frames, and contact forces, are of the state as it is now. */
  #placed = false;
  #weighed = false;

  constructor(mujoco: MainModule, model: RobotModel, rig: RobotRig) {
    this.#mujoco = mujoco;
    this.#rig = rig;
    this.#forces = new Float64Array(model.links.length);
    this.#mounts = new Float64Array(model.links.length * 7);
    for (let link = 0; link < model.links.length; link++) {
      const root = rig.bodies[rig.bodyOf[link]!]!.root;
      const [at, from] = [link * 7, root * 7];
      // Engine bodies are parallel to the world at the zero pose, so offsets there are offsets in the body.
      for (let k = 0; k < 3; k++) this.#mounts[at + k] = rig.zeroPoses[at + k]! - rig.zeroPoses[from + k]!;
      for (let k = 3; k < 7; k++) this.#mounts[at + k] = rig.zeroPoses[at + k]!;
    }
  }

  /** The state has changed. */
  look(model: TwinModel): void {
    this.#model = model;
    this.#placed = false;
    this.#weighed = false;
  }

  linkPose(link: number, out: Float64Array): void {
    const id = this.#turnTo(link);
    const { xpos } = this.#model!.views;
    const mount = this.#mounts.subarray(link * 7, link * 7 + 7);
    quatRotate(this.#rotation, mount, out);
    for (let k = 0; k < 3; k++) out[k] = out[k]! + xpos[3 * id + k]!;
    quatMultiply(this.#rotation, mount.subarray(3, 7), out.subarray(3, 7));
  }

  linkTwist(link: number, out: Float64Array): void {
    const id = this.#turnTo(link);
    const { xpos, cvel, treeCom } = this.#model!.views;
    const root = this.#model!.treeOf[id]!;
    const r = this.#lever;
    quatRotate(this.#rotation, this.#mounts.subarray(link * 7, link * 7 + 3), r);
    for (let k = 0; k < 3; k++) r[k] = r[k]! + xpos[3 * id + k]! - treeCom[3 * root + k]!;
    const c = 6 * id;
    for (let k = 0; k < 3; k++) {
      const [m, n] = [(k + 1) % 3, (k + 2) % 3];
      // v + w x r
      out[k] = cvel[c + 3 + k]! + cvel[c + m]! * r[n]! - cvel[c + n]! * r[m]!;
      out[3 + k] = cvel[c + k]!;
    }
  }

  castRays(rays: Float64Array, out: Float64Array): void {
    this.#place();
    const { mj, data } = this.#model!;
    for (let i = 0; i < out.length; i++) {
      const at = RAY_STRIDE * i;
      for (let k = 0; k < 3; k++) {
        this.#from[k] = rays[at + k]!;
        this.#along[k] = rays[at + 3 + k]!;
      }
      const range = rays[at + 6]!;
      const distance = this.#mujoco.mj_ray(mj, data, this.#from, this.#along, this.#groups, true, -1, null, null);
      out[i] = distance < 0 || distance > range ? range : distance;
    }
  }

  contactForces(links: readonly number[], out: Float64Array): void {
    if (!this.#weighed) this.#weigh();
    for (let i = 0; i < links.length; i++) out[i] = this.#forces[links[i]!]!;
  }

  /** Poses and velocities of the scene's objects, [nObjects, OBJECT_STRIDE]. */
  readObjects(out: Float64Array): void {
    const { objectQpos, objectDof, views } = this.#model!;
    const { qpos, qvel } = views;
    const spin = this.#lever;
    for (let i = 0; i < objectQpos.length; i++) {
      const [p, v, at] = [objectQpos[i]!, objectDof[i]!, i * OBJECT_STRIDE];
      this.#turnFrom(qpos, p + 3);
      for (let k = 0; k < 3; k++) spin[k] = qvel[v + 3 + k]!;
      quatRotate(this.#rotation, spin, spin);
      for (let k = 0; k < 3; k++) {
        out[at + k] = qpos[p + k]!;
        out[at + 7 + k] = qvel[v + k]!;
        out[at + 10 + k] = spin[k]!;
      }
      for (let k = 0; k < 4; k++) out[at + 3 + k] = this.#rotation[k]!;
    }
  }

  /** Sum up the normal forces of the last step; the engine lends its contacts as handles, so once for all links. */
  #weigh(): void {
    this.#weighed = true;
    this.#forces.fill(0);
    const { data, linkOf } = this.#model!;
    if (data.ncon === 0) return;
    const contacts = data.contact;
    const rows = data.efc_force as Float64Array;
    for (let i = 0; i < data.ncon; i++) {
      const contact = contacts.get(i)!;
      const [first, second] = [linkOf[contact.geom1]!, linkOf[contact.geom2]!];
      // Of an elliptic cone the first row is the normal force. Two links of the robot do not count.
      const row = contact.efc_address;
      if (row >= 0 && first < 0 !== second < 0) {
        const link = Math.max(first, second);
        this.#forces[link] = this.#forces[link]! + rows[row]!;
      }
      contact.delete();
    }
    contacts.delete();
  }

  #place(): void {
    if (this.#placed) return;
    this.#placed = true;
    this.#model!.refresh();
  }

  /** The rotation of a link's body into #rotation. @returns the engine's index of the body */
  #turnTo(link: number): number {
    this.#place();
    const id = this.#model!.bodyOf[this.#rig.bodyOf[link]!]!;
    this.#turnFrom(this.#model!.views.xquat, 4 * id);
    return id;
  }

  /** The engine's w, x, y, z from `at` on, into #rotation. */
  #turnFrom(quats: Float64Array, at: number): void {
    for (let k = 0; k < 3; k++) this.#rotation[k] = quats[at + 1 + k]!;
    this.#rotation[3] = quats[at]!;
  }
}
