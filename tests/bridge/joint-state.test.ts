/** Reading sensor_msgs/JointState: by name, with signs, all or nothing. */

import { describe, expect, it } from 'vitest';
import { JointStateReader } from '../../bridge/joint-state.ts';
import type { JointContract } from '../../core/contract.ts';
import { makeState } from '../../core/robot.ts';
import { pendulumContract } from './contract.ts';

const base = pendulumContract().joints[0]!;
const joints: JointContract[] = [
  { ...base, name: 'hip' },
  { ...base, name: 'knee', sign: -1 },
];
const stamp = { sec: 12, nanosec: 500_000_000 };

function message(changes: Record<string, unknown> = {}) {
  return {
    header: { stamp, frame_id: '' },
    name: ['hip', 'knee'],
    position: [1, 2],
    velocity: [3, 4],
    effort: [5, 6],
    ...changes,
  };
}

function read(value: unknown) {
  const state = makeState(2);
  return { reading: new JointStateReader(joints).read(value, state), state };
}

describe('JointStateReader', () => {
  it('applies signs', () => {
    const { reading, state } = read(message());
    expect(reading).toMatchObject({ kind: 'state', stamp: { seconds: 12.5, ros: 2 } });
    expect([...state.q, ...state.qd, ...state.effort]).toEqual([1, -2, 3, -4, 5, -6]);
    expect(state.time).toBe(12.5);
  });

  it('matches by name, behind a stranger and in another order', () => {
    const { state } = read(
      message({ name: ['gripper', 'knee', 'hip'], position: [9, 2, 1], velocity: [9, 4, 3], effort: [9, 6, 5] }),
    );
    expect([...state.q, ...state.qd, ...state.effort]).toEqual([1, -2, 3, -4, 5, -6]);
  });

  it('follows an order that changes from message to message', () => {
    const reader = new JointStateReader(joints);
    const state = makeState(2);
    reader.read(message(), state);
    reader.read(message({ name: ['knee', 'hip'] }), state);
    expect([...state.q]).toEqual([2, -1]);
  });

  it('reads the stamp of ROS 1', () => {
    const { reading } = read(message({ header: { seq: 1, stamp: { secs: 12, nsecs: 5e8 }, frame_id: '' } }));
    expect(reading).toMatchObject({ stamp: { seconds: 12.5, ros: 1 } });
  });

  it('reads typed arrays, as CBOR gives them', () => {
    const { state } = read(message({ position: Float64Array.of(1, 2), velocity: Float64Array.of(3, 4) }));
    expect([...state.q]).toEqual([1, -2]);
  });

  it.each([
    ['no effort at all', { effort: [] }],
    ['an effort that is NaN at the driver', { effort: [null, null] }],
  ])('takes %s for not measured', (_, changes) => {
    const { reading, state } = read(message(changes));
    expect(reading.kind).toBe('state');
    expect([...state.effort]).toEqual([NaN, NaN]);
  });

  it.each([
    ['a position of null', { position: [1, null] }, 'not-finite', /knee: position is null/],
    ['a velocity of null', { velocity: [null, 4] }, 'not-finite', /hip: velocity is null/],
    ['a position that is text', { position: ['1', 2] }, 'not-finite', /hip: position is 1/],
    ['no velocities', { velocity: [] }, 'not-finite', /hip has no velocity/],
    ['too few positions', { position: [1] }, 'not-finite', /knee has no position/],
    ['a missing joint', { name: ['hip', 'ankle'] }, 'joint-names', /lacks knee; it has hip, ankle/],
    ['no joints', { name: [] }, 'joint-names', /lacks hip, knee; it has no joints/],
    ['no names', { name: null }, 'bad-message', /expected a sensor_msgs\/JointState/],
    ['no stamp', { header: {} }, 'bad-stamp', /no header.stamp/],
    ['no header', { header: undefined }, 'bad-stamp', /no header.stamp/],
  ])('%s is a fault and writes nothing', (_, changes, name, text) => {
    const { reading, state } = read(message(changes));
    expect(reading).toMatchObject({ kind: 'bad', fault: { name, message: expect.stringMatching(text) } });
    expect([...state.q, ...state.qd, ...state.effort, state.time]).toEqual([0, 0, 0, 0, 0, 0, 0]);
  });

  it.each([null, 'text', 7, undefined])('%s is no state', (value) => {
    expect(read(value).reading).toMatchObject({ kind: 'bad', fault: { name: 'bad-message' } });
  });
});
