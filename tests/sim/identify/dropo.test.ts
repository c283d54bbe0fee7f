/** DROPO on simulators of one line, whose likelihood is known in closed form. */

import { describe, expect, it } from 'vitest';
import { log } from '../../../core/math.ts';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { dropo, logLikelihood } from '../../../sim/identify/dropo.ts';

/** s' = gain * theta; observed with theta drawn anew for every transition and noise 0.05. */
function planted(mean: number, sd: number, count: number, seed = 5) {
  const random = new RandomStream(keyOf(seed));
  return Array.from({ length: count }, () => {
    const gain = random.between(0.5, 2);
    const theta = mean + sd * random.normal();
    return { gain, seen: gain * theta + 0.05 * random.normal() };
  });
}

const NOISE = 0.05 ** 2;

describe('the likelihood', () => {
  // Two samples at -1 and 1: mean 0, variance 2; with noise 0.25 the density at 0 is N(0; 0, 2.25).
  it('is that of a Gaussian through the samples', () => {
    const outcomes = [-1, 1].map((e) => Float64Array.of(e));
    expect(logLikelihood(outcomes, [0.25])).toBeCloseTo(-0.5 * log(2 * Math.PI * 2.25), 9);
  });

  it('with two numbers and their covariance, by hand', () => {
    // Samples (1,1), (-1,-1), (1,-1), (-1,1) moved by (0.5, 0): mean (0.5, 0), covariance 4/3 I; noise 1/6 makes 1.5 I.
    const outcomes = [
      [1.5, 1],
      [-0.5, -1],
      [1.5, -1],
      [-0.5, 1],
    ].map((e) => Float64Array.from(e));
    const expected = -0.5 * (0.25 / 1.5 + 2 * log(1.5) + 2 * log(2 * Math.PI));
    expect(logLikelihood(outcomes, [1 / 6, 1 / 6])).toBeCloseTo(expected, 9);
  });

  it('falls by log 2 when half of the samples end early, whose rest is as before, and is worst when all do', () => {
    const whole = [-1, 1, -1, 1].map((e) => Float64Array.of(e));
    const half = [-1, 1, Number.NaN, Number.NaN].map((e) => Float64Array.of(e));
    // Of four samples the variance is 4/3, of two 2: the densities are written out.
    const density = (variance: number) => -0.5 * log(2 * Math.PI * (variance + 0.25));
    expect(logLikelihood(whole, [0.25])).toBeCloseTo(density(4 / 3), 9);
    expect(logLikelihood(half, [0.25])).toBeCloseTo(density(2) - log(2), 9);
    const none = [1, 2, 3, 4].map(() => Float64Array.of(Number.NaN));
    expect(logLikelihood(none, [0.25])).toBeLessThan(-40);
  });
});

describe('dropo', () => {
  it('finds a planted mean and deviation again', async () => {
    const transitions = planted(1.7, 0.3, 80);
    const found = await dropo(
      {
        lower: [0],
        upper: [4],
        simulate: (points) =>
          points.map(([theta]) => Float64Array.from(transitions, ({ gain, seen }) => gain * theta! - seen)),
        noise: [NOISE],
      },
      { key: keyOf(1), samples: 40, evaluations: 250 },
    );
    // Standard errors of 80 draws: 0.3 / sqrt(80) = 0.034 of the mean, 0.3 / sqrt(160) = 0.024 of the deviation; three of each.
    expect(Math.abs(found.mean[0]! - 1.7)).toBeLessThan(0.1);
    expect(Math.abs(found.sd[0]! - 0.3)).toBeLessThan(0.072);
    expect(found.informed).toEqual([true]);
  });

  it('one true value: the deviation shrinks to what the noise hides', async () => {
    const transitions = planted(1.7, 0, 40);
    const found = await dropo(
      {
        lower: [0],
        upper: [4],
        simulate: (points) =>
          points.map(([theta]) => Float64Array.from(transitions, ({ gain, seen }) => gain * theta! - seen)),
        noise: [NOISE],
      },
      { key: keyOf(1), samples: 40, evaluations: 250 },
    );
    expect(Math.abs(found.mean[0]! - 1.7)).toBeLessThan(0.02);
    expect(found.sd[0]!).toBeLessThan(0.03);
  });

  it('what the transitions say nothing about keeps its prior, and is said', async () => {
    const transitions = planted(1.7, 0.2, 40);
    const prior = { mean: [2, 1.2], sd: [1, 0.7] };
    const found = await dropo(
      {
        lower: [0, 0],
        upper: [4, 4],
        prior,
        simulate: (points) =>
          points.map(([theta]) => Float64Array.from(transitions, ({ gain, seen }) => gain * theta! - seen)),
        noise: [NOISE],
      },
      { key: keyOf(1), samples: 40, evaluations: 900 },
    );
    expect(found.informed).toEqual([true, false]);
    // The search stops near the minimum of the divergence, which is flat there: a twentieth of the prior's deviation.
    expect(Math.abs(found.mean[1]! - 1.2)).toBeLessThan(0.05);
    expect(Math.abs(found.sd[1]! / 0.7 - 1)).toBeLessThan(0.05);
  });

  it('simulations that end early push the distribution away, where nothing else does', async () => {
    // Noise so large that every theta explains everything: only the prior, at 2 +- 1, and the ends speak.
    const search = (ends: (theta: number) => boolean) =>
      dropo(
        {
          lower: [0],
          upper: [4],
          prior: { mean: [2], sd: [1] },
          simulate: (points) => points.map(([theta]) => new Float64Array(50).fill(ends(theta!) ? Number.NaN : 0)),
          noise: [100],
        },
        { key: keyOf(1), samples: 40, evaluations: 250 },
      );
    const free = await search(() => false);
    expect(free.mean[0]!).toBeCloseTo(2, 1);
    const cliff = await search((theta) => theta > 2.5);
    // One sample of 40 costs 50 log(40/39) = 1.3 nats, and the prior gives less for keeping it: none is left beyond, where 2.2
    // deviations are the outermost of 40 quantiles.
    expect(cliff.mean[0]! + 2.2 * cliff.sd[0]!).toBeLessThan(2.55);
    expect(free.mean[0]! + 2.2 * free.sd[0]!).toBeGreaterThan(3.5);
  });
});
