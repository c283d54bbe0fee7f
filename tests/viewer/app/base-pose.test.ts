import { expect, test } from 'vitest';
import { quatMultiply, quatRotate } from '../../../core/rotation.ts';
import { basesAt, carry, interpolatePose } from '../../../viewer/app/base-pose.ts';

const base = [1, 2, 3, 0.5, -0.5, 0.5, 0.5];

test('links are carried as the product of the poses', () => {
  const link = [0.4, -0.2, 0.7, 0, 0.6, 0, 0.8];
  const links = Float64Array.from([...new Array(7).fill(0), ...link]);
  links[6] = 1;
  carry([9, ...base], 1, links);
  const turned = quatRotate(base.slice(3), link.slice(0, 3), [0, 0, 0]);
  const rotation = quatMultiply(base.slice(3), link.slice(3), [0, 0, 0, 0]);
  // Doubles throughout.
  for (let i = 0; i < 7; i++) expect(links[i]).toBeCloseTo(base[i]!, 12);
  for (let i = 0; i < 3; i++) expect(links[7 + i]).toBeCloseTo(base[i]! + turned[i]!, 12);
  for (let i = 0; i < 4; i++) expect(links[10 + i]).toBeCloseTo(rotation[i]!, 12);
});

function between(before: number[], after: number[], fraction: number): number[] {
  const out = basesAt(7, 1);
  interpolatePose(before, 0, after, 0, fraction, out, 0);
  return [...out];
}

test('half way: the middle, and half the turn along the shorter way', () => {
  const half = Math.SQRT1_2;
  // A quarter turn about z, written with the other sign.
  const middle = between([0, 0, 0, 0, 0, 0, 1], [0.4, 0, 0.2, 0, 0, -half, -half], 0.5);
  expect(middle.slice(0, 3)).toEqual([expect.closeTo(0.2, 6), 0, expect.closeTo(0.1, 6)]);
  expect(middle[5]).toBeCloseTo(Math.sin(Math.PI / 8), 6);
  expect(middle[6]).toBeCloseTo(Math.cos(Math.PI / 8), 6);
});

test('a reset is a jump', () => {
  expect(between([0, 0, 0, 0, 0, 0, 1], [3, 0, 0, 0, 0, 0, 1], 0.9)[0]).toBe(0);
  expect(between([0, 0, 0, 0, 0, 0, 1], [3, 0, 0, 0, 0, 0, 1], 1)[0]).toBe(3);
});

test('what is not measured stays: position and rotation each by itself', () => {
  const nan = Number.NaN;
  const turned = [nan, nan, nan, 0, 0, 1, 0];
  expect(between(turned, turned, 0.5)).toEqual([0, 0, 7, 0, 0, 1, 0]);
  const placed = [1, 2, 3, nan, nan, nan, nan];
  expect(between(placed, placed, 0.5)).toEqual([1, 2, 3, 0, 0, 0, 1]);
});
