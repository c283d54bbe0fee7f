/**
 * Bodies in a Rapier world, read and pushed in the engine's memory: a call for each number costs more than the physics of a
 * light robot. No objects, no calls.
 */

import type RapierNamespace from '@dimforge/rapier3d';
import type { BodyLayout, RawWorld } from './rapier-raw.ts';

export class RapierBodies {
  /** Rotations x, y, z, w of the bodies when `readMotion` was last called, [nBodies * 4]. */
  readonly rotations: Float64Array;
  /** Angular velocities along the world's axes, rad/s, [nBodies * 3]. */
  readonly spins: Float64Array;
  /** Forces through the centre of mass, N, and torques, N m, of the coming step, world axes, [nBodies * 3]. */
  readonly forces: Float64Array;
  readonly torques: Float64Array;
  readonly #world: RawWorld;
  readonly #layout: BodyLayout;
  /** Where each begins in the engine's memory. */
  readonly #places: Int32Array;
  /** 1 for bodies that move. */
  readonly #moving: Uint8Array;
  #forced = false;

  /** @param world which is complete: no body is added to it later */
  constructor(world: RawWorld, bodies: readonly RapierNamespace.RigidBody[]) {
    this.#world = world;
    this.#layout = world.layout;
    this.#places = Int32Array.from(bodies, ({ handle }) => world.bodyAt(handle));
    this.#moving = Uint8Array.from(bodies, (body) => (body.isDynamic() ? 1 : 0));
    this.rotations = new Float64Array(bodies.length * 4);
    this.spins = new Float64Array(bodies.length * 3);
    this.forces = new Float64Array(bodies.length * 3);
    this.torques = new Float64Array(bodies.length * 3);
    for (let b = 0; b < bodies.length; b++) this.#readOne(b, world.memory);
  }

  /** Rotations and angular velocities of every body that moves. */
  readMotion(): void {
    const { memory } = this.#world;
    for (let b = 0; b < this.#places.length; b++) if (this.#moving[b] === 1) this.#readOne(b, memory);
  }

  #readOne(b: number, memory: Float32Array): void {
    const { rotations, spins } = this;
    const place = this.#places[b]!;
    const rotation = place + this.#layout.rotation;
    for (let k = 0; k < 4; k++) rotations[4 * b + k] = memory[rotation + k]!;
    const spin = place + this.#layout.spin;
    for (let k = 0; k < 3; k++) spins[3 * b + k] = memory[spin + k]!;
  }

  /** Position of a body's frame, m, into `out` from `at` on. */
  readPosition(b: number, out: Float64Array, at: number): void {
    const { memory } = this.#world;
    const from = this.#places[b]! + this.#layout.position;
    for (let k = 0; k < 3; k++) out[at + k] = memory[from + k]!;
  }

  /** Velocity of a body's centre of mass, m/s, into `out` from `at` on. */
  readVelocity(b: number, out: Float64Array, at: number): void {
    const { memory } = this.#world;
    const from = this.#places[b]! + this.#layout.velocity;
    for (let k = 0; k < 3; k++) out[at + k] = memory[from + k]!;
  }

  /** Forget the forces and torques that were gathered for a step. */
  clear(): void {
    this.forces.fill(0);
    this.torques.fill(0);
  }

  /** Give the bodies what was gathered; it acts in every step until the next call. @param withForces or torques alone */
  apply(withForces: boolean): void {
    const { memory } = this.#world;
    const { forces, torques } = this;
    const { force, torque } = this.#layout;
    const forcesToo = withForces || this.#forced;
    for (let b = 0; b < this.#places.length; b++) {
      if (this.#moving[b] === 0) continue;
      const place = this.#places[b]!;
      for (let k = 0; k < 3; k++) memory[place + torque + k] = torques[3 * b + k]!;
      if (!forcesToo) continue;
      for (let k = 0; k < 3; k++) memory[place + force + k] = forces[3 * b + k]!;
    }
    this.#forced = withForces;
  }
}
