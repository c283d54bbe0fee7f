/** The conformal limit: ranks by hand, the Beta bound, and false alarms over many draws beside the plain quantile's. */

import { describe, expect, it } from 'vitest';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import {
  conformalRank,
  conformalThreshold,
  episodesNeeded,
  expectedFalseAlarms,
  falseAlarmBound,
} from '../../../policy/guard/conformal.ts';

describe('the rank', () => {
  it.each([
    // k = ceil((n + 1)(1 - alpha)), by hand: 21 * 0.95 = 19.95, 20 * 0.95 = 19, 101 * 0.95 = 95.95, 10 * 0.9 = 9, 21 * 0.9 = 18.9
    [20, 0.05, 20],
    [19, 0.05, 19],
    [100, 0.05, 96],
    [9, 0.1, 9],
    [20, 0.1, 19],
    [99, 0.01, 99],
    [200, 0.05, 191],
    // Too few: one past the last.
    [18, 0.05, 19],
    [8, 0.1, 9],
    [98, 0.01, 99],
    [0, 0.05, 1],
  ])('of %d episodes at alpha %d is %d', (n, alpha, rank) => {
    expect(conformalRank(n, alpha)).toBe(rank);
  });

  it.each([
    [0.1, 9],
    [0.05, 19],
    [0.01, 99],
    [0.2, 4],
    [0.5, 1],
  ])('needs, at alpha %d, %d episodes', (alpha, n) => {
    expect(episodesNeeded(alpha)).toBe(n);
    expect(
      conformalThreshold(
        Array.from({ length: n }, (_, i) => i),
        alpha,
      ),
    ).toBe(n - 1);
    expect(
      conformalThreshold(
        Array.from({ length: n - 1 }, (_, i) => i),
        alpha,
      ),
    ).toBe(Infinity);
  });

  it('takes the k-th smallest, in whatever order they come', () => {
    const levels = [5, 3, 9, 1, 7, 2, 8, 4, 6, 10, 19, 12, 13, 18, 15, 16, 17, 14, 11];
    expect(conformalThreshold(levels, 0.05)).toBe(19);
    expect(conformalThreshold(levels, 0.1)).toBe(18);
    // An episode whose score was not finite is the highest there is.
    expect(conformalThreshold([...levels.slice(1), Infinity], 0.05)).toBe(Infinity);
  });
});

describe('what it promises', () => {
  it('is 1/21 on average and under 13.9% for one set of 20 at alpha 0.05', () => {
    expect(expectedFalseAlarms(20, 0.05)).toBeCloseTo(1 / 21, 12);
    // Beta(1, 20): 1 - (1 - x)^20 = 0.95
    expect(falseAlarmBound(20, 0.05)).toBeCloseTo(1 - 0.05 ** (1 / 20), 12);
    expect(falseAlarmBound(20, 0.05)).toBeCloseTo(0.139, 3);
    // Beta(2, 1) of n = 2, alpha 2/3: x^2 = 0.95
    expect(falseAlarmBound(2, 2 / 3)).toBeCloseTo(Math.sqrt(0.95), 12);
    const x = falseAlarmBound(100, 0.05);
    expect(atLeast(5, 100, x)).toBeCloseTo(0.95, 10);
    expect(falseAlarmBound(18, 0.05)).toBe(0);
    expect(expectedFalseAlarms(18, 0.05)).toBe(0);
  });

  /** P(Binomial(n, x) >= m) by its terms, an independent route to the Beta distribution. */
  function atLeast(m: number, n: number, x: number): number {
    let sum = 0;
    for (let i = m; i <= n; i++) {
      let choose = 1;
      for (let k = 0; k < i; k++) choose *= (n - k) / (k + 1);
      sum += choose * x ** i * (1 - x) ** (n - i);
    }
    return sum;
  }

  interface Case {
    readonly n: number;
    readonly alpha: number;
    readonly m: number;
    /** 99% range of alarms on m fresh episodes, of the Beta-binomial distribution. */
    readonly range: readonly [number, number];
  }
  const cases: Case[] = [
    { n: 100, alpha: 0.05, m: 200, range: [1, 27] },
    { n: 200, alpha: 0.05, m: 200, range: [1, 23] },
    { n: 100, alpha: 0.1, m: 200, range: [5, 42] },
    { n: 20, alpha: 0.1, m: 100, range: [0, 34] },
  ];

  /** False alarms on m fresh episodes for each of 200 calibration sets; heavy tails, which a rank does not mind. */
  function alarms({ n, alpha, m }: Case, threshold: typeof conformalThreshold, seed: number): number[] {
    const random = new RandomStream(keyOf(seed));
    const level = () => Math.exp(2 * random.normal());
    return Array.from({ length: 200 }, () => {
      const limit = threshold(Array.from({ length: n }, level), alpha);
      return Array.from({ length: m }, level).filter((value) => value > limit).length;
    });
  }

  it.each(cases)('holds for n = $n, alpha = $alpha on $m fresh episodes', (at) => {
    const counts = alarms(at, conformalThreshold, 5);
    const rates = counts.map((count) => count / at.m);
    const mean = rates.reduce((a, b) => a + b) / rates.length;
    const se = Math.sqrt(rates.reduce((a, rate) => a + (rate - mean) ** 2, 0) / rates.length ** 2);
    expect(mean).toBeLessThanOrEqual(at.alpha + 2 * se);
    // Exact, not merely safe: 4 SE about (n + 1 - k) / (n + 1).
    expect(Math.abs(mean - expectedFalseAlarms(at.n, at.alpha))).toBeLessThan(4 * se);
    const [least, most] = at.range;
    const outside = counts.filter((count) => count < least || count > most).length;
    // 1% of 200 are 2; more than 8 have a probability below 1e-3.
    expect(outside).toBeLessThanOrEqual(8);
  });

  it('does not hold for the plain quantile, which a public implementation uses', () => {
    /** numpy's quantile(levels, 1 - alpha), linear between ranks. */
    const plain = (levels: readonly number[], alpha: number) => {
      const sorted = levels.toSorted((a, b) => a - b);
      const at = (1 - alpha) * (sorted.length - 1);
      const below = Math.floor(at);
      return sorted[below]! + (at - below) * ((sorted[below + 1] ?? sorted[below]!) - sorted[below]!);
    };
    const at = { n: 20, alpha: 0.05, m: 200, range: [0, 0] } as const;
    const rates = alarms(at, plain, 5).map((count) => count / at.m);
    const mean = rates.reduce((a, b) => a + b) / rates.length;
    const se = Math.sqrt(rates.reduce((a, rate) => a + (rate - mean) ** 2, 0) / rates.length ** 2);
    // Between 1/21 and 2/21, close to the latter.
    expect(mean).toBeGreaterThan(at.alpha + 2 * se);
    expect(mean).toBeGreaterThan(0.075);
    expect(mean).toBeLessThan(2 / 21 + 2 * se);
  });
});
