import { expect, test } from 'vitest';
import {
  quatConjugate,
  quatFromAxisAngle,
  quatFromRpy,
  quatMultiply,
  quatNormalize,
  quatRotate,
} from '../../core/rotation.ts';

const close = (actual: ArrayLike<number>, expected: readonly number[]) => {
  // a few rounding errors of numbers near 1
  for (let i = 0; i < expected.length; i++) expect(actual[i]).toBeCloseTo(expected[i]!, 14);
};

test('a quarter turn about z carries x to y, y to -x, and leaves z', () => {
  const q = quatFromAxisAngle([0, 0, 1], Math.PI / 2, [0, 0, 0, 1]);
  close(quatRotate(q, [1, 0, 0], [0, 0, 0]), [0, 1, 0]);
  close(quatRotate(q, [0, 1, 0], [0, 0, 0]), [-1, 0, 0]);
  close(quatRotate(q, [0, 0, 1], [0, 0, 0]), [0, 0, 1]);
});

test('i j = k, and the product turns by the right factor first', () => {
  expect(quatMultiply([1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0])).toEqual([0, 0, 1, 0]);
  const aboutX = quatFromAxisAngle([1, 0, 0], Math.PI / 2, [0, 0, 0, 1]);
  const aboutZ = quatFromAxisAngle([0, 0, 1], Math.PI / 2, [0, 0, 0, 1]);
  // first about z: x -> y; then about x: y -> z
  close(quatRotate(quatMultiply(aboutX, aboutZ, [0, 0, 0, 1]), [1, 0, 0], [0, 0, 0]), [0, 0, 1]);
});

test('the conjugate undoes a rotation', () => {
  const q = quatNormalize([0.3, -0.5, 0.2, 0.7], [0, 0, 0, 1]);
  const turned = quatRotate(q, [1, 2, 3], [0, 0, 0]);
  const back = quatRotate(quatConjugate(q, [0, 0, 0, 1]), turned, [0, 0, 0]);
  close(back, [1, 2, 3]);
});

test('roll, pitch and yaw turn about fixed axes in this order', () => {
  const [roll, pitch, yaw] = [0.3, -0.7, 1.9];
  const expected = quatMultiply(
    quatFromAxisAngle([0, 0, 1], yaw, [0, 0, 0, 1]),
    quatMultiply(
      quatFromAxisAngle([0, 1, 0], pitch, [0, 0, 0, 1]),
      quatFromAxisAngle([1, 0, 0], roll, [0, 0, 0, 1]),
      [0, 0, 0, 1],
    ),
    [0, 0, 0, 1],
  );
  close(quatFromRpy([roll, pitch, yaw]), expected);
});

test('out may be an input, and is what is returned', () => {
  const q: [number, number, number, number] = [0, 0, Math.SQRT1_2, Math.SQRT1_2];
  const v = new Float64Array([1, 0, 0]);
  expect(quatRotate(q, v, v)).toBe(v);
  close(v, [0, 1, 0]);
  expect(quatMultiply(q, q, q)).toBe(q);
  close(q, [0, 0, 1, 0]);
});

test('a quaternion of length 0 normalises to the identity', () => {
  expect(quatNormalize([0, 0, 0, 0], [1, 1, 1, 1])).toEqual([0, 0, 0, 1]);
});
