/** Normal quantiles against tables, and the points that stand for a truncated normal. */

import { describe, expect, it } from 'vitest';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { latinHypercube, normalCdf, normalQuantile, quantilesOf } from '../../../sim/identify/truncated-normal.ts';

describe('the normal distribution', () => {
  // statistics.NormalDist().inv_cdf of Python
  it.each([
    [0.975, 1.9599639845400536],
    [0.5, 0],
    [0.841344746068543, 1.0000000000000002],
    [0.01, -2.3263478740408416],
    [1e-6, -4.753424308822899],
  ])('quantile of %d', (p, z) => {
    expect(Math.abs(normalQuantile(p) - z)).toBeLessThan(1e-8);
    // The bound that Abramowitz & Stegun give, and that of the quantile's.
    expect(Math.abs(normalCdf(z) - p)).toBeLessThan(1e-7);
  });
});

describe('points of a truncated normal', () => {
  const shares = latinHypercube(400, 2, new RandomStream(keyOf(2)));

  it('take every stratum of each dimension once', () => {
    for (const i of [0, 1]) {
      const strata = shares.map((share) => Math.floor(share[i]! * 400)).sort((a, b) => a - b);
      expect(strata).toEqual(Array.from({ length: 400 }, (_, k) => k));
    }
  });

  it('have the mean and variance of the distribution', () => {
    const points = quantilesOf({ mean: [1, 0], sd: [0.5, 1] }, [-9, 0], [9, 9], shares);
    const moments = (i: number) => {
      const mean = points.reduce((sum, p) => sum + p[i]!, 0) / points.length;
      return [mean, points.reduce((sum, p) => sum + (p[i]! - mean) ** 2, 0) / points.length];
    };
    // 400 midpoints miss the far tails: 1% of the variance.
    expect(moments(0)[0]).toBeCloseTo(1, 6);
    expect(Math.abs(moments(0)[1]! / 0.25 - 1)).toBeLessThan(0.01);
    // Half a normal: mean sqrt(2 / pi), variance 1 - 2 / pi.
    expect(Math.abs(moments(1)[0]! - Math.sqrt(2 / Math.PI))).toBeLessThan(2e-3);
    expect(Math.abs(moments(1)[1]! / (1 - 2 / Math.PI) - 1)).toBeLessThan(0.01);
  });
});
