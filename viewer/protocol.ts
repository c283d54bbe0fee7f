/**
 * What the viewer's server and its page say to each other over the WebSocket: control messages as JSON text, frames as
 * binary. The robot's description goes over HTTP, once. Little-endian, as every machine this runs on. Knows no socket.
 *
 *   frame header, 24 B: type u8 | flags u8 | numEnvs u16 | step u32 | simTime f64 | seq u32 | stream u32
 *   then joint positions f32 [numEnvs, nJoints] | base poses f32 [numEnvs, 7], of a floating base alone |
 *   selected environment u32 | its objects' poses f32 [nObjects, 7] | its channels f32 [nChannels]
 */

import { InputError } from '../core/errors.ts';
import { baseSize, type FrameRingSpec, frameStride, objectsSize } from '../core/frame-ring.ts';
import type { SceneMessage } from './scene-message.ts';

export const PROTOCOL_VERSION = 2;
export const SOCKET_PATH = '/live';
export const FRAME_HEADER_BYTES = 24;

/** Largest count that the header's u16 holds. */
export const MAX_ENVS = 65_535;

const FRAME_TYPE = 1;
/** Set when frames were left out on purpose since the one before (playback jumped ahead). */
const FLAG_JUMP = 1;

export type SourceKind = 'train' | 'robot' | 'policy' | 'deploy' | 'recording';

/** What is being shown live. */
export interface LiveSource {
  /** Frames carry this number; those of an earlier source are to be ignored. */
  readonly stream: number;
  readonly kind: SourceKind;
  readonly title: string;
  /** Content hash of the URDF, to be had from `/model/HASH`. */
  readonly model: string;
  /** Joint names in the order of q. */
  readonly joints: readonly string[];
  readonly spec: FrameRingSpec;
  /** Frames a second that the server sends at most. */
  readonly frameRate: number;
}

/** One iteration of training; `iteration` counts, the rest are figures by name. */
export type MetricsRecord = Readonly<Record<string, number>>;

/** A recording the server can hand out, at `/recording/ID`. */
export interface RecordingEntry {
  readonly id: string;
  readonly name: string;
  readonly bytes: number;
}

/** A run directory, with its recordings, and its training metrics at `/metrics/ID` when it has some. */
export interface RunEntry {
  readonly id: string;
  readonly name: string;
  readonly hasMetrics: boolean;
  readonly recordings: readonly RecordingEntry[];
}

/** Answer of `/library`. */
export interface Library {
  readonly runs: readonly RunEntry[];
  /** Files that were named on the command line. */
  readonly recordings: readonly RecordingEntry[];
}

export type ServerMessage =
  | { readonly type: 'hello'; readonly protocol: number }
  | { readonly type: 'source'; readonly source: LiveSource | null }
  /** All records so far when `reset`, else the new ones. */
  | { readonly type: 'metrics'; readonly reset: boolean; readonly records: readonly MetricsRecord[] }
  | { readonly type: 'notes'; readonly reset: boolean; readonly notes: readonly string[] }
  /** Show these recordings of the library. */
  | { readonly type: 'open'; readonly ids: readonly string[] }
  /** For the selected environment, before the first frame in it. */
  | SceneMessage
  /** `sent` is the number the ping carried. */
  | { readonly type: 'pong'; readonly sent: number };

export type ClientMessage =
  /** Send this environment's channels. */
  { readonly type: 'select'; readonly env: number } | { readonly type: 'ping'; readonly sent: number };

export interface FrameInfo {
  /** The frame's number in its ring. */
  readonly step: number;
  /** s */
  readonly simTime: number;
  /** Counts the frames that were due; a gap means that this client was too slow. */
  readonly seq: number;
  readonly stream: number;
  readonly jump: boolean;
}

export interface DecodedFrame extends FrameInfo {
  readonly selected: number;
  /** [numEnvs, nJoints] */
  readonly q: Float32Array;
  /** Poses in the world, [numEnvs, 7]; empty for a fixed base. */
  readonly base: Float32Array;
  /** Poses of the selected environment's objects, [nObjects, 7]; NaN for those that there are not. */
  readonly objects: Float32Array;
  /** Of the selected environment, [nChannels]. */
  readonly channels: Float32Array;
}

type FrameShape = Pick<FrameRingSpec, 'numEnvs' | 'nJoints' | 'base' | 'nObjects' | 'channels'>;

export function frameBytes(shape: FrameShape): number {
  const { numEnvs, nJoints, channels } = shape;
  return FRAME_HEADER_BYTES + 4 * (numEnvs * (nJoints + baseSize(shape)) + 1 + objectsSize(shape) + channels.length);
}

/** @param values a ring's frame, [numEnvs, frameStride] @param selected whose channels to send */
export function encodeFrame(
  shape: FrameShape,
  values: Float32Array,
  selected: number,
  info: FrameInfo,
): Uint8Array<ArrayBuffer> {
  const { numEnvs, nJoints } = shape;
  const nBase = baseSize(shape);
  const bytes = new Uint8Array(frameBytes(shape));
  const view = new DataView(bytes.buffer);
  view.setUint8(0, FRAME_TYPE);
  view.setUint8(1, info.jump ? FLAG_JUMP : 0);
  view.setUint16(2, numEnvs, true);
  view.setUint32(4, info.step, true);
  view.setFloat64(8, info.simTime, true);
  view.setUint32(16, info.seq, true);
  view.setUint32(20, info.stream, true);
  const stride = frameStride(shape);
  const poses = new Float32Array(bytes.buffer, FRAME_HEADER_BYTES, numEnvs * (nJoints + nBase));
  for (let env = 0; env < numEnvs; env++) {
    for (let j = 0; j < nJoints; j++) poses[env * nJoints + j] = values[env * stride + j]!;
    const to = numEnvs * nJoints + env * nBase;
    for (let i = 0; i < nBase; i++) poses[to + i] = values[env * stride + nJoints + i]!;
  }
  const at = FRAME_HEADER_BYTES + 4 * poses.length;
  view.setUint32(at, selected, true);
  const own = values.subarray(selected * stride + nJoints + nBase, (selected + 1) * stride);
  new Float32Array(bytes.buffer, at + 4, own.length).set(own);
  return bytes;
}

/**
 * The arrays are views of `buffer`, not copies.
 * @throws InputError when the bytes are not a frame of this shape
 */
export function decodeFrame(shape: FrameShape, buffer: ArrayBuffer): DecodedFrame {
  const expected = frameBytes(shape);
  if (buffer.byteLength !== expected) {
    throw new InputError(`frame: expected ${expected} bytes, found ${buffer.byteLength}`);
  }
  const view = new DataView(buffer);
  const [type, numEnvs] = [view.getUint8(0), view.getUint16(2, true)];
  if (type !== FRAME_TYPE || numEnvs !== shape.numEnvs) {
    throw new InputError(
      `frame: expected type ${FRAME_TYPE} with ${shape.numEnvs} environments, found ${type} with ${numEnvs}`,
    );
  }
  const q = new Float32Array(buffer, FRAME_HEADER_BYTES, numEnvs * shape.nJoints);
  const base = new Float32Array(buffer, q.byteOffset + q.byteLength, numEnvs * baseSize(shape));
  const at = base.byteOffset + base.byteLength;
  const objects = new Float32Array(buffer, at + 4, objectsSize(shape));
  return {
    step: view.getUint32(4, true),
    simTime: view.getFloat64(8, true),
    seq: view.getUint32(16, true),
    stream: view.getUint32(20, true),
    jump: (view.getUint8(1) & FLAG_JUMP) !== 0,
    selected: view.getUint32(at, true),
    q,
    base,
    objects,
    channels: new Float32Array(buffer, objects.byteOffset + objects.byteLength, shape.channels.length),
  };
}

/** The stream a frame belongs to, before its shape is known to fit; -1 when there are too few bytes. */
export function streamOf(buffer: ArrayBuffer): number {
  return buffer.byteLength < FRAME_HEADER_BYTES ? -1 : new DataView(buffer).getUint32(20, true);
}

/** @returns undefined for anything that is not a message of a client: the server ignores it */
export function parseClientMessage(text: string): ClientMessage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('type' in value)) return undefined;
  if (value.type === 'select' && 'env' in value && Number.isInteger(value.env)) {
    return { type: 'select', env: Number(value.env) };
  }
  if (value.type === 'ping' && 'sent' in value && typeof value.sent === 'number') {
    return { type: 'ping', sent: value.sent };
  }
  return undefined;
}
