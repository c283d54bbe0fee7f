/** MMD, CORAL, Frechet and the proxy A-distance against closed forms, hand-computed sets and permuted labels. */

import { describe, expect, it } from 'vitest';
import { foldIn, keyOf, RandomStream } from '../../../core/rng.ts';
import { areaUnderCurve, proxyADistance } from '../../../policy/similarity/domain-classifier.ts';
import {
  coralDistance,
  frechetDistance,
  momentsOf,
  symmetricRoot,
} from '../../../policy/similarity/gaussian-distances.ts';
import {
  type GroupedRows,
  groupRows,
  pickEpisodes,
  projected,
  scaleOf,
  standardised,
  thinRows,
} from '../../../policy/similarity/grouped-rows.ts';
import { BANDWIDTHS, bandwidthOf, mmd2, mmdTest } from '../../../policy/similarity/mmd.ts';
import { calibrated, judged } from '../../../policy/similarity/null-calibration.ts';
import { correlatedRows, normalRows } from './domains.ts';

const seed = Number(process.env.LANDFALL_TEST_SEED ?? 1);

describe('GroupedRows', () => {
  const data = groupRows([
    [
      [1, 10, 5],
      [3, 10, 5],
    ],
    [[5, 10, 5]],
  ]);

  it('picks episodes in the order given and numbers them anew', () => {
    const picked = pickEpisodes(data, [1, 0]);
    expect([...picked.rows]).toEqual([5, 10, 5, 1, 10, 5, 3, 10, 5]);
    expect([...picked.episode]).toEqual([0, 1, 1]);
  });

  it('standardises with the source, keeps a column that the target alone moves, drops one that none moves', () => {
    const target = groupRows([
      [
        [3, 12, 5],
        [3, 14, 5],
      ],
    ]);
    const scale = scaleOf(data, target);
    expect(scale.columns).toEqual([0, 1]);
    expect(scale.sd[0]).toBeCloseTo(Math.sqrt(8 / 3), 12);
    // 12 and 14: sd 1 about the source's 10.
    expect([...standardised(target, scale).rows]).toEqual([0, 2, 0, 4]);
  });

  it('thins evenly, and projects on axes at right angles', () => {
    const many = normalRows(4, 50, [0, 0, 0], [1, 1, 1], seed);
    const thin = thinRows(many, 40);
    expect([0, 1, 2, 3].map((e) => thin.episode.filter((x) => x === e).length)).toEqual([10, 10, 10, 10]);
    const turned = projected(many, 2, keyOf(seed));
    expect(turned.dim).toBe(2);
    // No projection is longer than the row.
    const norm = ({ rows, dim }: GroupedRows, i: number) => Math.hypot(...rows.subarray(i * dim, (i + 1) * dim));
    for (let i = 0; i < 200; i++) expect(norm(turned, i)).toBeLessThanOrEqual(norm(many, i) + 1e-6);
  });
});

describe('MMD', () => {
  it('is the textbook sum over pairs', () => {
    const x = groupRows([[[0], [1]], [[3]]]);
    const y = groupRows([[[2]], [[2.5]]]);
    const k = (a: number, b: number) =>
      BANDWIDTHS.reduce((sum, width) => sum + Math.exp(-((a - b) ** 2) / (2 * width * 1.7)), 0) / BANDWIDTHS.length;
    const xx = (2 * (k(0, 1) + k(0, 3) + k(1, 3))) / 6;
    const yy = k(2, 2.5);
    const xy = [0, 1, 3].reduce((sum, a) => sum + k(a, 2) + k(a, 2.5), 0) / 6;
    expect(mmd2(x, y, 1.7)).toBeCloseTo(xx + yy - 2 * xy, 12);
  });

  it(`agrees with the closed form for two normals, seed ${seed}`, () => {
    // E k for x ~ N(m, 1), y ~ N(0, 1), kernel exp(-d^2 / 2 w): d ~ N(m, 2), so sqrt(w / (w + 2)) exp(-m^2 / (2 (w + 2))).
    const shift = 0.8;
    const bandwidth = 2;
    const e = (m: number) =>
      BANDWIDTHS.reduce((sum, width) => {
        const w = width * bandwidth;
        return sum + Math.sqrt(w / (w + 2)) * Math.exp((-m * m) / (2 * (w + 2)));
      }, 0) / BANDWIDTHS.length;
    const truth = 2 * e(0) - 2 * e(shift);
    const found = mmd2(normalRows(10, 80, [0], [1], seed), normalRows(10, 80, [shift], [1], seed + 1), bandwidth);
    // 800 rows a side: the estimate's standard deviation is about .01 at this distance.
    expect(truth).toBeCloseTo(0.0948, 4);
    expect(Math.abs(found - truth)).toBeLessThan(0.03);
  });

  it('is unbiased: zero on average for equal domains, of either sign', () => {
    const values = Array.from({ length: 40 }, (_, i) =>
      mmd2(normalRows(4, 5, [0], [1], 100 + i), normalRows(4, 5, [0], [1], 900 + i), 2),
    );
    const mean = values.reduce((a, b) => a + b) / 40;
    const sd = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 39);
    expect(Math.abs(mean)).toBeLessThan((3 * sd) / Math.sqrt(40));
    expect(values.some((v) => v < 0)).toBe(true);
  });

  it('permutes episodes, so that correlated steps are no evidence', () => {
    // Between 20 pairs of equal domains a p below .05 is expected once; 5 or more has a chance of .003.
    const p = Array.from({ length: 20 }, (_, i) => {
      const x = correlatedRows(8, 30, 2, 0.98, 2 * i + 1);
      const y = correlatedRows(8, 30, 2, 0.98, 2 * i + 2);
      return mmdTest(x, y, bandwidthOf(x), 200, keyOf(i)).p;
    });
    expect(p.filter((value) => value < 0.05).length).toBeLessThan(5);
    const x = normalRows(8, 30, [0, 0], [1, 1], seed);
    expect(mmdTest(x, normalRows(8, 30, [1, 0], [1, 1], seed + 1), bandwidthOf(x), 200, keyOf(1)).p).toBeLessThan(0.01);
  });

  it('takes the median distance of the source for its bandwidth', () => {
    // |x - y| of two unit normals has median .6745 sqrt 2: squared .910.
    expect(bandwidthOf(normalRows(50, 20, [0], [1], seed))).toBeCloseTo(0.91, 0);
    expect(
      bandwidthOf(normalRows(50, 20, [0], [3], seed)) / bandwidthOf(normalRows(50, 20, [0], [1], seed)),
    ).toBeCloseTo(9, 6);
  });
});

describe('distances of moments', () => {
  const of = (mean: number[], covariance: number[]) => ({
    dim: mean.length,
    mean: Float64Array.from(mean),
    covariance: Float64Array.from(covariance),
  });

  it('computes moments by hand', () => {
    const { mean, covariance } = momentsOf(
      groupRows([
        [
          [1, 2],
          [3, 6],
        ],
        [[5, 4]],
      ]),
    );
    expect([...mean].map((x) => Math.round(x * 1e12) / 1e12)).toEqual([3, 4]);
    // deviations (-2,-2), (0,2), (2,0) over 2
    expect([...covariance].map((x) => Math.round(x * 1e12) / 1e12)).toEqual([4, 2, 2, 4]);
  });

  it('CORAL: ||C_S - C_T||^2 / 4 d^2, blind to the mean', () => {
    // differences 1, 1, 1, 2: 7 / 16
    expect(coralDistance(of([0, 0], [1, 0, 0, 1]), of([9, 9], [2, 1, 1, 3]))).toBeCloseTo(7 / 16, 12);
  });

  it('Frechet: diagonal, rotated and one-dimensional closed forms', () => {
    // (1 - 3)^2 + (2 - 5)^2
    expect(frechetDistance(of([1], [4]), of([3], [25]))).toBeCloseTo(13, 10);
    // Commuting covariances: sum over axes of (sqrt a - sqrt b)^2 = (1 - 2)^2 + (3 - 1)^2
    expect(frechetDistance(of([0, 0], [1, 0, 0, 9]), of([0, 0], [4, 0, 0, 1]))).toBeCloseTo(5, 10);
    // Ones that do not commute. 2x2: Tr sqrt(M) = sqrt(Tr M + 2 sqrt(det M)), M = S T.
    const [s, t] = [of([0, 0], [2, 1, 1, 2]), of([0, 0], [3, 0, 0, 1])];
    const root = Math.sqrt(2 * 3 + 2 * 1 + 2 * Math.sqrt(3 * 3));
    expect(frechetDistance(s, t)).toBeCloseTo(4 + 4 - 2 * root, 10);
    expect(frechetDistance(s, s)).toBeCloseTo(0, 10);
  });

  it('a root squared is the matrix', () => {
    const a = [4, 1, 0.5, 1, 3, 0.2, 0.5, 0.2, 2];
    const r = symmetricRoot(a, 3);
    for (let i = 0; i < 9; i++) {
      let sum = 0;
      for (let k = 0; k < 3; k++) sum += r[Math.floor(i / 3) * 3 + k]! * r[k * 3 + (i % 3)]!;
      expect(sum).toBeCloseTo(a[i]!, 10);
    }
  });
});

describe('proxy A-distance', () => {
  it('ranks by hand, ties counted half', () => {
    expect(areaUnderCurve([1, 2], [3, 4])).toBe(1);
    expect(areaUnderCurve([3, 4], [1, 2])).toBe(0);
    // (2 > 1), (2 = 2), (3 > both)
    expect(areaUnderCurve([1, 2], [2, 3])).toBe(3.5 / 4);
    expect(areaUnderCurve([1, 1], [1, 1])).toBe(0.5);
  });

  it('agrees with the best classifier of two normals', () => {
    // Shift 1: AUC = Phi(1 / sqrt 2) = .760, error = Phi(-1/2) = .3085, proxy A = .766. 2000 held-out rows: +-.02.
    const { auc, proxyA } = proxyADistance(
      normalRows(20, 50, [0, 0], [1, 1], seed),
      normalRows(20, 50, [1, 0], [1, 1], seed + 1),
      keyOf(1),
    );
    expect(auc).toBeCloseTo(0.76, 1);
    expect(Math.abs(auc - 0.76)).toBeLessThan(0.03);
    expect(Math.abs(proxyA - 0.766)).toBeLessThan(0.09);
  });

  it('weighs both domains alike: twenty times as many source rows change nothing', () => {
    const { error } = proxyADistance(
      normalRows(40, 100, [0], [1], seed),
      normalRows(10, 20, [1], [1], seed + 1),
      keyOf(1),
    );
    expect(Math.abs(error - 0.3085)).toBeLessThan(0.06);
  });

  it('says .5 +- .05 where the labels are permuted, though steps of an episode are alike', () => {
    // Episodes that differ much from each other: what leaks within an episode would show.
    const all = correlatedRows(60, 20, 3, 0.95, seed);
    const random = new RandomStream(keyOf(7));
    const order = new Int32Array(60);
    let sum = 0;
    const draws = 20;
    for (let i = 0; i < draws; i++) {
      random.permutation(order);
      const [a, b] = [[...order.subarray(0, 30)], [...order.subarray(30)]];
      sum += proxyADistance(pickEpisodes(all, a), pickEpisodes(all, b), foldIn(keyOf(1), i)).auc / draws;
    }
    expect(Math.abs(sum - 0.5)).toBeLessThan(0.05);
  });

  it('refuses to hold out the only episode', () => {
    expect(() => proxyADistance(normalRows(1, 9, [0], [1], 1), normalRows(5, 9, [0], [1], 2), keyOf(1))).toThrow(
      '2 episodes',
    );
  });
});

describe('null calibration', () => {
  const frechet = (a: GroupedRows, b: GroupedRows) => frechetDistance(momentsOf(a), momentsOf(b));

  it('judges by hand', () => {
    const found = judged(8, [1, 2, 3, 4, 5]);
    expect(found).toMatchObject({ nullMean: 3, q95: 5, isSimilar: false });
    expect(found.z).toBeCloseTo(5 / Math.sqrt(2.5), 12);
    expect(judged(5, [1, 2, 3, 4, 5]).isSimilar).toBe(true);
    expect(judged(0.3, [0, 0, 0], 0.1).z).toBeCloseTo(3, 12);
  });

  it('calls equal domains similar and shifted ones not, at every size of the target', async () => {
    const source = correlatedRows(40, 40, 2, 0.9, 1);
    for (const episodes of [2, 8, 16]) {
      const equal = await calibrated(
        frechet,
        source,
        correlatedRows(episodes, 40, 2, 0.9, 2),
        { splits: 30 },
        keyOf(1),
      );
      expect(equal.z).toBeLessThan(2);
      const moved = correlatedRows(episodes, 40, 2, 0.9, 3);
      const far = await calibrated(
        frechet,
        source,
        { ...moved, rows: moved.rows.map((x) => x + 2) },
        { splits: 30 },
        keyOf(1),
      );
      expect(far).toMatchObject({ isSimilar: false });
      expect(far.z).toBeGreaterThan(2);
    }
  });

  it('knows that equal domains look further apart the smaller the sample is', async () => {
    const source = correlatedRows(40, 40, 2, 0.9, 1);
    const [few, many] = [
      await calibrated(frechet, source, correlatedRows(2, 40, 2, 0.9, 12), { splits: 30 }, keyOf(1)),
      await calibrated(frechet, source, correlatedRows(16, 40, 2, 0.9, 12), { splits: 30 }, keyOf(1)),
    ];
    expect(few.nullMean).toBeGreaterThan(2 * many.nullMean);
  });

  it('refuses a source too small to split', async () => {
    await expect(
      calibrated(frechet, normalRows(5, 9, [0], [1], 1), normalRows(3, 9, [0], [1], 2), { splits: 5 }, keyOf(1)),
    ).rejects.toThrow('twice');
  });
});
