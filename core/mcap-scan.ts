/**
 * Reads the records of an MCAP file up to its end or its first damage, checksums included. Knows nothing of episodes.
 * Specification: https://mcap.dev/spec.
 */

import { crc32 } from '@foxglove/crc';
import type { Channel, Header, Message, Schema, TypedMcapRecord } from '@mcap/core';
import { hasMcapPrefix, McapRecordBuilder, McapStreamReader, Opcode } from '@mcap/core';
import { messageOf } from './errors.ts';

export interface McapScan {
  /** False when the bytes do not begin as an MCAP file does; everything else is empty then. */
  readonly isMcap: boolean;
  readonly header: Header | null;
  readonly schemas: ReadonlyMap<number, Schema>;
  readonly channels: ReadonlyMap<number, Channel>;
  /** In file order. */
  readonly messages: readonly Message[];
  readonly metadata: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** What is wrong with the file and from which byte on; null for a whole file. */
  readonly damage: string | null;
}

/** Fields of a chunk record before its compression's name: two times, size, checksum. */
const CHUNK_FIXED = 8 + 8 + 8 + 4;
const RECORD_PREFIX = 1 + 8;

export function scanMcap(bytes: Uint8Array): McapScan {
  const found = {
    isMcap: hasMcapPrefix(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)),
    header: null as Header | null,
    schemas: new Map<number, Schema>(),
    channels: new Map<number, Channel>(),
    messages: [] as Message[],
    metadata: new Map<string, ReadonlyMap<string, string>>(),
    damage: null as string | null,
  };
  if (!found.isMcap) return { ...found, damage: 'not an MCAP file' };

  const collect = (record: TypedMcapRecord) => {
    if (record.type === 'Header') found.header = record;
    else if (record.type === 'Schema') found.schemas.set(record.id, record);
    else if (record.type === 'Channel') found.channels.set(record.id, record);
    else if (record.type === 'Message') found.messages.push(record);
    else if (record.type === 'Metadata') found.metadata.set(record.name, record.metadata);
  };

  const reader = new McapStreamReader();
  const consumed = () => bytes.length - reader.bytesRemaining();
  let start = 0;
  try {
    reader.append(bytes);
    for (;;) {
      start = consumed();
      const record = reader.nextRecord();
      if (record === undefined) break;
      if (record.type === 'DataEnd') checkDataSection(bytes.subarray(0, start), record.dataSectionCrc);
      collect(record);
    }
  } catch (error) {
    return { ...found, damage: `damaged after byte ${start} of ${bytes.length}: ${messageOf(error)}` };
  }
  if (!reader.done()) {
    found.damage = `cut off after byte ${bytes.length}`;
    const tail = partialChunk(bytes.subarray(consumed()));
    if (tail !== null) readTail(tail, found.schemas, found.channels, collect);
  }
  return found;
}

function checkDataSection(section: Uint8Array, expected: number): void {
  // A writer that computes no checksum writes 0.
  if (expected === 0) return;
  const actual = crc32(section);
  if (actual !== expected) throw new Error(`expected checksum ${expected}, found ${actual}`);
}

/** The records inside a chunk that the end of the file cut off; null when the tail is anything else. */
function partialChunk(tail: Uint8Array): Uint8Array | null {
  const compressionAt = RECORD_PREFIX + CHUNK_FIXED;
  const recordsAt = compressionAt + 4 + 8;
  if (tail[0] !== Opcode.CHUNK || tail.length <= recordsAt) return null;
  const compressionLength = new DataView(tail.buffer, tail.byteOffset).getUint32(compressionAt, true);
  return compressionLength === 0 ? tail.subarray(recordsAt) : null;
}

/** Records up to the cut. No checksum covers them, but each is whole. */
function readTail(
  tail: Uint8Array,
  schemas: ReadonlyMap<number, Schema>,
  channels: ReadonlyMap<number, Channel>,
  collect: (record: TypedMcapRecord) => void,
): void {
  const known = new McapRecordBuilder();
  for (const schema of schemas.values()) known.writeSchema(schema);
  for (const channel of channels.values()) known.writeChannel(channel);
  const reader = new McapStreamReader({ noMagicPrefix: true });
  try {
    reader.append(known.buffer);
    reader.append(tail);
    for (let record = reader.nextRecord(); record !== undefined; record = reader.nextRecord()) collect(record);
  } catch {
    // What was read before the damage stays read.
  }
}
