/** Observations worked out by hand: terms, scale, clip, history, delay, reset; and no allocation in the loop. */

import { describe, expect, it } from 'vitest';
import type { ObservationContract } from '../../core/contract.ts';
import { InputError } from '../../core/errors.ts';
import { Observer } from '../../core/observation.ts';
import { observationTerms } from '../../core/observation-terms.ts';
import { makeState } from '../../core/robot.ts';
import { bytesPerCall } from './allocation.ts';
import { layoutOf } from './layout.ts';

const joints = ['hip', 'knee'];
const layout = layoutOf(joints);

function term(changes: Partial<ObservationContract>): ObservationContract {
  return {
    name: 'speed',
    term: 'joint_velocity',
    joints: ['knee'],
    size: 1,
    unit: 'rad/s',
    frame: 'joint',
    scale: 1,
    clip: null,
    history: 1,
    delay: 0,
    ...changes,
  };
}

/** The observations after each of a series of knee speeds. */
function observeSpeeds(observer: Observer, speeds: readonly number[]): number[][] {
  const state = makeState(2);
  const out = new Float32Array(observer.size);
  return speeds.map((speed) => {
    state.qd[1] = speed;
    observer.observe(state, new Float32Array(0), out);
    return [...out];
  });
}

describe('observer', () => {
  it('writes the terms in order, from the offset on, and nothing else', () => {
    const angle = term({ name: 'angle', term: 'joint_sin_cos', joints: ['hip', 'knee'], size: 4 });
    const position = term({ name: 'position', term: 'joint_position', joints: ['knee', 'hip'], size: 2 });
    const action = term({ name: 'last', term: 'last_action', joints: ['hip'], size: 1 });
    const observer = new Observer([angle, position, term({}), action], layout);
    expect(observer.size).toBe(8);
    const state = makeState(2);
    state.q.set([Math.PI / 2, -Math.PI]);
    state.qd.set([3, 4]);
    const out = new Float32Array(10).fill(9);
    observer.observe(state, Float32Array.of(0.5), out, 1);
    const expected = [9, 1, 0, 0, -1, Math.fround(-Math.PI), Math.fround(Math.PI / 2), 4, 0.5, 9];
    // sin and cos at multiples of pi/2 are 6e-17 and 1.2e-16 instead of 0.
    for (const [i, value] of expected.entries()) expect(out[i]).toBeCloseTo(value, 15);
  });

  it('scales, then clips', () => {
    const observer = new Observer([term({ scale: 0.5, clip: [-1, 1] })], layout);
    expect(observeSpeeds(observer, [1, 5, -5])).toEqual([[0.5], [1], [-1]]);
  });

  it('stacks the past, newest first; the first observation fills it with itself', () => {
    const observer = new Observer([term({ history: 3, size: 3 })], layout);
    expect(observeSpeeds(observer, [1, 2, 3, 4])).toEqual([
      [1, 1, 1],
      [2, 1, 1],
      [3, 2, 1],
      [4, 3, 2],
    ]);
  });

  it('delays by whole steps, with and without history', () => {
    expect(observeSpeeds(new Observer([term({ delay: 2 })], layout), [1, 2, 3, 4])).toEqual([[1], [1], [1], [2]]);
    const both = new Observer([term({ delay: 1, history: 2, size: 2 })], layout);
    expect(observeSpeeds(both, [1, 2, 3, 4])).toEqual([
      [1, 1],
      [1, 1],
      [2, 1],
      [3, 2],
    ]);
  });

  it('stacks terms of several numbers step by step', () => {
    const observer = new Observer([term({ joints, history: 2, size: 4 })], layout);
    const state = makeState(2);
    const out = new Float32Array(4);
    state.qd.set([1, 2]);
    observer.observe(state, out, out);
    state.qd.set([3, 4]);
    observer.observe(state, out, out);
    expect([...out]).toEqual([3, 4, 1, 2]);
  });

  it('forgets on reset', () => {
    const observer = new Observer([term({ history: 2, size: 2 })], layout);
    observeSpeeds(observer, [1, 2]);
    observer.reset();
    expect(observeSpeeds(observer, [7])).toEqual([[7, 7]]);
  });

  it('lets NaN through: it is a fault for others to see', () => {
    const observer = new Observer([term({ clip: [-1, 1] })], layout);
    expect(observeSpeeds(observer, [NaN])).toEqual([[NaN]]);
  });

  it('allocates nothing', () => {
    const observer = new Observer([term({ history: 3, delay: 1, size: 3, clip: [-1, 1] })], layout);
    const state = makeState(2);
    const action = new Float32Array(1);
    const out = new Float32Array(3);
    expect(bytesPerCall(() => observer.observe(state, action, out))).toBeLessThan(1);
  });
});

describe('errors', () => {
  const make = (changes: Partial<ObservationContract>) => () => new Observer([term(changes)], layout);

  it('name the term that was meant', () => {
    expect(make({ term: 'joint_velocty' })).toThrow(InputError);
    expect(make({ term: 'joint_velocty' })).toThrow('observation speed: no term named joint_velocty');
    try {
      make({ term: 'joint_velocty' })();
    } catch (error) {
      expect((error as InputError).repair).toBe('did you mean joint_velocity?');
    }
    try {
      make({ term: 'camera' })();
    } catch (error) {
      expect((error as InputError).repair).toBe(`known terms: ${Object.keys(observationTerms).join(', ')}`);
    }
  });

  it('name the joint and the size', () => {
    expect(make({ joints: ['ankle'] })).toThrow('observation speed: the robot has no joint named ankle');
    expect(make({ size: 2 })).toThrow('observation speed: size should be 1, found 2');
    expect(make({ history: 4 })).toThrow('observation speed: size should be 4, found 1');
  });
});
