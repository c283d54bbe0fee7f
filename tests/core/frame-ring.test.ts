import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { type FrameRingSpec, makeFrame, makeFrameRing, openFrameRing } from '../../core/frame-ring.ts';

const spec: FrameRingSpec = {
  capacity: 8,
  numEnvs: 2,
  nJoints: 1,
  channels: [
    { name: 'upright', group: 'reward', unit: '1' },
    { name: 'torque', group: 'torque', unit: 'N m' },
  ],
  dt: 0.01,
};

/** Identifiable data: q = frame + env / 10, channels its multiples. */
function fill(ring: ReturnType<typeof openFrameRing>, frame: number, env: number): void {
  const q = frame + env / 10;
  ring.setTime(ring.slotOf(frame), frame * ring.spec.dt);
  ring.setEnv(ring.slotOf(frame), env, [q], [10 * q, 100 * q]);
}

test('what writers of different environments wrote becomes readable when it is published, not before', () => {
  const shared = makeFrameRing(spec);
  const [first, second, reader] = [openFrameRing(shared), openFrameRing(shared), openFrameRing(shared)];
  const frame = makeFrame(spec);
  for (let f = 0; f < 3; f++) fill(first, f, 0);
  expect(reader.read(0, frame)).toBe(false);
  for (let f = 0; f < 3; f++) fill(second, f, 1);
  expect(first.publish(3)).toBe(3);
  expect(reader.published).toBe(3);
  expect(reader.read(2, frame)).toBe(true);
  expect(frame.number).toBe(2);
  expect(frame.time).toBe(0.02);
  expect([...frame.values]).toEqual([2, 20, 200, 2.1, 21, 210].map(Math.fround));
  expect(reader.read(3, frame)).toBe(false);
});

test('values can be taken from the middle of a larger array', () => {
  const shared = makeFrameRing(spec);
  const ring = openFrameRing(shared);
  ring.setEnv(0, 1, [9, 9, 5], [9, 6, 7], 2, 1);
  ring.publish(1);
  const frame = makeFrame(spec);
  expect(ring.read(0, frame)).toBe(true);
  expect([...frame.values]).toEqual([0, 0, 0, 5, 6, 7]);
});

test('a reader that was lapped is told so and can go on at the oldest readable frame', () => {
  const ring = openFrameRing(makeFrameRing(spec));
  const frame = makeFrame(spec);
  for (let f = 0; f < 21; f++) {
    for (let env = 0; env < 2; env++) fill(ring, f, env);
    ring.publish(1);
  }
  expect(ring.read(5, frame)).toBe(false);
  // Half of the 8 slots may be under the writers' hands.
  expect(ring.oldest).toBe(17);
  for (let f = ring.oldest; f < ring.published; f++) {
    expect(ring.read(f, frame)).toBe(true);
    expect(frame.values[0]).toBe(f);
  }
});

test('frames being written ahead never show in a frame that reads as whole', () => {
  const ring = openFrameRing(makeFrameRing(spec));
  const frame = makeFrame(spec);
  for (let f = 0; f < 8; f++) fill(ring, f, 0);
  ring.publish(8);
  for (let f = 8; f < 12; f++) fill(ring, f, 0);
  for (let f = 0; f < 8; f++) {
    if (ring.read(f, frame)) expect(frame.values[0]).toBe(f);
  }
  expect(ring.oldest).toBe(4);
});

test('a thread that writes as fast as it can never makes a reader see a torn frame', async () => {
  const shared = makeFrameRing({ ...spec, numEnvs: 64, capacity: 16 });
  // Plain JavaScript on purpose: it writes through the layout that the header of frame-ring.ts documents.
  const writer = new Worker(
    `const { workerData: { buffer, capacity, slotSize, frames } } = require('node:worker_threads');
     const published = new Uint32Array(buffer, 0, 1);
     const values = new Float32Array(buffer, 64 + 8 * capacity);
     for (let f = 0; f < frames; f++) {
       const at = (f % capacity) * slotSize;
       for (let i = 0; i < slotSize; i++) values[at + i] = f;
       Atomics.add(published, 0, 1);
     }`,
    { eval: true, workerData: { buffer: shared.buffer, capacity: 16, slotSize: 64 * 3, frames: 200_000 } },
  );
  const ended = new Promise((resolve) => writer.once('exit', resolve));
  const reader = openFrameRing(shared);
  const frame = makeFrame(shared.spec);
  let [whole, torn] = [0, 0];
  while (reader.published < 200_000) {
    const newest = reader.published - 1;
    if (newest < 0 || !reader.read(newest, frame)) continue;
    whole++;
    if (frame.values.some((value) => value !== frame.values[0])) torn++;
  }
  await ended;
  expect(torn).toBe(0);
  expect(whole).toBeGreaterThan(0);
});

test('the ring survives being sent to another thread', () => {
  const shared = makeFrameRing(spec);
  const copy = structuredClone(shared);
  openFrameRing(shared).publish(5);
  expect(openFrameRing(copy).published).toBe(5);
});

test.each([
  ['capacity', { capacity: 1 }, 'capacity should be a whole number of at least 2, found 1'],
  ['numEnvs', { numEnvs: 0 }, 'numEnvs should be a whole number of at least 1, found 0'],
  ['dt', { dt: 0 }, 'dt should be above 0 s, found 0'],
])('a bad %s is refused', (_name, change, message) => {
  expect(() => makeFrameRing({ ...spec, ...change })).toThrow(message);
});

test('a ring for floating bases and objects keeps their poses; what there is not is NaN', () => {
  const ring = openFrameRing(makeFrameRing({ ...spec, base: 'floating', nObjects: 2 }));
  // Objects of 9 numbers each: what follows the pose is not kept.
  ring.setObjects(0, 1, [1, 2, 3, 0, 0, 0, 1, 8, 9], 9);
  ring.setBase(0, 1, [4, 5, 6, 0, 0, 1, 0]);
  ring.setEnv(0, 1, [0.5], [10, 20]);
  ring.publish(1);
  const frame = makeFrame(ring.spec);
  ring.read(0, frame);
  const own = [...frame.values.slice(24)];
  expect(own.slice(0, 15)).toEqual([0.5, 4, 5, 6, 0, 0, 1, 0, 1, 2, 3, 0, 0, 0, 1]);
  expect(own.slice(15)).toEqual([...new Array(7).fill(Number.NaN), 10, 20]);
});

test('a fixed base takes no room and is not written', () => {
  const ring = openFrameRing(makeFrameRing(spec));
  ring.setEnv(0, 0, [0.5], [10, 20]);
  ring.setBase(0, 0, [1, 2, 3, 4, 5, 6, 7]);
  ring.setObjects(0, 0, [1, 2, 3, 4, 5, 6, 7], 7);
  ring.publish(1);
  const frame = makeFrame(spec);
  ring.read(0, frame);
  expect([...frame.values.slice(0, 3)]).toEqual([0.5, 10, 20]);
});
