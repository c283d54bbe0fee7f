/** The tensor file: bit-exact round trips, and damaged bytes that end in one clear error. */

import { describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { keyOf, RandomStream } from '../../core/rng.ts';
import { decodeTensors, encodeTensors, type TensorFile } from '../../policy/safetensors.ts';

const seed = Number(process.env.LANDFALL_TEST_SEED ?? 1);

const file: TensorFile = {
  metadata: { format: 'test', note: 'Umlaute: äöü, quotes: "' },
  tensors: [
    { name: 'a.weight', shape: [2, 3], data: Float32Array.of(1, -0, 1e-45, 3.4e38, Math.fround(0.1), -7) },
    { name: 'scalar', shape: [], data: Float32Array.of(5) },
    { name: 'empty', shape: [0, 4], data: new Float32Array(0) },
    { name: 'b', shape: [1], data: Float32Array.of(Number.NaN) },
  ],
};

/** A file with this header before `data` zero bytes. */
function withHeader(header: unknown, data = 0): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + data);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

describe('safetensors', () => {
  it('comes back bit for bit', () => {
    const bytes = encodeTensors(file);
    const again = decodeTensors(bytes, 'x');
    expect(again.metadata).toEqual(file.metadata);
    expect(again.tensors.map(({ name, shape }) => ({ name, shape }))).toEqual(
      file.tensors.map(({ name, shape }) => ({ name, shape })),
    );
    for (const [i, { data }] of file.tensors.entries()) {
      const bits = (values: Float32Array) => [...new Uint32Array(values.slice().buffer)];
      expect(bits(again.tensors[i]!.data)).toEqual(bits(data));
    }
    expect(encodeTensors(again)).toEqual(bytes);
  });

  it('is laid out as the specification says', () => {
    const bytes = encodeTensors({ metadata: {}, tensors: [{ name: 'x', shape: [2], data: Float32Array.of(1, 2) }] });
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(length % 8).toBe(0);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    expect(header.x).toEqual({ dtype: 'F32', shape: [2], data_offsets: [0, 8] });
    // 1.0f is 00 00 80 3f
    expect([...bytes.subarray(8 + length, 12 + length)]).toEqual([0, 0, 0x80, 0x3f]);
    expect(bytes.length).toBe(8 + length + 8);
  });

  it('reads from the middle of another buffer', () => {
    const bytes = encodeTensors(file);
    const outer = new Uint8Array(bytes.length + 11);
    outer.set(bytes, 3);
    expect(decodeTensors(outer.subarray(3, 3 + bytes.length), 'x').tensors[0]!.data).toEqual(file.tensors[0]!.data);
  });

  it.each([
    ['nothing', new Uint8Array(0)],
    ['a header longer than the file', Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255, 1)],
    ['a header that is not JSON', withHeader('{"x"')],
    ['a header that is a list', withHeader([1])],
    ['a header that is null', withHeader('null')],
    ['a tensor that is null', withHeader({ x: null })],
    ['a tensor that is a number', withHeader({ x: 3 })],
    ['another type of number', withHeader({ x: { dtype: 'F64', shape: [1], data_offsets: [0, 8] } }, 8)],
    ['data past the end', withHeader({ x: { dtype: 'F32', shape: [2], data_offsets: [0, 8] } }, 4)],
    ['offsets the wrong way round', withHeader({ x: { dtype: 'F32', shape: [1], data_offsets: [4, 0] } }, 4)],
    ['offsets that are words', withHeader({ x: { dtype: 'F32', shape: [1], data_offsets: ['0', '4'] } }, 4)],
    ['a size that is no whole number', withHeader({ x: { dtype: 'F32', shape: [0.25], data_offsets: [0, 1] } }, 4)],
    ['sizes below 0', withHeader({ x: { dtype: 'F32', shape: [-1, -1], data_offsets: [0, 4] } }, 4)],
    ['a size too large to count', withHeader({ x: { dtype: 'F32', shape: [1e300, 1e300], data_offsets: [0, 4] } }, 4)],
    ['metadata that is null', withHeader({ __metadata__: null })],
    ['metadata that holds a number', withHeader({ __metadata__: { format: 3 } })],
  ])('refuses %s', (_name, bytes) => {
    expect(() => decodeTensors(bytes, 'some.safetensors')).toThrow(InputError);
    expect(() => decodeTensors(bytes, 'some.safetensors')).toThrow(
      /^some\.safetensors: not a readable checkpoint: [^\n]+$/,
    );
  });

  it(`300 damaged files are read or refused, never anything else, seed ${seed}`, () => {
    const whole = encodeTensors(file);
    const random = new RandomStream(keyOf(seed));
    let refused = 0;
    for (let i = 0; i < 300; i++) {
      const bytes = i % 3 === 0 ? whole.slice(0, random.below(whole.length)) : whole.slice();
      if (i % 3 !== 0) {
        // Most damage goes where it can hurt: into the header.
        const header = 8 + Number(new DataView(whole.buffer).getBigUint64(0, true));
        for (let k = random.below(4); k >= 0; k--) bytes[random.below(header)] = random.below(256);
      }
      try {
        decodeTensors(bytes, 'x');
      } catch (error) {
        expect(error, `file ${i}`).toBeInstanceOf(InputError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(150);
  });
});
