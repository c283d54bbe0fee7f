/** LogME against the evidence computed directly, and effective sizes against the theory of AR(1). */

import { describe, expect, it } from 'vitest';
import { symmetricEigen } from '../../../core/linear-algebra.ts';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { autocorrelationTime, effectiveSample } from '../../../policy/similarity/effective-sample.ts';
import { groupRows } from '../../../policy/similarity/grouped-rows.ts';
import { evidence, logMe, spectrumOf } from '../../../policy/similarity/logme.ts';
import { correlatedRows } from './domains.ts';

const seed = Number(process.env.LANDFALL_TEST_SEED ?? 1);

describe('LogME', () => {
  const n = 40;
  const dim = 3;
  const random = new RandomStream(keyOf(seed));
  const features = Float64Array.from({ length: n * dim }, () => random.normal());
  const y = Float64Array.from(
    { length: n },
    (_, i) => 1.5 * features[i * dim]! - features[i * dim + 2]! + 0.3 * random.normal(),
  );

  /** log N(y; 0, F F^T / alpha + I / beta) / n, by the eigenvalues of that n x n covariance. */
  function direct(alpha: number, beta: number): number {
    const covariance = Float64Array.from({ length: n * n }, (_, at) => {
      const [i, j] = [Math.floor(at / n), at % n];
      let sum = i === j ? 1 / beta : 0;
      for (let k = 0; k < dim; k++) sum += (features[i * dim + k]! * features[j * dim + k]!) / alpha;
      return sum;
    });
    const { values, vectors } = symmetricEigen(covariance, n);
    let total = -n * Math.log(2 * Math.PI);
    for (let k = 0; k < n; k++) {
      let projection = 0;
      for (let i = 0; i < n; i++) projection += vectors[i * n + k]! * y[i]!;
      total -= Math.log(values[k]!) + projection ** 2 / values[k]!;
    }
    return total / 2 / n;
  }

  it('is the evidence at its precisions, which are where it is largest', () => {
    const found = evidence(spectrumOf(features, n), y);
    expect(found.perRow).toBeCloseTo(direct(found.alpha, found.beta), 9);
    // Noise of .3: precision 11, within what 40 rows tell.
    expect(found.beta).toBeGreaterThan(5);
    expect(found.beta).toBeLessThan(25);
    for (const [a, b] of [
      [1.3, 1],
      [0.7, 1],
      [1, 1.3],
      [1, 0.7],
    ] as const) {
      expect(direct(a * found.alpha, b * found.beta)).toBeLessThan(found.perRow);
    }
  });

  it('prefers features that the targets are made of, and takes the mean over outputs', () => {
    const noise = Float64Array.from(features, () => random.normal());
    expect(logMe(features, y, n)).toBeGreaterThan(logMe(noise, y, n) + 0.3);
    const both = Float64Array.from({ length: 2 * n }, (_, i) => (i % 2 === 0 ? y[i >> 1]! : noise[i]!));
    const other = Float64Array.from({ length: n }, (_, i) => noise[2 * i + 1]!);
    expect(logMe(features, both, n)).toBeCloseTo((logMe(features, y, n) + logMe(features, other, n)) / 2, 12);
  });

  it('stays finite for repeated features and for targets without noise', () => {
    const twice = Float64Array.from({ length: 2 * n }, (_, i) => features[(i >> 1) * dim]!);
    const exact = Float64Array.from({ length: n }, (_, i) => 2 * features[i * dim]!);
    expect(Number.isFinite(logMe(twice, y, n))).toBe(true);
    expect(Number.isFinite(logMe(twice, exact, n))).toBe(true);
  });
});

describe('effective sample size', () => {
  it.each([0, 0.5, 0.8, 0.95])('of AR(1) with rho %s is n (1 - rho) / (1 + rho)', (rho) => {
    const episodes = 40;
    const steps = 500;
    const { size, tau } = effectiveSample(correlatedRows(episodes, steps, 1, rho, seed));
    const truth = (episodes * steps * (1 - rho)) / (1 + rho);
    // Sokal: sd of tau / tau = sqrt(2 (2 M + 1) / n) with M = 5 tau; rho .95: sqrt(2 * 391 / 20000) = .2.
    const tolerance = 2 * Math.sqrt((2 * (10 * ((1 + rho) / (1 - rho)) + 1)) / (episodes * steps)) + 0.02;
    expect(Math.abs(size / truth - 1)).toBeLessThan(tolerance);
    expect(size * tau).toBeCloseTo(episodes * steps, 6);
  });

  it('counts an episode that never changes within itself as one reading', () => {
    const levels = groupRows([0, 1, 2, 3, 4, 5].map((level) => Array.from({ length: 30 }, () => [level])));
    // The mean is over all episodes: with each one's own, nothing would vary and tau would be 1.
    expect(autocorrelationTime(levels, 0)).toBe(30);
    expect(effectiveSample(levels).size).toBeCloseTo(6, 12);
  });

  it('takes the geometric mean over columns and leaves constant ones out', () => {
    const slow = correlatedRows(40, 200, 1, 0.9, seed);
    const quick = correlatedRows(40, 200, 1, 0.5, seed + 1);
    const mixed = groupRows(
      Array.from({ length: 40 }, (_, e) =>
        Array.from({ length: 200 }, (_, t) => [quick.rows[e * 200 + t]!, slow.rows[e * 200 + t]!, 4]),
      ),
    );
    const product = effectiveSample(quick).tau * effectiveSample(slow).tau;
    expect(effectiveSample(mixed).tau).toBeCloseTo(Math.sqrt(product), 9);
    expect(autocorrelationTime(mixed, 2)).toBeNull();
    // Rows that are all the same are one reading.
    expect(effectiveSample(groupRows([[[4], [4]], [[4]]])).size).toBeCloseTo(1, 12);
  });
});
