/** Symmetries by hand: each kind of quantity, history, actions, and what is refused. */

import { describe, expect, it } from 'vitest';
import type { ActionContract, ObservationContract, ObservationLayout } from '../../core/contract.ts';
import { type Mirror, mirrorOfActions, mirrorOfObservations, mirrorRow, type Symmetry } from '../../core/symmetry.ts';
import { sampleContract } from './samples.ts';

const shoulder = sampleContract().joints[0]!;
const layout: ObservationLayout = {
  joints: ['left', 'right'].map((name) => ({ ...shoulder, name, defaultPosition: name === 'left' ? 0.3 : -0.3 })),
  sensors: { imu: 10, feet: 2 },
  command: {
    names: ['vx', 'wz'],
    units: ['m/s', 'rad/s'],
    ranges: [
      [-1, 1],
      [-1, 1],
    ],
  },
  actions: [action('position', ['left', 'right'])],
};
const symmetry: Symmetry = {
  name: 'left-right',
  axes: [1, -1, 1],
  joints: { left: ['right', -1], right: ['left', -1] },
  command: { wz: -1 },
  sensors: { feet: [1, 0] },
  clock: -1,
};

function action(kind: ActionContract['kind'], joints: string[]): ActionContract {
  return { name: 'move', kind, joints, scale: 1, offset: 0, clip: [-1, 1], rateLimit: null };
}

function observation(term: string, size: number, more: Partial<ObservationContract> = {}): ObservationContract {
  const plain = { joints: [], unit: '1', frame: 'base', scale: 1, clip: null, history: 1, delay: 0 };
  return { ...plain, name: term, term, size, ...more };
}

const both = { joints: ['left', 'right'] };

function seen(spec: ObservationContract, row: readonly number[], given = symmetry): number[] {
  return apply(mirrorOfObservations([spec], layout, given), row);
}

function apply(mirror: Mirror, row: readonly number[]): number[] {
  const out = new Float32Array(row.length);
  mirrorRow(mirror, Float32Array.from(row), 0, out, 0);
  return Array.from(out);
}

describe('in a mirror between left and right', () => {
  it.each([
    ['joint_velocity', both, [1, 2], [-2, -1]],
    ['joint_offset', both, [1, 2], [-2, -1]],
    ['joint_sin_cos', both, [1, 2, 3, 4], [-3, 4, -1, 2]],
    ['last_action', both, [1, 2], [-2, -1]],
    ['base_linear_velocity', {}, [1, 2, 3], [1, -2, 3]],
    ['base_angular_velocity', {}, [1, 2, 3], [-1, 2, -3]],
    ['projected_gravity', { sensor: 'imu' }, [1, 2, 3], [1, -2, 3]],
    ['angular_velocity', { sensor: 'imu' }, [1, 2, 3], [-1, 2, -3]],
    ['base_rotation', {}, [1, 2, 3, 4, 5, 6], [1, -2, 3, -4, 5, -6]],
    ['base_height', {}, [4], [4]],
    ['command', {}, [1, 2], [1, -2]],
    ['clock', { of: ['vx'] }, [1, 2], [-1, -2]],
    ['sensor', { sensor: 'feet' }, [1, 2], [2, 1]],
  ] as const)('%s', (term, more, row, expected) => {
    expect(seen(observation(term, row.length, more as Partial<ObservationContract>), row)).toEqual(expected);
  });

  it('each step of a history by itself, and terms one after another', () => {
    const speeds = observation('joint_velocity', 6, { ...both, history: 3 });
    const mirror = mirrorOfObservations([observation('base_height', 1), speeds], layout, symmetry);
    expect(apply(mirror, [9, 1, 2, 3, 4, 5, 6])).toEqual([9, -2, -1, -4, -3, -6, -5]);
  });

  it('actions by joint, a twist by its axes', () => {
    expect(apply(mirrorOfActions(layout.actions, layout, symmetry), [1, 2])).toEqual([-2, -1]);
    expect(apply(mirrorOfActions([action('twist', ['left', 'right'])], layout, symmetry), [1, 2])).toEqual([1, -2]);
  });
});

describe('refuses by name', () => {
  const flip: Symmetry = { ...symmetry, joints: { left: ['left', -1], right: ['right', -1] } };

  it.each([
    ['a joint without an image', { ...symmetry, joints: { left: ['right', -1] } }, /joint right has no mirror image/],
    ['an image outside the term', { ...symmetry, joints: { left: ['third', 1] } }, /joint left has no mirror image/],
    ['signs that differ there and back', { ...symmetry, joints: { left: ['right', 1], right: ['left', -1] } }, /twice/],
    ['two that become one', { ...symmetry, sensors: { feet: [1, 1] } }, /number 2, mirrored twice/],
    [
      'a sensor of another size',
      { ...symmetry, sensors: { feet: [0] } },
      /order of 2 mirrored readings of feet, found 1/,
    ],
  ] as const)('%s', (_, broken, message) => {
    const read = [observation('joint_velocity', 2, both), observation('sensor', 2, { sensor: 'feet' })];
    expect(() => mirrorOfObservations(read, layout, broken as Symmetry)).toThrow(message);
  });

  it('offsets from defaults that are not mirror images', () => {
    expect(() => seen(observation('joint_offset', 2, both), [1, 2], flip)).toThrow(
      /default positions of left and left/,
    );
    expect(() => mirrorOfActions(layout.actions, layout, flip)).toThrow(/default positions/);
  });

  it('what changes its sign and is clipped to one side', () => {
    const clipped = observation('joint_velocity', 2, { ...both, clip: [-1, 2] });
    expect(() => seen(clipped, [1, 2])).toThrow(/changes its sign is clipped to -1 to 2/);
    const thrust = { ...action('effort', ['left', 'right']), offset: 1 };
    expect(() => mirrorOfActions([thrust], layout, symmetry)).toThrow(/changes its sign/);
  });
});
