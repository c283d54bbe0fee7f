/**
 * The engine below its public interface: its WASM functions and where in their memory a body's numbers are. The public
 * getters call back into JavaScript for every number and wrap every contact and hit in a registered object, which costs
 * time and a heap; here a number is read where it is. Where that is, is not assumed but found: known numbers are written by the
 * public setters and looked for. Knows no robot.
 */

import type RapierNamespace from '@dimforge/rapier3d';
import { LandfallError } from '../core/errors.ts';
import type { Rapier } from './rapier.ts';
import { RAY_STRIDE } from './sensed-world.ts';

type World = RapierNamespace.World;

/** Of the engine's functions, those called here. Sets, vectors, pairs and hits are addresses. */
export interface RawFunctions {
  readonly memory: WebAssembly.Memory;
  rawphysicspipeline_step(
    pipeline: number,
    gravity: number,
    parameters: number,
    islands: number,
    broadPhase: number,
    narrowPhase: number,
    bodies: number,
    colliders: number,
    joints: number,
    articulations: number,
    ccd: number,
  ): void;
  rawvector_set_x(vector: number, value: number): void;
  rawvector_set_y(vector: number, value: number): void;
  rawvector_set_z(vector: number, value: number): void;
  /** @returns 0 where nothing is hit */
  rawbroadphase_castRay(
    broadPhase: number,
    narrowPhase: number,
    bodies: number,
    colliders: number,
    origin: number,
    direction: number,
    maxRange: number,
    solid: number,
    flags: number,
    groups: number,
    hasExcluded: number,
    excluded: number,
    hasExcludedBody: number,
    excludedBody: number,
    predicate: number,
  ): number;
  rawraycolliderhit_timeOfImpact(hit: number): number;
  __wbg_rawraycolliderhit_free(hit: number, unused: number): void;
  /** @returns 0 where there is none */
  rawnarrowphase_contact_pair(narrowPhase: number, one: number, other: number): number;
  rawcontactpair_numContactManifolds(pair: number): number;
  rawcontactpair_contactManifold(pair: number, m: number): number;
  __wbg_rawcontactpair_free(pair: number, unused: number): void;
  rawcontactmanifold_num_contacts(manifold: number): number;
  rawcontactmanifold_contact_impulse(manifold: number, i: number): number;
  __wbg_rawcontactmanifold_free(manifold: number, unused: number): void;
}

/** Where a body is, in 4-byte words: the address of the first is at `bodies` of the set, others `stride` further on. */
export interface BodyLayout {
  readonly bodies: number;
  readonly stride: number;
  readonly position: number;
  /** x, y, z, w */
  readonly rotation: number;
  /** Of the centre of mass, m/s. */
  readonly velocity: number;
  readonly spin: number;
  /** What the user applies until the next change, world axes, N and N m. */
  readonly force: number;
  readonly torque: number;
}

export interface RawEngine {
  readonly functions: RawFunctions;
  readonly layout: BodyLayout;
}

/** Run what starts the engine, and keep the functions of the WASM module that it makes. @returns undefined if it makes none */
export async function watchStart(start: () => Promise<unknown>): Promise<RawFunctions | undefined> {
  let functions: RawFunctions | undefined;
  const original = WebAssembly.instantiate;
  const watching = async (code: BufferSource | WebAssembly.Module, imports?: WebAssembly.Imports) => {
    const made: WebAssembly.WebAssemblyInstantiatedSource | WebAssembly.Instance = await original(
      code as BufferSource,
      imports,
    );
    const { exports } = 'instance' in made ? made.instance : made;
    // Others may start modules of theirs meanwhile.
    if ('rawphysicspipeline_step' in exports) functions = pick(exports as unknown as RawFunctions);
    return made;
  };
  WebAssembly.instantiate = watching as typeof WebAssembly.instantiate;
  try {
    await start();
  } finally {
    WebAssembly.instantiate = original;
  }
  return functions;
}

/** Those called here in an object of their own: in the module's, of some 600, a call is a search by name. */
function pick(all: RawFunctions): RawFunctions {
  return {
    memory: all.memory,
    rawphysicspipeline_step: all.rawphysicspipeline_step,
    rawvector_set_x: all.rawvector_set_x,
    rawvector_set_y: all.rawvector_set_y,
    rawvector_set_z: all.rawvector_set_z,
    rawbroadphase_castRay: all.rawbroadphase_castRay,
    rawraycolliderhit_timeOfImpact: all.rawraycolliderhit_timeOfImpact,
    __wbg_rawraycolliderhit_free: all.__wbg_rawraycolliderhit_free,
    rawnarrowphase_contact_pair: all.rawnarrowphase_contact_pair,
    rawcontactpair_numContactManifolds: all.rawcontactpair_numContactManifolds,
    rawcontactpair_contactManifold: all.rawcontactpair_contactManifold,
    __wbg_rawcontactpair_free: all.__wbg_rawcontactpair_free,
    rawcontactmanifold_num_contacts: all.rawcontactmanifold_num_contacts,
    rawcontactmanifold_contact_impulse: all.rawcontactmanifold_contact_impulse,
    __wbg_rawcontactmanifold_free: all.__wbg_rawcontactmanifold_free,
  };
}

/** The address of what an engine's wrapper wraps. */
export function addressOf(wrapper: object): number {
  return (wrapper as { readonly __wbg_ptr: number }).__wbg_ptr >>> 0;
}

/** How far a set's pointer to its bodies is looked for, and a body's numbers, words. */
const SET_WORDS = 512;
const BODY_WORDS = 1024;

/** Find where a body's numbers are. @throws LandfallError where they are not found */
export function findLayout(rapier: Rapier, { memory }: RawFunctions): BodyLayout {
  const world = new rapier.World({ x: 0, y: 0, z: 0 });
  // Exact in single precision, and each met nowhere else.
  const mark = (n: number, k: number) => [n + k + 1 / 8, n + k + 1 / 4, n + k + 3 / 8] as const;
  const vector = ([x, y, z]: readonly [number, number, number]) => ({ x, y, z });
  const rotation = [0.5, -0.5, 0.5, -0.5];
  for (let k = 0; k < 3; k++) {
    const desc = rapier.RigidBodyDesc.dynamic().setTranslation(...mark(10, k));
    const body = world.createRigidBody(desc.setRotation({ x: 0.5, y: -0.5, z: 0.5, w: -0.5 }));
    body.setLinvel(vector(mark(20, k)), false);
    body.setAngvel(vector(mark(30, k)), false);
    body.addForce(vector(mark(40, k)), false);
    body.addTorque(vector(mark(50, k)), false);
  }
  const words = new Uint32Array(memory.buffer);
  const floats = new Float32Array(memory.buffer);
  const set = addressOf(world.bodies.raw) / 4;
  const find = (base: number, numbers: readonly number[]): number => {
    for (let at = 0; at < BODY_WORDS; at++) if (numbers.every((value, i) => floats[base + at + i] === value)) return at;
    return -1;
  };
  try {
    for (let bodies = 0; bodies < SET_WORDS; bodies++) {
      const base = words[set + bodies]! / 4;
      const position = find(base, mark(10, 0));
      if (position < 0) continue;
      const stride = find(base, mark(10, 1)) - position;
      const layout: BodyLayout = {
        bodies,
        stride,
        position,
        rotation: find(base, rotation),
        velocity: find(base, mark(20, 0)),
        spin: find(base, mark(30, 0)),
        force: find(base, mark(40, 0)),
        torque: find(base, mark(50, 0)),
      };
      const places = [layout.rotation, layout.velocity, layout.spin, layout.force, layout.torque];
      const isWhole = places.every((at) => at >= 0 && at < stride);
      if (isWhole && find(base, mark(10, 2)) === position + 2 * stride) return layout;
    }
  } finally {
    world.free();
  }
  throw new LandfallError('the memory of the Rapier engine is not laid out as expected', {
    repair: 'install the version of the engine that package.json names',
  });
}

/** A world's functions with their addresses filled in. Its owner frees the world. Nothing here allocates. */
export class RawWorld {
  readonly layout: BodyLayout;
  readonly #functions: RawFunctions;
  readonly #pipeline: number;
  readonly #gravity: number;
  readonly #parameters: number;
  readonly #islands: number;
  readonly #broadPhase: number;
  readonly #narrowPhase: number;
  readonly #bodies: number;
  readonly #colliders: number;
  readonly #joints: number;
  readonly #articulations: number;
  readonly #ccd: number;
  readonly #origin: number;
  readonly #direction: number;
  /** Vectors that live as long as this does. */
  readonly #vectors: readonly object[];
  #memory: Float32Array;

  constructor(rapier: Rapier, { functions, layout }: RawEngine, world: World) {
    const newVector = () => rapier.VectorOps.intoRaw({ x: 0, y: 0, z: 0 });
    this.layout = layout;
    this.#functions = functions;
    this.#pipeline = addressOf(world.physicsPipeline.raw);
    this.#parameters = addressOf(world.integrationParameters.raw);
    this.#islands = addressOf(world.islands.raw);
    this.#broadPhase = addressOf(world.broadPhase.raw);
    this.#narrowPhase = addressOf(world.narrowPhase.raw);
    this.#bodies = addressOf(world.bodies.raw);
    this.#colliders = addressOf(world.colliders.raw);
    this.#joints = addressOf(world.impulseJoints.raw);
    this.#articulations = addressOf(world.multibodyJoints.raw);
    this.#ccd = addressOf(world.ccdSolver.raw);
    this.#vectors = [newVector(), newVector(), newVector()];
    this.#gravity = addressOf(this.#vectors[0]!);
    this.#origin = addressOf(this.#vectors[1]!);
    this.#direction = addressOf(this.#vectors[2]!);
    this.#memory = new Float32Array(functions.memory.buffer);
    this.#functions.rawvector_set_z(this.#gravity, world.gravity.z);
  }

  /** The engine's memory as it is until something in it grows: not to be kept over a step. */
  get memory(): Float32Array {
    if (this.#memory.length === 0) this.#memory = new Float32Array(this.#functions.memory.buffer);
    return this.#memory;
  }

  /** Where in `memory` a body begins, until another body is made. @param handle of the body */
  bodyAt(handle: number): number {
    const words = new Uint32Array(this.#functions.memory.buffer);
    return words[this.#bodies / 4 + this.layout.bodies]! / 4 + this.layout.stride * indexOf(handle);
  }

  /** Downwards, m/s2. */
  setGravity(gravity: number): void {
    this.#functions.rawvector_set_z(this.#gravity, -gravity);
  }

  step(): void {
    this.#functions.rawphysicspipeline_step(
      this.#pipeline,
      this.#gravity,
      this.#parameters,
      this.#islands,
      this.#broadPhase,
      this.#narrowPhase,
      this.#bodies,
      this.#colliders,
      this.#joints,
      this.#articulations,
      this.#ccd,
    );
  }

  /**
   * How far along each ray something is, m; its range where nothing is.
   * @param rays origin, unit direction and range of each, [n, RAY_STRIDE] @param groups what they meet @param out [n]
   */
  castRays(rays: Float64Array, groups: number, out: Float64Array): void {
    const calls = this.#functions;
    for (let i = 0; i < out.length; i++) {
      const at = RAY_STRIDE * i;
      calls.rawvector_set_x(this.#origin, rays[at]!);
      calls.rawvector_set_y(this.#origin, rays[at + 1]!);
      calls.rawvector_set_z(this.#origin, rays[at + 2]!);
      calls.rawvector_set_x(this.#direction, rays[at + 3]!);
      calls.rawvector_set_y(this.#direction, rays[at + 4]!);
      calls.rawvector_set_z(this.#direction, rays[at + 5]!);
      // The last is no function, so the engine asks nobody about what it meets: the public call makes it ask each time.
      const hit = calls.rawbroadphase_castRay(
        this.#broadPhase,
        this.#narrowPhase,
        this.#bodies,
        this.#colliders,
        this.#origin,
        this.#direction,
        rays[at + 6]!,
        1,
        0,
        groups,
        0,
        0,
        0,
        0,
        0,
      );
      if (hit === 0) {
        out[i] = rays[at + 6]!;
        continue;
      }
      out[i] = calls.rawraycolliderhit_timeOfImpact(hit);
      calls.__wbg_rawraycolliderhit_free(hit, 0);
    }
  }

  /** Add to `out[at]` the impulses between pairs of colliders. @param one its handle @param others theirs */
  addImpulses(one: number, others: Float64Array, out: Float64Array, at: number): void {
    const calls = this.#functions;
    for (let k = 0; k < others.length; k++) {
      const pair = calls.rawnarrowphase_contact_pair(this.#narrowPhase, one, others[k]!);
      if (pair === 0) continue;
      for (let m = calls.rawcontactpair_numContactManifolds(pair) - 1; m >= 0; m--) {
        const manifold = calls.rawcontactpair_contactManifold(pair, m);
        for (let i = calls.rawcontactmanifold_num_contacts(manifold) - 1; i >= 0; i--)
          out[at] = out[at]! + calls.rawcontactmanifold_contact_impulse(manifold, i);
        calls.__wbg_rawcontactmanifold_free(manifold, 0);
      }
      calls.__wbg_rawcontactpair_free(pair, 0);
    }
  }
}

const bits = new DataView(new ArrayBuffer(8));

/** A handle's lower half is the place in its set. */
function indexOf(handle: number): number {
  bits.setFloat64(0, handle, true);
  return bits.getUint32(0, true);
}
