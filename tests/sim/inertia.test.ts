/** Principal axes: hand-computed tensors, and random ones put together again from what was found. */

import { describe, expect, it } from 'vitest';
import { keyOf, RandomStream } from '../../core/rng.ts';
import type { Quat } from '../../core/robot-model.ts';
import { quatNormalize, quatRotate } from '../../core/rotation.ts';
import { principalInertia, type Tensor } from '../../sim/inertia.ts';

const seed = Number(process.env.LANDFALL_TEST_SEED ?? 1);
const ENTRIES = [
  [0, 0],
  [1, 1],
  [2, 2],
  [0, 1],
  [0, 2],
  [1, 2],
] as const;

/** R diag(moments) R^T. */
function compose(moments: ArrayLike<number>, frame: Quat): Tensor {
  const axes = [
    quatRotate(frame, [1, 0, 0], [0, 0, 0]),
    quatRotate(frame, [0, 1, 0], [0, 0, 0]),
    quatRotate(frame, [0, 0, 1], [0, 0, 0]),
  ];
  return ENTRIES.map(([i, j]) =>
    axes.reduce((sum, axis, k) => sum + moments[k]! * axis[i]! * axis[j]!, 0),
  ) as unknown as Tensor;
}

describe('principalInertia', () => {
  it('leaves a diagonal tensor alone', () => {
    expect(principalInertia([1, 2, 3, 0, 0, 0])).toEqual({ moments: [1, 2, 3], frame: [0, 0, 0, 1] });
    expect(principalInertia([0, 0, 0, 0, 0, 0]).moments).toEqual([0, 0, 0]);
  });

  it('finds the axes of a coupled pair', () => {
    // [[2, 1], [1, 2]] has the eigenvalues 1 along (1, -1) and 3 along (1, 1).
    const { moments, frame } = principalInertia([2, 2, 5, 1, 0, 0]);
    expect([...moments].sort()).toEqual([expect.closeTo(1, 12), expect.closeTo(3, 12), 5]);
    const three = quatRotate(
      frame,
      [0, 1, 2].map((k) => (Math.abs(moments[k]! - 3) < 1e-9 ? 1 : 0)),
      [0, 0, 0],
    );
    expect(Math.abs(three[0]!)).toBeCloseTo(Math.SQRT1_2, 12);
    expect(three[0]! * three[1]!).toBeCloseTo(0.5, 12);
  });

  it(`reconstructs 500 randomly turned tensors, seed ${seed}`, () => {
    const random = new RandomStream(keyOf(seed));
    for (let i = 0; i < 500; i++) {
      const turn = quatNormalize([random.normal(), random.normal(), random.normal(), random.normal()], [0, 0, 0, 1]);
      // From a rod (one moment near 0) to equal moments, over ten orders of magnitude.
      const size = 10 ** random.between(-6, 4);
      const moments = [size, size * random.uniform(), i % 3 === 0 ? size : size * random.uniform()];
      const tensor = compose(moments, turn);
      const found = principalInertia(tensor);
      const again = compose(found.moments, found.frame);
      // Double precision: a few dozen roundings of the largest entry.
      for (const [k, value] of tensor.entries()) expect(Math.abs(again[k]! - value) / size).toBeLessThan(1e-13);
      expect(Math.hypot(...found.frame)).toBeCloseTo(1, 12);
      const sorted = [...found.moments].sort((a, b) => a - b);
      for (const [k, value] of moments.sort((a, b) => a - b).entries()) {
        expect(Math.abs(sorted[k]! - value) / size).toBeLessThan(1e-13);
      }
    }
  });
});
