/** What a Rapier world tells sensors: link poses and velocities, rays, contact forces, where objects are. */

import type { Quat, RobotModel } from '../core/robot-model.ts';
import { quatMultiply, quatRotate } from '../core/rotation.ts';
import { type RobotRig, zeroRotation } from './joint-rig.ts';
import type { PhysicsSettings } from './rapier.ts';
import { RapierBodies } from './rapier-bodies.ts';
import type { RawWorld } from './rapier-raw.ts';
import { RAY_GROUPS, type RapierParts } from './rapier-world.ts';
import { OBJECT_STRIDE } from './scene.ts';
import type { SensedWorld } from './sensed-world.ts';

export class RapierSenses implements SensedWorld {
  gravity = 9.81;
  readonly #rig: RobotRig;
  /** Each link's frame in its engine body's frame. */
  readonly #mounts: readonly Float64Array[];
  readonly #mountRotations: readonly Quat[];
  readonly #rotation = new Float64Array(4);
  readonly #turned = new Float64Array(4);
  readonly #lever = new Float64Array(3);
  readonly #velocity = new Float64Array(3);
  #world: RawWorld | undefined;
  #parts: RapierParts | undefined;
  #bodies: RapierBodies | undefined;
  /** The scene's free bodies. */
  #objects: RapierBodies | undefined;
  /** Handles of each link's colliders, and of those that are not the robot's. */
  #own: readonly Float64Array[] = [];
  #others = new Float64Array(0);
  #impulseToForce = 1;

  constructor(model: RobotModel, rig: RobotRig) {
    this.#rig = rig;
    // Engine bodies are parallel to the world at the zero pose, so offsets there are offsets in the body.
    this.#mounts = model.links.map((_, link) => {
      const root = rig.bodies[rig.bodyOf[link]!]!.root;
      return Float64Array.from([0, 1, 2], (k) => rig.zeroPoses[link * 7 + k]! - rig.zeroPoses[root * 7 + k]!);
    });
    this.#mountRotations = model.links.map((_, link) => zeroRotation(rig.zeroPoses, link));
  }

  /** A new world. */
  look(world: RawWorld, parts: RapierParts, bodies: RapierBodies, gravity: number, physics: PhysicsSettings): void {
    this.#world = world;
    this.#parts = parts;
    this.#bodies = bodies;
    this.#objects = new RapierBodies(world, parts.objects);
    this.gravity = gravity;
    this.#own = this.#mounts.map((_, link) =>
      Float64Array.from(parts.colliders.get(link) ?? [], ({ handle }) => handle),
    );
    const own = new Set(this.#own.flatMap((handles) => [...handles]));
    const others = parts.world.colliders.getAll().filter(({ handle }) => !own.has(handle));
    this.#others = Float64Array.from(others, ({ handle }) => handle);
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

  castRays(rays: Float64Array, out: Float64Array): void {
    this.#world!.castRays(rays, RAY_GROUPS, out);
  }

  contactForces(links: readonly number[], out: Float64Array): void {
    for (let i = 0; i < links.length; i++) {
      const own = this.#own[links[i]!]!;
      out[i] = 0;
      for (let k = 0; k < own.length; k++) this.#world!.addImpulses(own[k]!, this.#others, out, i);
      out[i] = out[i]! * this.#impulseToForce;
    }
  }

  /** Pose and velocities of the scene's free bodies, [nObjects, OBJECT_STRIDE]. */
  readObjects(out: Float64Array): void {
    const objects = this.#objects!;
    objects.readMotion();
    const { rotations, spins } = objects;
    for (let i = 0, at = 0; at < out.length; i++, at += OBJECT_STRIDE) {
      objects.readPosition(i, out, at);
      for (let k = 0; k < 4; k++) out[at + 3 + k] = rotations[4 * i + k]!;
      objects.readVelocity(i, out, at + 7);
      for (let k = 0; k < 3; k++) out[at + 10 + k] = spins[3 * i + k]!;
    }
  }

  #rotationOf(body: number): Float64Array {
    const { rotations } = this.#bodies!;
    for (let k = 0; k < 4; k++) this.#rotation[k] = rotations[4 * body + k]!;
    return this.#rotation;
  }
}
