/** Eigenvectors and positive definite systems against their definitions. */

import { expect, it } from 'vitest';
import { solvePositive, symmetricEigen } from '../../core/linear-algebra.ts';
import { keyOf, RandomStream } from '../../core/rng.ts';

/** B B^T + I: symmetric and positive definite. */
function positive(n: number, seed: number): Float64Array {
  const random = new RandomStream(keyOf(seed));
  const b = Float64Array.from({ length: n * n }, () => random.normal());
  return Float64Array.from({ length: n * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    let sum = i === j ? 1 : 0;
    for (let k = 0; k < n; k++) sum += b[i * n + k]! * b[j * n + k]!;
    return sum;
  });
}

it('eigenvectors are orthonormal and A v = lambda v', () => {
  const n = 7;
  const a = positive(n, 1);
  const { values, vectors } = symmetricEigen(a, n);
  for (let k = 0; k < n; k++) {
    for (let i = 0; i < n; i++) {
      let image = 0;
      let product = 0;
      for (let j = 0; j < n; j++) {
        image += a[i * n + j]! * vectors[j * n + k]!;
        product += vectors[j * n + i]! * vectors[j * n + k]!;
      }
      expect(image).toBeCloseTo(values[k]! * vectors[i * n + k]!, 9);
      expect(product).toBeCloseTo(i === k ? 1 : 0, 9);
    }
  }
});

it('solves A x = b', () => {
  const n = 6;
  const a = positive(n, 2);
  const x = Float64Array.of(1, -2, 3, 0.5, 0, 7);
  const b = Float64Array.from(x, (_, i) => x.reduce((sum, v, j) => sum + a[i * n + j]! * v, 0));
  const solved = solvePositive(a, b, n)!;
  for (let i = 0; i < n; i++) expect(solved[i]).toBeCloseTo(x[i]!, 9);
});

it('says when the matrix is not positive definite', () => {
  expect(solvePositive([1, 2, 2, 1], [1, 1], 2)).toBeNull();
});
