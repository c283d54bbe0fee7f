import { expect, test } from 'vitest';
import { decodeFrame, encodeFrame, frameBytes, parseClientMessage, streamOf } from '../../viewer/protocol.ts';

const channels = [
  { name: 'upright', group: 'reward', unit: '1' },
  { name: 'torque', group: 'torque', unit: 'N m' },
] as const;
const shape = { numEnvs: 3, nJoints: 2, channels };
/** Identifiable data: env * 100 + column. */
const values = Float32Array.from({ length: 12 }, (_, i) => 100 * Math.floor(i / 4) + (i % 4));
const info = { step: 4_000_000_000, simTime: 12.34, seq: 7, stream: 9, jump: true };

test('a frame comes back with every joint, and the channels of the selected environment', () => {
  const bytes = encodeFrame(shape, values, 2, info);
  const frame = decodeFrame(shape, bytes.buffer);
  expect([...frame.q]).toEqual([0, 1, 100, 101, 200, 201]);
  expect([...frame.channels]).toEqual([202, 203]);
  expect(frame).toMatchObject({ ...info, selected: 2 });
  expect(streamOf(bytes.buffer)).toBe(9);
});

test('a floating base comes back for every robot, objects for the selected one', () => {
  const floating = { ...shape, numEnvs: 2, nJoints: 1, base: 'floating', nObjects: 1 } as const;
  const row = Float32Array.from({ length: 2 * (1 + 7 + 7 + 2) }, (_, i) => 100 * Math.floor(i / 17) + (i % 17));
  const frame = decodeFrame(floating, encodeFrame(floating, row, 1, info).buffer);
  expect([...frame.q]).toEqual([0, 100]);
  expect([...frame.base]).toEqual([1, 2, 3, 4, 5, 6, 7, 101, 102, 103, 104, 105, 106, 107]);
  expect([...frame.objects]).toEqual([108, 109, 110, 111, 112, 113, 114]);
  expect([...frame.channels]).toEqual([115, 116]);
});

test('the header is 24 bytes, little-endian, in the documented order', () => {
  const bytes = encodeFrame({ numEnvs: 1, nJoints: 0, channels: [] }, new Float32Array(0), 0, {
    step: 0x01020304,
    simTime: 1,
    seq: 5,
    stream: 6,
    jump: false,
  });
  expect(bytes.byteLength).toBe(28);
  expect([...bytes]).toEqual([
    ...[1, 0, 1, 0],
    ...[4, 3, 2, 1],
    ...[0, 0, 0, 0, 0, 0, 0xf0, 0x3f],
    ...[5, 0, 0, 0],
    ...[6, 0, 0, 0],
    ...[0, 0, 0, 0],
  ]);
});

test('12 joints cost at most 80 bytes a robot', () => {
  // With the base, as a quadruped has it.
  const of = (numEnvs: number) => frameBytes({ numEnvs, nJoints: 12, base: 'floating', channels });
  expect(of(65) - of(64)).toBeLessThanOrEqual(80);
  // 64 robots at 30 Hz: at most 160 kB/s
  expect(of(64) * 30).toBeLessThanOrEqual(160_000);
});

test('a frame of another shape is refused', () => {
  const { buffer } = encodeFrame(shape, values, 0, info);
  expect(() => decodeFrame({ ...shape, nJoints: 3 }, buffer)).toThrow('expected 72 bytes, found 60');
  // As many bytes, other environments
  expect(() => decodeFrame({ ...shape, numEnvs: 2, nJoints: 3 }, buffer)).toThrow(
    'expected type 1 with 2 environments, found 1 with 3',
  );
  expect(streamOf(new ArrayBuffer(3))).toBe(-1);
});

test('only messages of a client are taken from the network', () => {
  expect(parseClientMessage('{"type":"select","env":3,"more":1}')).toEqual({ type: 'select', env: 3 });
  expect(parseClientMessage('{"type":"ping","sent":1.5}')).toEqual({ type: 'ping', sent: 1.5 });
  for (const bad of [
    '',
    '{',
    'null',
    '1',
    '{}',
    '{"type":"select"}',
    '{"type":"select","env":1.5}',
    '{"type":"ping"}',
  ]) {
    expect(parseClientMessage(bad)).toBeUndefined();
  }
});
