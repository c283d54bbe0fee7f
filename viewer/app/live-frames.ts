/**
 * The last minute of a live stream, for rewinding. Frames keep the time at which they were watched, so that a stretch the
 * server left out is a cut in the film, not a pause. Memory is taken once and bounded.
 */

import { baseSize, type Channel, objectsSize, POSE_SIZE } from '../../core/frame-ring.ts';
import type { RobotModel } from '../../core/robot-model.ts';
import type { DecodedFrame, LiveSource, SourceKind } from '../protocol.ts';
import type { SceneMessage, ShownScene } from '../scene-message.ts';
import { interpolatePose } from './base-pose.ts';
import { columnsOf, type FrameSource, interpolate, lastAtOrBefore, type Series } from './frame-source.ts';

const REWIND_SECONDS = 60;
const MAX_BYTES = 256 * 1024 * 1024;
/** A longer step of the stream's clock is a cut, s. */
const LONGEST_STEP = 1;
/** Scenes kept for rewinding. */
const SCENES_KEPT = 128;

export class LiveFrames implements FrameSource {
  readonly isLive = true;
  readonly kind: SourceKind;
  readonly title: string;
  readonly model: RobotModel;
  readonly numEnvs: number;
  readonly channels: readonly Channel[];
  readonly capacity: number;
  readonly #source: LiveSource;
  readonly #columns: Int32Array;
  /** Circular, oldest at `#head`. */
  readonly #times: Float64Array;
  readonly #clocks: Float64Array;
  readonly #steps: Float64Array;
  /** 1 where a frame does not follow from the one before. */
  readonly #cuts: Uint8Array;
  readonly #selected: Uint16Array;
  readonly #q: Float32Array;
  readonly #bases: Float32Array;
  readonly #objects: Float32Array;
  readonly #values: Float32Array;
  /** The objects that were last asked for. */
  readonly #placed: Float32Array;
  /** In the order of their coming. */
  #scenes: SceneMessage[] = [];
  #head = 0;
  #count = 0;

  constructor(source: LiveSource, model: RobotModel) {
    this.#source = source;
    this.kind = source.kind;
    this.title = source.title;
    this.model = model;
    this.numEnvs = source.spec.numEnvs;
    this.channels = source.spec.channels;
    this.#columns = columnsOf(model, source.joints);
    const qSize = source.spec.numEnvs * source.spec.nJoints;
    const baseNumbers = source.spec.numEnvs * baseSize(source.spec);
    const objectNumbers = objectsSize(source.spec);
    const bytes = 4 * (qSize + baseNumbers + objectNumbers + this.channels.length) + 8 * 3 + 3;
    this.capacity = Math.max(2, Math.floor(Math.min(REWIND_SECONDS * source.frameRate, MAX_BYTES / bytes)));
    this.#times = new Float64Array(this.capacity);
    this.#clocks = new Float64Array(this.capacity);
    this.#steps = new Float64Array(this.capacity);
    this.#cuts = new Uint8Array(this.capacity);
    this.#selected = new Uint16Array(this.capacity);
    this.#q = new Float32Array(this.capacity * qSize);
    this.#bases = new Float32Array(this.capacity * baseNumbers);
    this.#objects = new Float32Array(this.capacity * objectNumbers);
    this.#placed = new Float32Array(objectNumbers);
    this.#values = new Float32Array(this.capacity * this.channels.length);
  }

  get start(): number {
    return this.#count === 0 ? 0 : this.#times[this.#at(0)]!;
  }

  get end(): number {
    return this.#count === 0 ? 0 : this.#times[this.#at(this.#count - 1)]!;
  }

  get count(): number {
    return this.#count;
  }

  /** A frame sent again (another environment was selected) replaces the last one. */
  push(frame: DecodedFrame): void {
    const last = this.#at(this.#count - 1);
    if (this.#count > 0 && this.#steps[last] === frame.step) {
      this.#store(last, frame);
      return;
    }
    const step = this.#count === 0 ? 0 : frame.simTime - this.#clocks[last]!;
    const isCut = this.#count > 0 && (frame.jump || step <= 0 || step > LONGEST_STEP);
    const time = this.#count === 0 ? 0 : this.#times[last]! + (isCut ? 1 / this.#source.frameRate : step);
    if (this.#count === this.capacity) this.#head = (this.#head + 1) % this.capacity;
    else this.#count++;
    const at = this.#at(this.#count - 1);
    this.#times[at] = time;
    this.#clocks[at] = frame.simTime;
    this.#steps[at] = frame.step;
    this.#cuts[at] = isCut ? 1 : 0;
    this.#store(at, frame);
  }

  /** What surrounds an environment from a frame on. */
  surround(message: SceneMessage): void {
    const others = this.#scenes.filter(({ env, step }) => env !== message.env || step !== message.step);
    this.#scenes = [...others, message].slice(-SCENES_KEPT);
  }

  labelOf(env: number): string {
    return `environment ${env}`;
  }

  clockAt(time: number): number {
    const i = this.#indexAt(time);
    return i < 0 ? 0 : this.#clocks[this.#at(i)]! + Math.max(0, Math.min(time, this.end) - this.#times[this.#at(i)]!);
  }

  poseAt(time: number, out: Float32Array): void {
    const found = this.#between(time);
    if (found === null) return;
    const { before, after, fraction } = found;
    const nJoints = this.#columns.length;
    const size = this.numEnvs * nJoints;
    const width = this.model.dof.length;
    for (let env = 0; env < this.numEnvs; env++) {
      for (let j = 0; j < nJoints; j++) {
        if (this.#columns[j]! < 0) continue;
        const from = env * nJoints + j;
        out[env * width + this.#columns[j]!] = interpolate(
          this.#q[before * size + from]!,
          this.#q[after * size + from]!,
          fraction,
        );
      }
    }
  }

  baseAt(time: number, out: Float32Array): void {
    const found = baseSize(this.#source.spec) === 0 ? null : this.#between(time);
    if (found === null) return;
    const size = this.numEnvs * POSE_SIZE;
    const { before, after, fraction } = found;
    for (let at = 0; at < size; at += POSE_SIZE) {
      interpolatePose(this.#bases, before * size + at, this.#bases, after * size + at, fraction, out, at);
    }
  }

  sceneAt(time: number, env: number): ShownScene | null {
    const i = this.#indexAt(time);
    if (i < 0) return null;
    const step = this.#steps[this.#at(i)]!;
    return this.#scenes.findLast((message) => message.env === env && message.step <= step)?.scene ?? null;
  }

  objectsAt(time: number, env: number): Float32Array | null {
    const found = this.#between(time);
    if (found === null || this.#selected[found.before] !== env) return null;
    const placed = this.#placed;
    const { before, after, fraction } = found;
    const isKnown = this.#selected[after] === env;
    placed.fill(Number.NaN);
    for (let at = 0; at < placed.length; at += POSE_SIZE) {
      const from = before * placed.length + at;
      const to = isKnown ? after * placed.length + at : from;
      interpolatePose(this.#objects, from, this.#objects, to, fraction, placed, at);
    }
    return placed;
  }

  series(env: number, from: number, to: number): Series {
    const times: number[] = [];
    const columns: (number | null)[][] = this.channels.map(() => []);
    const first = Math.max(0, this.#indexAt(from));
    for (let i = first; i < this.#count; i++) {
      const at = this.#at(i);
      const time = this.#times[at]!;
      const isKnown = this.#selected[at] === env;
      if (this.#cuts[at] === 1 && times.length > 0) {
        times.push(time - 1e-6);
        for (const column of columns) column.push(null);
      }
      times.push(time);
      for (let c = 0; c < columns.length; c++) {
        const value = this.#values[at * columns.length + c]!;
        columns[c]!.push(isKnown && Number.isFinite(value) ? value : null);
      }
      if (time > to) break;
    }
    return { times, columns };
  }

  neighbour(time: number, direction: -1 | 1): number {
    if (this.#count === 0) return 0;
    // A hair's breadth, so that a time taken from a frame finds that frame.
    const i = this.#indexAt(time + 1e-9);
    const isBetween = time - this.#times[this.#at(Math.max(0, i))]! > 1e-6;
    const wanted = direction === 1 ? i + 1 : isBetween ? i : i - 1;
    return this.#times[this.#at(Math.max(0, Math.min(this.#count - 1, wanted)))]!;
  }

  #store(at: number, frame: DecodedFrame): void {
    this.#selected[at] = frame.selected;
    this.#q.set(frame.q, at * frame.q.length);
    this.#bases.set(frame.base, at * frame.base.length);
    this.#objects.set(frame.objects, at * frame.objects.length);
    this.#values.set(frame.channels, at * frame.channels.length);
  }

  /** Where the frames around a moment lie; null when there is none. */
  #between(time: number): { before: number; after: number; fraction: number } | null {
    const i = this.#indexAt(time);
    if (i < 0) return null;
    const before = this.#at(i);
    const after = this.#at(Math.min(i + 1, this.#count - 1));
    const span = this.#times[after]! - this.#times[before]!;
    const isWhole = span <= 0 || this.#cuts[after] === 1;
    return {
      before,
      after,
      fraction: isWhole ? 0 : Math.min(1, Math.max(0, (time - this.#times[before]!) / span)),
    };
  }

  /** Where the i-th oldest frame lies. */
  #at(i: number): number {
    return (this.#head + i) % this.capacity;
  }

  #indexAt(time: number): number {
    const i = lastAtOrBefore(time, this.#count, (k) => this.#times[this.#at(k)]!);
    return i < 0 && this.#count > 0 ? 0 : i;
  }
}
