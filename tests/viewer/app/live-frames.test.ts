import { beforeEach, describe, expect, test } from 'vitest';
import type { RobotModel } from '../../../core/robot-model.ts';
import { LiveFrames } from '../../../viewer/app/live-frames.ts';
import type { DecodedFrame, LiveSource } from '../../../viewer/protocol.ts';
import { chainModel } from './chain-model.ts';

const RATE = 50;
const model: RobotModel = chainModel(['left', 'right']);
const source: LiveSource = {
  stream: 1,
  kind: 'robot',
  title: 'test',
  model: '',
  // The other way round than the model's.
  joints: ['right', 'left'],
  spec: {
    capacity: 8,
    numEnvs: 2,
    nJoints: 2,
    channels: [{ name: 'torque', group: 'torque', unit: 'N m' }],
    dt: 1 / RATE,
  },
  frameRate: RATE,
};

/** Identifiable: q = step / 100 + env * 10 + column / 4; the channel is the step. */
function frame(step: number, changes: Partial<DecodedFrame> = {}): DecodedFrame {
  const q = Float32Array.from({ length: 4 }, (_, i) => step / 100 + 10 * (i >> 1) + (i & 1) / 4);
  const base = { step, simTime: 7 + step / RATE, seq: step, stream: 1, jump: false, selected: 0 };
  const none = { base: new Float32Array(0), objects: new Float32Array(0) };
  return { ...base, ...none, q, channels: Float32Array.of(step), ...changes };
}

let frames: LiveFrames;
beforeEach(() => {
  frames = new LiveFrames(source, model);
});

const poseAt = (time: number) => {
  const q = new Float32Array(4);
  frames.poseAt(time, q);
  return [...q];
};

test('joints are put into the model order, and poses are interpolated', () => {
  frames.push(frame(0));
  frames.push(frame(1));
  expect([frames.start, frames.end]).toEqual([0, expect.closeTo(0.02, 9)]);
  expect(poseAt(0)).toEqual([0.25, 0, 10.25, 10]);
  expect(poseAt(0.01)[1]).toBeCloseTo(0.005, 6);
  expect(frames.clockAt(0.01)).toBeCloseTo(7.01, 9);
});

test('a reset of the robot is a jump, not a motion', () => {
  frames.push(frame(0));
  frames.push(frame(1, { q: Float32Array.of(3, 3, 3, 3) }));
  expect(poseAt(0.01)[0]).toBe(0.25);
  expect(poseAt(0.02)).toEqual([3, 3, 3, 3]);
});

test('what the server left out is a cut: no pause on the time line, a gap in the plots', () => {
  frames.push(frame(0));
  frames.push(frame(1));
  frames.push(frame(500, { jump: true }));
  // 10 s of the stream's clock, one frame of the film.
  expect(frames.end).toBeCloseTo(0.04, 9);
  expect(frames.clockAt(frames.end)).toBeCloseTo(17, 9);
  // Nothing is interpolated across the cut.
  expect(poseAt(0.03)[1]).toBeCloseTo(0.01, 6);
  expect(frames.series(0, 0, 1).columns).toEqual([[0, 1, null, 500]]);
});

test('a clock that steps back is a cut too', () => {
  frames.push(frame(10));
  frames.push(frame(11, { simTime: 0 }));
  expect(frames.end).toBeCloseTo(0.02, 9);
});

test('channels of another environment are unknown, and the same frame sent again replaces itself', () => {
  frames.push(frame(0));
  frames.push(frame(1));
  frames.push(frame(1, { selected: 1, channels: Float32Array.of(77) }));
  expect(frames.count).toBe(2);
  expect(frames.series(1, 0, 1).columns).toEqual([[null, 77]]);
  expect(frames.series(0, 0, 1).columns).toEqual([[0, null]]);
});

test('a minute is kept, and the oldest goes', () => {
  for (let step = 0; step < 61 * RATE; step++) frames.push(frame(step));
  expect(frames.count).toBe(60 * RATE);
  expect(frames.end - frames.start).toBeCloseTo(60 - 1 / RATE, 6);
  expect(frames.start).toBeCloseTo(1, 6);
  expect(poseAt(frames.start)[1]).toBeCloseTo(RATE / 100, 6);
});

test('memory is bounded: many environments are kept for a shorter time', () => {
  const spec = { ...source.spec, numEnvs: 40_000 };
  const many = new LiveFrames({ ...source, spec }, model);
  expect(many.capacity * spec.numEnvs * 2 * 4).toBeLessThanOrEqual(256 * 1024 * 1024);
  expect(many.capacity).toBeGreaterThan(RATE);
});

test('stepping goes from frame to frame, also from between two', () => {
  for (let step = 0; step < 5; step++) frames.push(frame(step));
  expect(frames.neighbour(0.02, 1)).toBeCloseTo(0.04, 9);
  expect(frames.neighbour(0.04, -1)).toBeCloseTo(0.02, 9);
  expect(frames.neighbour(0.05, -1)).toBeCloseTo(0.04, 9);
  expect(frames.neighbour(0.05, 1)).toBeCloseTo(0.06, 9);
  expect(frames.neighbour(0, -1)).toBe(0);
  expect(frames.neighbour(frames.end, 1)).toBe(frames.end);
});

test('without frames there is nothing and nothing breaks', () => {
  expect([frames.start, frames.end, frames.clockAt(3), frames.neighbour(1, 1)]).toEqual([0, 0, 0, 0]);
  expect(poseAt(1)).toEqual([0, 0, 0, 0]);
  expect(frames.series(0, 0, 9)).toEqual({ times: [], columns: [[]] });
});

describe('of robots that move', () => {
  const moving: LiveSource = { ...source, spec: { ...source.spec, base: 'floating', nObjects: 1 } };
  const at = (x: number) => [x, 0, 0, 0, 0, 0, 1];
  const movingFrame = (step: number, changes: Partial<DecodedFrame> = {}) =>
    frame(step, {
      base: Float32Array.from([...at(step / 10), ...at(5 + step / 10)]),
      objects: Float32Array.from(at(step / 4)),
      ...changes,
    });
  beforeEach(() => {
    frames = new LiveFrames(moving, { ...model, base: 'floating' });
  });

  test('bases are interpolated, objects of the selected environment too', () => {
    frames.push(movingFrame(0));
    frames.push(movingFrame(1));
    const bases = new Float32Array(14);
    frames.baseAt(0.01, bases);
    expect(bases[0]).toBeCloseTo(0.05, 6);
    expect(bases[7]).toBeCloseTo(5.05, 6);
    expect(frames.objectsAt(0.01, 0)?.[0]).toBeCloseTo(0.125, 6);
    expect(frames.objectsAt(0.01, 1)).toBeNull();
  });

  test('each moment has the scene of its environment: the newest that began by then', () => {
    for (let step = 0; step < 4; step++) frames.push(movingFrame(step));
    const scene = (ground: 'none' | 'plane') => ({ ground, statics: [], objects: [] });
    const message = (env: number, step: number, ground: 'none' | 'plane') =>
      ({ type: 'scene', stream: 1, env, step, scene: scene(ground) }) as const;
    expect(frames.sceneAt(0, 0)).toBeNull();
    frames.surround(message(0, 0, 'none'));
    frames.surround(message(1, 1, 'none'));
    frames.surround(message(0, 2, 'plane'));
    expect(frames.sceneAt(0.03, 0)?.ground).toBe('none');
    expect(frames.sceneAt(0.05, 0)?.ground).toBe('plane');
    expect(frames.sceneAt(0, 1)).toBeNull();
    expect(frames.sceneAt(0.05, 1)?.ground).toBe('none');
  });
});
