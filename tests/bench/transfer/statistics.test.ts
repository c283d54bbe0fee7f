/** Statistics of the transfer protocol, against values worked out by hand. */

import { describe, expect, it } from 'vitest';
import {
  cvar,
  iqm,
  iqmOf,
  median,
  mmrv,
  pairedDifference,
  pearson,
  probabilityOfImprovement,
  stratifiedBootstrap,
  studentT975,
} from '../../../bench/transfer/statistics.ts';
import { keyOf } from '../../../core/rng.ts';
import { mean } from '../../../policy/evaluate.ts';

describe('location', () => {
  it('cuts a quarter from each end', () => {
    // -50, 1 | 2, 3, 4, 5 | 6, 100
    expect(iqm([100, 1, 3, 4, 5, 6, 2, -50])).toBe(3.5);
    expect(iqm([1, 2, 9])).toBe(4);
  });

  it('finds the median of odd and even counts', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
  });

  it('averages the worst tenth, at least one', () => {
    const values = Array.from({ length: 20 }, (_, i) => 20 - i);
    expect(cvar(values)).toBe(1.5);
    expect(cvar([5, 3, 4])).toBe(3);
  });
});

describe('the stratified bootstrap', () => {
  it('is exact where strata do not vary, however much they differ', () => {
    const { value, ci95 } = stratifiedBootstrap(
      [
        [1, 1],
        [9, 9],
      ],
      (all) => mean(all.flat()),
      keyOf(1),
    );
    // A bootstrap over all four values would reach from 1 to 9.
    expect([value, ...ci95]).toEqual([5, 5, 5]);
  });

  it('covers the normal interval of a mean', () => {
    // 0, 1 a hundred times each: the mean's deviation is 0.5 / sqrt(200) = 0.0354, its interval 0.5 +- 0.0693; the tolerance
    // is two grid steps of 1 / 200, and the quantile's own noise over 2000 draws (0.002).
    const values = Array.from({ length: 200 }, (_, i) => i % 2);
    const { ci95 } = stratifiedBootstrap([values], ([v]) => mean(v!), keyOf(2));
    expect(Math.abs(ci95[0] - 0.431)).toBeLessThan(0.012);
    expect(Math.abs(ci95[1] - 0.569)).toBeLessThan(0.012);
  });

  it('gives the same interval for the same key', () => {
    const strata = [
      [0.1, 0.5, 0.3, 0.9],
      [0.2, 0.4, 0.8, 0.6],
    ];
    expect(iqmOf(strata, keyOf(3))).toEqual(iqmOf(strata, keyOf(3)));
    expect(iqmOf(strata, keyOf(3)).value).toBeCloseTo((0.3 + 0.4 + 0.5 + 0.6) / 4, 12);
  });
});

describe('comparisons', () => {
  it('counts improved pairs, ties by half', () => {
    // 2 > 1; 2 = 2; 3 > 1; 3 > 2
    expect(probabilityOfImprovement([2, 3], [1, 2])).toBe(3.5 / 4);
    expect(probabilityOfImprovement([1, 2], [2, 3])).toBe(0.5 / 4);
  });

  it('pairs before it averages', () => {
    // Differences 1, 2, 3: mean 2, sd 1, half-width 4.3027 / sqrt(3)
    const { mean: centre, t95, bootstrap95, pairs } = pairedDifference([10, 20, 30], [11, 22, 33], keyOf(4));
    expect(centre).toBe(2);
    expect(t95[0]).toBeCloseTo(2 - 2.4842, 3);
    expect(t95[1]).toBeCloseTo(2 + 2.4842, 3);
    expect(bootstrap95[0]).toBeGreaterThanOrEqual(1);
    expect(bootstrap95[1]).toBeLessThanOrEqual(3);
    expect(pairs).toBe(3);
    expect(() => pairedDifference([1], [1, 2], keyOf(4))).toThrow(/as many/);
  });

  it('has the quantiles of the tables', () => {
    // Tables to four digits; the expansion's error at 5 degrees is 0.003.
    expect(studentT975(1)).toBeCloseTo(12.7062, 4);
    expect(studentT975(5)).toBeCloseTo(2.5706, 2);
    expect(studentT975(9)).toBeCloseTo(2.2622, 3);
    expect(studentT975(30)).toBeCloseTo(2.0423, 4);
  });
});

describe('how one domain predicts another', () => {
  it('correlates', () => {
    expect(pearson([1, 2, 3], [2, 4, 6])).toBeCloseTo(1, 12);
    expect(pearson([1, 2, 3], [3, 2, 1])).toBeCloseTo(-1, 12);
    // Deviations -1, 0, 1 and -1, 1, 0: covariance 1, both squares 2
    expect(pearson([1, 2, 3], [1, 3, 2])).toBeCloseTo(0.5, 12);
  });

  it('weighs a wrong rank by what it costs in reality', () => {
    const real = [0.9, 0.5, 0.1];
    const sim = [0.2, 0.3, 0.1];
    // The simulator swaps the first two: each loses |0.9 - 0.5|; the third is ranked right.
    expect(mmrv({ real, sim })).toBeCloseTo(0.8 / 3, 12);
    // The mutant with swapped arguments would weigh by |0.2 - 0.3|.
    expect(mmrv({ real: sim, sim: real })).toBeCloseTo(0.2 / 3, 12);
    expect(mmrv({ real, sim: [3, 2, 1] })).toBe(0);
  });

  it('counts a tie in the simulator where reality has none', () => {
    // S_1 > S_2 is false, R_1 > R_2 true; and for i = 2: false, false.
    expect(mmrv({ real: [1, 0], sim: [5, 5] })).toBe(0.5);
  });
});
