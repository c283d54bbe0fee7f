/**
 * The safetensors format: u64 header length (little-endian), JSON header, raw tensors. Readable from Python, Rust and C++
 * without Landfall. Spec: github.com/huggingface/safetensors, "Format". Bytes in, bytes out; opens no file.
 */

import { InputError } from '../core/errors.ts';

export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export interface TensorFile {
  readonly tensors: readonly NamedTensor[];
  readonly metadata: Readonly<Record<string, string>>;
}

export function encodeTensors(file: TensorFile): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: file.metadata };
  let offset = 0;
  for (const { name, shape, data } of file.tensors) {
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  let json = new TextEncoder().encode(JSON.stringify(header));
  // The data starts 8-aligned: the header is padded with spaces.
  const padding = (8 - (json.length % 8)) % 8;
  if (padding > 0) {
    const padded = new Uint8Array(json.length + padding).fill(0x20);
    padded.set(json);
    json = padded;
  }
  const bytes = new Uint8Array(8 + json.length + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  let at = 8 + json.length;
  for (const { data } of file.tensors) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/** @throws InputError naming what is wrong; never reads past the bytes it was given */
export function decodeTensors(bytes: Uint8Array, where: string): TensorFile {
  const bad = (what: string): never => {
    throw new InputError(`${where}: not a readable checkpoint: ${what}`, {
      repair: 'use another checkpoint of the run; this one is damaged or of another kind',
    });
  };
  if (bytes.length < 8) bad(`it has ${bytes.length} bytes, a header needs 8`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > bytes.length - 8) bad(`its header should have ${length} bytes, but only ${bytes.length - 8} follow`);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  } catch {
    bad('its header is not JSON');
  }
  if (typeof header !== 'object' || header === null) bad('its header is not an object');
  // A copy as a plain Uint8Array: a Node Buffer's slice is a view, and its start need not be a multiple of 4.
  const body = Uint8Array.from(bytes.subarray(8 + length));
  const tensors: NamedTensor[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, entry] of Object.entries(header as Record<string, unknown>)) {
    if (name === '__metadata__') {
      if (!isTextRecord(entry)) bad('its metadata should map names to texts');
      metadata = entry as Record<string, string>;
      continue;
    }
    const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
    if (dtype !== 'F32' || !isNaturals(shape) || !isNaturals(offsets) || offsets.length !== 2) {
      return bad(`tensor ${name} is not an F32 tensor`);
    }
    const [from, to] = offsets as [number, number];
    const count = shape.reduce((a, b) => a * b, 1);
    if (to > body.length || to - from !== 4 * count) {
      bad(`tensor ${name} should have ${4 * count} bytes at ${from}, the file has ${body.length} in all`);
    }
    tensors.push({ name, shape, data: new Float32Array(body.slice(from, to).buffer) });
  }
  return { tensors, metadata };
}

function isNaturals(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((entry) => Number.isSafeInteger(entry) && entry >= 0);
}

function isTextRecord(value: unknown): value is Record<string, string> {
  return typeof value === 'object' && value !== null && Object.values(value).every((text) => typeof text === 'string');
}
