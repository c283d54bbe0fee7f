/** The shrunk covariance beside scikit-learn's, and whitening by hand and by the distance it stands for. */

import { describe, expect, it } from 'vitest';
import { NumericError } from '../../../core/errors.ts';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { ledoitWolf, whiteningOf } from '../../../policy/guard/ledoit-wolf.ts';
import { linear } from '../../../policy/mlp.ts';

describe('the Ledoit-Wolf covariance', () => {
  it('is that of scikit-learn', () => {
    // scikit-learn 1.9.1: X = [[i*7%11, 2*(i*7%11) + i*5%13, .5*(i*3%17)] for i in range(24)]; ledoit_wolf(X)
    const rows = Float64Array.from(
      Array.from({ length: 24 }, (_, i) => [
        (i * 7) % 11,
        2 * ((i * 7) % 11) + ((i * 5) % 13),
        0.5 * ((i * 3) % 17),
      ]).flat(),
    );
    const { covariance, shrinkage } = ledoitWolf(rows, 3);
    expect(shrinkage).toBeCloseTo(0.066930922248751, 12);
    const expected = [
      11.543370619965176, 21.980580409733854, -2.6679943941949777, 21.980580409733854, 64.78014522277256,
      -5.269572413063913, -2.6679943941949777, -5.269572413063913, 7.824053601706725,
    ];
    for (const [k, value] of expected.entries()) expect(covariance[k]).toBeCloseTo(value, 10);
  });

  it('shrinks all the way where nothing else can be told', () => {
    // scikit-learn 1.9.1 on these eight rows: shrinkage 1, 3.68229167 on the diagonal
    const rows = Float64Array.of(
      ...[-1.5, 0, 1.5, -0.5, 2, 4.5, 0.5, 4, 0.5, 1.5, -1, 3.5],
      ...[2.5, 1, -0.5, 3.5, 3, 2.5, -2.5, -2, -1.5, -1.5, 0, 1.5],
    );
    const { covariance, shrinkage } = ledoitWolf(rows, 3);
    expect(shrinkage).toBe(1);
    expect(covariance[0]).toBeCloseTo(3.68229167, 8);
    expect(covariance[1]).toBe(0);
  });

  it('of one sample, or of equal ones, is finite', () => {
    for (const rows of [Float64Array.of(1, 2), Float64Array.of(1, 2, 1, 2)]) {
      const found = ledoitWolf(rows, 2);
      expect(Array.from(found.covariance)).toEqual([0, 0, 0, 0]);
      expect(whiteningOf(found).weight.every(Number.isFinite)).toBe(true);
    }
  });
});

describe('whitening', () => {
  it('of a hand-made covariance is the inverse of its Cholesky factor', () => {
    // C = [[4, 2], [2, 5]] = L L', L = [[2, 0], [1, 2]], L^-1 = [[.5, 0], [-.25, .5]]; x = (3, 4), mean (1, 1): y = (1, 1)
    const covariance = Float64Array.of(4, 2, 2, 5);
    const { weight, bias } = whiteningOf({ mean: Float64Array.of(1, 1), covariance });
    const y = new Float32Array(2);
    linear(weight, bias, Float32Array.of(3, 4), y);
    // The floor adds 1e-6 of the mean variance.
    expect(y[0]).toBeCloseTo(1, 5);
    expect(y[1]).toBeCloseTo(1, 5);
  });

  it('makes samples white', () => {
    const random = new RandomStream(keyOf(2));
    const dim = 4;
    const rows = new Float64Array(4000 * dim);
    for (let at = 0; at < rows.length; at += dim) {
      for (let i = 0; i < dim; i++) rows[at + i] = 3 + (i + 1) * random.normal() + (i > 0 ? rows[at + i - 1]! : 0);
    }
    const { weight, bias } = whiteningOf(ledoitWolf(rows, dim));
    const white = new Float64Array(rows.length);
    const y = new Float32Array(dim);
    for (let at = 0; at < rows.length; at += dim) {
      linear(weight, bias, Float32Array.from(rows.subarray(at, at + dim)), y);
      white.set(y, at);
    }
    const { mean, covariance } = ledoitWolf(white, dim);
    for (let i = 0; i < dim; i++) {
      expect(mean[i]).toBeCloseTo(0, 4);
      // Exact but for the shrinkage, whose intensity is of the order of 1 / 4000 times the spread of the variances.
      for (let j = 0; j < dim; j++) expect(Math.abs(covariance[i * dim + j]! - Number(i === j))).toBeLessThan(0.03);
    }
  });

  it('refuses what is not finite', () => {
    expect(() => whiteningOf({ mean: Float64Array.of(0), covariance: Float64Array.of(NaN) })).toThrow(NumericError);
  });
});
