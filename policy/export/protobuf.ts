/**
 * Writes protocol buffers: fields of the four wire types that ONNX needs, joined to messages. Knows no schema.
 * Spec: protobuf.dev/programming-guides/encoding.
 */

/** An encoded field, or fields one after another. */
export type Encoded = Uint8Array<ArrayBuffer>;

const WIRE = { varint: 0, bytes: 2, float: 5 } as const;

/** Base-128, least significant group first. @param value a natural number up to 2^53 */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return bytes;
}

function tag(field: number, wire: number): number[] {
  return varint(field * 8 + wire);
}

/** An int32, int64 or enum field. @param value a natural number */
export function intField(field: number, value: number): Encoded {
  return Uint8Array.of(...tag(field, WIRE.varint), ...varint(value));
}

export function floatField(field: number, value: number): Encoded {
  const head = tag(field, WIRE.float);
  const out = new Uint8Array(head.length + 4);
  out.set(head);
  new DataView(out.buffer).setFloat32(head.length, value, true);
  return out;
}

/** A string, bytes or message field. */
export function bytesField(field: number, value: string | Uint8Array): Encoded {
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
  return concat([Uint8Array.of(...tag(field, WIRE.bytes), ...varint(bytes.length)), bytes]);
}

/** A message of its fields, in order. */
export function concat(parts: readonly Uint8Array[]): Encoded {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
