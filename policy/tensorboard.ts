/**
 * TensorBoard's event files: records framed as TFRecord (length, masked CRC32C of it, data, masked CRC32C of that), each an
 * `Event` in protocol buffers. Scalars alone. Formats: tensorflow/core/lib/io/record_writer.h and
 * tensorflow/core/util/event.proto. Bytes in, bytes out; opens no file.
 * Read back with tensorboard 2.21.0: `EventAccumulator(RUN).Reload().Scalars('train/return')`.
 */

/** Values of one moment by tag, such as `train/return`. */
export type Scalars = Readonly<Record<string, number>>;

/** What an event file begins with. @param wallTime s since 1970 */
export function encodeVersion(wallTime: number): Uint8Array {
  // Event.file_version = 3
  return record([...double(1, wallTime), ...bytes(3, utf8.encode('brain.Event:2'))]);
}

/**
 * A restart: readers drop what earlier files say of this step and those after it.
 * @param wallTime s since 1970
 */
export function encodeRestart(wallTime: number, step: number): Uint8Array {
  // Event.session_log = 7, SessionLog.status = 1, START = 1
  return record([...double(1, wallTime), ...integer(2, step), ...bytes(7, integer(1, 1))]);
}

/** @param wallTime s since 1970 @param step the horizontal axis */
export function encodeScalars(wallTime: number, step: number, scalars: Scalars): Uint8Array {
  // Event.summary = 5, Summary.value = 1, Value.tag = 1, Value.simple_value = 2
  const values = Object.entries(scalars).flatMap(([tag, value]) =>
    bytes(1, [...bytes(1, utf8.encode(tag)), ...float(2, value)]),
  );
  return record([...double(1, wallTime), ...integer(2, step), ...bytes(5, values)]);
}

const utf8 = new TextEncoder();
const WIRE = { varint: 0, fixed64: 1, delimited: 2, fixed32: 5 } as const;

function record(data: readonly number[]): Uint8Array {
  const out = new Uint8Array(8 + 4 + data.length + 4);
  const view = new DataView(out.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(out.subarray(0, 8)), true);
  out.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc32c(out.subarray(12, 12 + data.length)), true);
  return out;
}

function bytes(field: number, data: ArrayLike<number>): number[] {
  return [(field << 3) | WIRE.delimited, ...varint(data.length), ...Array.from(data)];
}

function integer(field: number, value: number): number[] {
  return [(field << 3) | WIRE.varint, ...varint(value)];
}

function double(field: number, value: number): number[] {
  return [(field << 3) | WIRE.fixed64, ...new Uint8Array(Float64Array.of(value).buffer)];
}

function float(field: number, value: number): number[] {
  return [(field << 3) | WIRE.fixed32, ...new Uint8Array(Float32Array.of(value).buffer)];
}

/** Seven bits a byte, the lowest first. @param value a natural number */
function varint(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  while (rest >= 128) {
    out.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  return [...out, rest];
}

/** Castagnoli's polynomial, reflected (RFC 3720, B.4). */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
  return c;
});

export function crc32c(data: Uint8Array): number {
  let c = 0xffffffff;
  for (const byte of data) c = CRC_TABLE[(c ^ byte) & 0xff]! ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

/** As TFRecord stores it: rotated right by 15 bits plus a constant, so that a CRC over CRCs still tells something. */
export function maskedCrc32c(data: Uint8Array): number {
  const crc = crc32c(data);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
