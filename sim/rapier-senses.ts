/** What a Rapier world tells sensors: link poses and velocities, rays, contact forces, where objects are. */

import type RapierNamespace from '@dimforge/rapier3d';
import type { Quat, RobotModel } from '../core/robot-model.ts';
import { quatMultiply, quatRotate } from '../core/rotation.ts';
import { type RobotRig, zeroRotation } from './joint-rig.ts';
import type { PhysicsSettings, Rapier } from './rapier.ts';
import type { RapierBodies } from './rapier-bodies.ts';
import { RAY_GROUPS, type RapierParts } from './rapier-world.ts';
import type { SensedWorld } from './sensed-world.ts';

/** Up to so many colliders around the robot are asked one by one whether they touch a link. */
const FEW = 4;

/** What of the engine's contacts is called here (RawNarrowPhase, RawContactPair, RawContactManifold). */
interface RawContacts {
  contact_pair(own: number, other: number): RawPair | undefined;
}

interface RawPair {
  numContactManifolds(): number;
  contactManifold(m: number): RawManifold | undefined;
  free(): void;
}

interface RawManifold {
  num_contacts(): number;
  contact_impulse(i: number): number;
  free(): void;
}

export class RapierSenses implements SensedWorld {
  gravity = 9.81;
  readonly #rig: RobotRig;
  /** Each link's frame in its engine body's frame. */
  readonly #mounts: readonly Float64Array[];
  readonly #mountRotations: readonly Quat[];
  readonly #ray: RapierNamespace.Ray;
  readonly #rotation = new Float64Array(4);
  readonly #turned = new Float64Array(4);
  readonly #lever = new Float64Array(3);
  readonly #velocity = new Float64Array(3);
  #parts: RapierParts | undefined;
  #bodies: RapierBodies | undefined;
  /** Handles of the robot's own colliders. */
  #own: ReadonlySet<number> = new Set();
  #contacts: RawContacts | undefined;
  /** Handles of the colliders that are not the robot's. */
  #others: readonly number[] = [];
  #impulseToForce = 1;
  #impulse = 0;

  constructor(rapier: Rapier, model: RobotModel, rig: RobotRig) {
    this.#rig = rig;
    this.#ray = new rapier.Ray({ x: 0, y: 0, z: 0 }, { x: 0, y: 0, z: 1 });
    // Engine bodies are parallel to the world at the zero pose, so offsets there are offsets in the body.
    this.#mounts = model.links.map((_, link) => {
      const root = rig.bodies[rig.bodyOf[link]!]!.root;
      return Float64Array.from([0, 1, 2], (k) => rig.zeroPoses[link * 7 + k]! - rig.zeroPoses[root * 7 + k]!);
    });
    this.#mountRotations = model.links.map((_, link) => zeroRotation(rig.zeroPoses, link));
  }

  /** A new world. */
  look(parts: RapierParts, bodies: RapierBodies, gravity: number, physics: PhysicsSettings): void {
    this.#parts = parts;
    this.#bodies = bodies;
    this.gravity = gravity;
    this.#contacts = parts.world.narrowPhase.raw as unknown as RawContacts;
    const own = new Set([...parts.colliders.values()].flat().map(({ handle }) => handle));
    this.#own = own;
    this.#others = parts.world.colliders.getAll().flatMap(({ handle }) => (own.has(handle) ? [] : [handle]));
    // The engine reports the impulses of its sub-steps and of one more pass: a resting weight shows (n + 1) / n of m g dt.
    const { solverIterations: n, physicsDt } = physics;
    this.#impulseToForce = n / (n + 1) / physicsDt;
  }

  /** The engine finds what rays hit in a tree that it builds in a step: one of no length. */
  prepareRays(): void {
    const { world } = this.#parts!;
    const dt = world.timestep;
    world.timestep = 0;
    world.step();
    world.timestep = dt;
  }

  linkPose(link: number, out: Float64Array): void {
    const body = this.#rig.bodyOf[link]!;
    const rotation = this.#rotationOf(body);
    const mount = this.#mounts[link]!;
    quatRotate(rotation, mount, this.#lever);
    this.#bodies!.readPosition(body, out, 0);
    for (let k = 0; k < 3; k++) out[k] = out[k]! + this.#lever[k]!;
    quatMultiply(rotation, this.#mountRotations[link]!, this.#turned);
    for (let k = 0; k < 4; k++) out[3 + k] = this.#turned[k]!;
  }

  linkTwist(link: number, out: Float64Array): void {
    const body = this.#rig.bodyOf[link]!;
    const rotation = this.#rotationOf(body);
    // First: it uses the same scratch.
    this.originVelocity(body, this.#velocity);
    quatRotate(rotation, this.#mounts[link]!, this.#lever);
    const { spins } = this.#bodies!;
    const s = 3 * body;
    const r = this.#lever;
    for (let k = 0; k < 3; k++) {
      const m = (k + 1) % 3;
      const n = (k + 2) % 3;
      // v + w x r
      out[k] = this.#velocity[k]! + spins[s + m]! * r[n]! - spins[s + n]! * r[m]!;
      out[3 + k] = spins[s + k]!;
    }
  }

  /** Velocity of a body frame's origin along the world's axes, m/s. */
  originVelocity(body: number, out: Float64Array): void {
    const bodies = this.#bodies!;
    bodies.readVelocity(body, out, 0);
    const { com } = this.#parts!.masses[body]!;
    const c = quatRotate(this.#rotationOf(body), com, this.#lever);
    const { spins } = bodies;
    const wx = spins[3 * body]!;
    const wy = spins[3 * body + 1]!;
    const wz = spins[3 * body + 2]!;
    const cx = c[0]!;
    const cy = c[1]!;
    const cz = c[2]!;
    // v_origin = v_com - w x c
    out[0] = out[0]! - (wy * cz - wz * cy);
    out[1] = out[1]! - (wz * cx - wx * cz);
    out[2] = out[2]! - (wx * cy - wy * cx);
  }

  /** A body's centre of mass in the world, m. */
  centreOf(body: number, out: Float64Array): void {
    const c = quatRotate(this.#rotationOf(body), this.#parts!.masses[body]!.com, this.#lever);
    this.#bodies!.readPosition(body, out, 0);
    for (let k = 0; k < 3; k++) out[k] = out[k]! + c[k]!;
  }

  castRay(ox: number, oy: number, oz: number, dx: number, dy: number, dz: number, maxRange: number): number {
    const { origin, dir } = this.#ray;
    origin.x = ox;
    origin.y = oy;
    origin.z = oz;
    dir.x = dx;
    dir.y = dy;
    dir.z = dz;
    const hit = this.#parts!.world.castRay(this.#ray, maxRange, true, undefined, RAY_GROUPS);
    return hit === null ? maxRange : hit.timeOfImpact;
  }

  contactForce(link: number): number {
    const { world, colliders } = this.#parts!;
    const own = colliders.get(link);
    if (own === undefined) return 0;
    this.#impulse = 0;
    for (let i = 0; i < own.length; i++) {
      const collider = own[i]!;
      if (this.#others.length <= FEW) {
        for (let k = 0; k < this.#others.length; k++) this.#press(collider.handle, this.#others[k]!);
      } else {
        world.contactPairsWith(collider, (other) => {
          if (!this.#own.has(other.handle)) this.#press(collider.handle, other.handle);
        });
      }
    }
    return this.#impulse * this.#impulseToForce;
  }

  /** Add the impulses between two colliders, by the engine's raw calls: its public ones call back from WASM. */
  #press(own: number, other: number): void {
    const pair = this.#contacts!.contact_pair(own, other);
    if (pair === undefined) return;
    for (let m = pair.numContactManifolds() - 1; m >= 0; m--) {
      const manifold = pair.contactManifold(m)!;
      for (let i = manifold.num_contacts() - 1; i >= 0; i--) this.#impulse += manifold.contact_impulse(i);
      manifold.free();
    }
    pair.free();
  }

  /** Pose and velocities of a free body, into `out` from `at` on. */
  readObject(body: RapierNamespace.RigidBody, out: Float64Array, at: number): void {
    const p = body.translation();
    const r = body.rotation();
    const v = body.linvel();
    const w = body.angvel();
    out[at] = p.x;
    out[at + 1] = p.y;
    out[at + 2] = p.z;
    out[at + 3] = r.x;
    out[at + 4] = r.y;
    out[at + 5] = r.z;
    out[at + 6] = r.w;
    out[at + 7] = v.x;
    out[at + 8] = v.y;
    out[at + 9] = v.z;
    out[at + 10] = w.x;
    out[at + 11] = w.y;
    out[at + 12] = w.z;
  }

  #rotationOf(body: number): Float64Array {
    const { rotations } = this.#bodies!;
    for (let k = 0; k < 4; k++) this.#rotation[k] = rotations[4 * body + k]!;
    return this.#rotation;
  }
}
