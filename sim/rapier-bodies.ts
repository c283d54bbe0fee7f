/**
 * A robot's bodies in a Rapier world, read and pushed through the engine's raw calls: the public getters and setters
 * allocate a vector in WASM for every call, which costs more than the physics of a light robot. One buffer, no objects.
 */

import type RapierNamespace from '@dimforge/rapier3d';
import type { Rapier } from './rapier.ts';

/** What of the engine's body set is called here (RawRigidBodySet). */
interface RawBodies {
  rbTranslation(handle: number, out: Float32Array): void;
  rbRotation(handle: number, out: Float32Array): void;
  rbLinvel(handle: number, out: Float32Array): void;
  rbAngvel(handle: number, out: Float32Array): void;
  rbResetForces(handle: number, wakeUp: boolean): void;
  rbResetTorques(handle: number, wakeUp: boolean): void;
  rbAddForce(handle: number, force: RawVector, wakeUp: boolean): void;
  rbAddTorque(handle: number, torque: RawVector, wakeUp: boolean): void;
}

interface RawVector {
  x: number;
  y: number;
  z: number;
}

export class RapierBodies {
  /** Rotations x, y, z, w of the bodies when `readMotion` was last called, [nBodies * 4]. */
  readonly rotations: Float64Array;
  /** Angular velocities along the world's axes, rad/s, [nBodies * 3]. */
  readonly spins: Float64Array;
  /** Forces through the centre of mass, N, and torques, N m, of the coming step, world axes, [nBodies * 3]. */
  readonly forces: Float64Array;
  readonly torques: Float64Array;
  readonly #raw: RawBodies;
  readonly #handles: Float64Array;
  /** 1 for bodies that move. */
  readonly #moving: Uint8Array;
  readonly #buffer = new Float32Array(4);
  readonly #vector: RawVector;
  #forced = false;

  constructor(rapier: Rapier, world: RapierNamespace.World, bodies: readonly RapierNamespace.RigidBody[]) {
    this.#raw = world.bodies.raw as unknown as RawBodies;
    this.#handles = Float64Array.from(bodies, (body) => body.handle);
    this.#moving = Uint8Array.from(bodies, (body) => (body.isDynamic() ? 1 : 0));
    this.#vector = rapier.VectorOps.intoRaw({ x: 0, y: 0, z: 0 });
    this.rotations = new Float64Array(bodies.length * 4);
    this.spins = new Float64Array(bodies.length * 3);
    this.forces = new Float64Array(bodies.length * 3);
    this.torques = new Float64Array(bodies.length * 3);
    for (let b = 0; b < bodies.length; b++) this.#readOne(b);
  }

  /** Rotations and angular velocities of every body that moves. */
  readMotion(): void {
    for (let b = 0; b < this.#handles.length; b++) if (this.#moving[b] === 1) this.#readOne(b);
  }

  #readOne(b: number): void {
    const { rotations, spins } = this;
    const buffer = this.#buffer;
    this.#raw.rbRotation(this.#handles[b]!, buffer);
    for (let k = 0; k < 4; k++) rotations[4 * b + k] = buffer[k]!;
    this.#raw.rbAngvel(this.#handles[b]!, buffer);
    for (let k = 0; k < 3; k++) spins[3 * b + k] = buffer[k]!;
  }

  /** Position of a body's frame, m, into `out` from `at` on. */
  readPosition(b: number, out: Float64Array, at: number): void {
    this.#raw.rbTranslation(this.#handles[b]!, this.#buffer);
    for (let k = 0; k < 3; k++) out[at + k] = this.#buffer[k]!;
  }

  /** Velocity of a body's centre of mass, m/s, into `out` from `at` on. */
  readVelocity(b: number, out: Float64Array, at: number): void {
    this.#raw.rbLinvel(this.#handles[b]!, this.#buffer);
    for (let k = 0; k < 3; k++) out[at + k] = this.#buffer[k]!;
  }

  /** Forget the forces and torques that were gathered for a step. */
  clear(): void {
    this.forces.fill(0);
    this.torques.fill(0);
  }

  /** Give the bodies what was gathered; it acts in every step until the next call. @param withForces or torques alone */
  apply(withForces: boolean): void {
    const raw = this.#raw;
    const vector = this.#vector;
    const { forces, torques } = this;
    const forcesToo = withForces || this.#forced;
    for (let b = 0; b < this.#handles.length; b++) {
      if (this.#moving[b] === 0) continue;
      const handle = this.#handles[b]!;
      const at = 3 * b;
      raw.rbResetTorques(handle, false);
      vector.x = torques[at]!;
      vector.y = torques[at + 1]!;
      vector.z = torques[at + 2]!;
      raw.rbAddTorque(handle, vector, false);
      if (!forcesToo) continue;
      raw.rbResetForces(handle, false);
      vector.x = forces[at]!;
      vector.y = forces[at + 1]!;
      vector.z = forces[at + 2]!;
      raw.rbAddForce(handle, vector, false);
    }
    this.#forced = withForces;
  }
}
