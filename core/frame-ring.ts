/**
 * The newest frames of a running simulation or robot, in one SharedArrayBuffer: who computes writes joint coordinates and
 * a few channels and goes on; who watches reads when it likes, and is lapped when it is slow. Nobody ever waits.
 *
 * Frames are numbered from 0; frame f lies in slot f mod capacity. Writers fill the slots of unpublished frames, each
 * its own environments, in any order, at most capacity / 2 frames ahead; one thread then publishes them. So the newest
 * floor(capacity / 2) published frames are never being overwritten, and only those can be read.
 *
 *   [published u32, 60 B unused] [time f64: capacity]
 *   [f32: capacity, numEnvs, nJoints + base pose 7 where it moves + 7 nObjects + nChannels]
 */

import { InputError } from './errors.ts';
import type { RobotModel } from './robot-model.ts';

export interface Channel {
  readonly name: string;
  readonly group: 'reward' | 'obs' | 'torque' | 'other';
  readonly unit: string;
}

export interface FrameRingSpec {
  /** Slots; at least twice as many as are ever written before they are published. */
  readonly capacity: number;
  readonly numEnvs: number;
  readonly nJoints: number;
  /** Whether frames carry the pose of the base. @default fixed: they do not */
  readonly base?: RobotModel['base'];
  /** Objects of the scene whose poses frames carry. @default 0 */
  readonly nObjects?: number;
  /** What is shown of each environment beside its joints. */
  readonly channels: readonly Channel[];
  /** Seconds from frame to frame. */
  readonly dt: number;
}

/** Can be sent to another thread as it is. */
export interface FrameRing {
  readonly spec: FrameRingSpec;
  readonly buffer: SharedArrayBuffer;
}

/** One frame, copied out of the ring. */
export interface Frame {
  number: number;
  /** s */
  time: number;
  /** Per environment its q, base, objects and channels: [numEnvs, frameStride]. */
  readonly values: Float32Array;
}

/** What decides the numbers kept of one environment. */
export type EnvironmentShape = Pick<FrameRingSpec, 'nJoints' | 'base' | 'nObjects' | 'channels'>;

/** Numbers of a pose: x, y, z in m, then the rotation x, y, z, w. */
export const POSE_SIZE = 7;

const HEADER_BYTES = 64;

/** Numbers kept of the base in one frame. */
export function baseSize({ base }: Pick<FrameRingSpec, 'base'>): number {
  return base === 'floating' ? POSE_SIZE : 0;
}

/** Numbers kept of the objects in one frame. */
export function objectsSize({ nObjects = 0 }: Pick<FrameRingSpec, 'nObjects'>): number {
  return POSE_SIZE * nObjects;
}

/** Numbers kept of one environment in one frame. */
export function frameStride(spec: EnvironmentShape): number {
  return spec.nJoints + baseSize(spec) + objectsSize(spec) + spec.channels.length;
}

/** @throws InputError for sizes that make no ring */
export function makeFrameRing(spec: FrameRingSpec): FrameRing {
  for (const [name, least] of [
    ['capacity', 2],
    ['numEnvs', 1],
    ['nJoints', 0],
    ['nObjects', 0],
  ] as const) {
    const count = spec[name] ?? 0;
    if (!Number.isInteger(count) || count < least) {
      throw new InputError(`frame ring: ${name} should be a whole number of at least ${least}, found ${count}`);
    }
  }
  if (!(spec.dt > 0)) throw new InputError(`frame ring: dt should be above 0 s, found ${spec.dt}`);
  const floats = spec.capacity * spec.numEnvs * frameStride(spec);
  return { spec, buffer: new SharedArrayBuffer(HEADER_BYTES + 8 * spec.capacity + 4 * floats) };
}

export function openFrameRing(ring: FrameRing): OpenFrameRing {
  return new OpenFrameRing(ring);
}

export function makeFrame(spec: FrameRingSpec): Frame {
  return { number: -1, time: 0, values: new Float32Array(spec.numEnvs * frameStride(spec)) };
}

/** One thread's view of a ring. Allocates nothing after construction. */
export class OpenFrameRing {
  readonly spec: FrameRingSpec;
  readonly #published: Uint32Array;
  readonly #times: Float64Array;
  readonly #values: Float32Array;
  readonly #stride: number;
  readonly #slotSize: number;

  constructor({ spec, buffer }: FrameRing) {
    this.spec = spec;
    this.#stride = frameStride(spec);
    this.#slotSize = spec.numEnvs * this.#stride;
    this.#published = new Uint32Array(buffer, 0, 1);
    this.#times = new Float64Array(buffer, HEADER_BYTES, spec.capacity);
    this.#values = new Float32Array(buffer, HEADER_BYTES + 8 * spec.capacity, spec.capacity * this.#slotSize);
  }

  /** Frames published so far; the next frame's number. */
  get published(): number {
    return Atomics.load(this.#published, 0);
  }

  /** The oldest frame that can still be read. */
  get oldest(): number {
    return Math.max(0, this.published - Math.floor(this.spec.capacity / 2));
  }

  slotOf(frame: number): number {
    return frame % this.spec.capacity;
  }

  /** @param time s */
  setTime(slot: number, time: number): void {
    this.#times[slot] = time;
  }

  /**
   * One environment's joints and channels.
   * @param q [nJoints] from `qOffset` on @param values [nChannels] from `valuesOffset` on
   */
  setEnv(
    slot: number,
    env: number,
    q: ArrayLike<number>,
    values: ArrayLike<number>,
    qOffset = 0,
    valuesOffset = 0,
  ): void {
    const { nJoints, channels } = this.spec;
    let at = slot * this.#slotSize + env * this.#stride;
    for (let i = 0; i < nJoints; i++) this.#values[at++] = q[qOffset + i]!;
    at += baseSize(this.spec) + objectsSize(this.spec);
    for (let i = 0; i < channels.length; i++) this.#values[at++] = values[valuesOffset + i]!;
  }

  /** Where one environment's base is; nothing happens where frames carry none. @param pose in the world, [7] */
  setBase(slot: number, env: number, pose: ArrayLike<number>): void {
    const at = slot * this.#slotSize + env * this.#stride + this.spec.nJoints;
    for (let i = 0; i < baseSize(this.spec); i++) this.#values[at + i] = pose[i]!;
  }

  /**
   * Where one environment's objects are; those that there are not become NaN.
   * @param objects [nObjects, stride], each beginning with its pose in the world
   */
  setObjects(slot: number, env: number, objects: ArrayLike<number>, stride: number): void {
    const { spec } = this;
    let at = slot * this.#slotSize + env * this.#stride + spec.nJoints + baseSize(spec);
    for (let o = 0; o < (spec.nObjects ?? 0); o++) {
      for (let i = 0; i < POSE_SIZE; i++) this.#values[at++] = objects[o * stride + i] ?? Number.NaN;
    }
  }

  /** Make the next `frames` frames readable. By one thread only. @returns how many are published now */
  publish(frames: number): number {
    return Atomics.add(this.#published, 0, frames) + frames;
  }

  /** Copy a frame out. @returns false when it is not published yet, or is too old to be whole */
  read(frame: number, into: Frame): boolean {
    if (frame >= this.published || frame < this.oldest) return false;
    const slot = this.slotOf(frame);
    const from = slot * this.#slotSize;
    for (let i = 0; i < this.#slotSize; i++) into.values[i] = this.#values[from + i]!;
    into.time = this.#times[slot]!;
    into.number = frame;
    // Writers may have come round while we copied.
    return frame >= this.oldest;
  }
}
