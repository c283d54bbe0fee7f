/** The figures of part `twin` from a study small enough to work out by hand: two targets, two seeds, one gap. */

import { describe, expect, it } from 'vitest';
import type { CellFacts, Recovered, TaskStudy, ZeroShot } from '../../../bench/transfer/study-rows.ts';
import { twinFigures } from '../../../bench/transfer/twin-figures.ts';
import { twinTable } from '../../../bench/transfer/twin-table.ts';

const zero = (target: string, seed: number, source: ZeroShot['source'], score: number): ZeroShot => ({
  target,
  seed,
  source,
  returns: [score, score],
  success: Number(score > 8),
});

const row = (arm: string, target: string, seed: number, score: number, more: Partial<Recovered> = {}): Recovered => ({
  target,
  seed,
  arm,
  episodes: 10,
  source: 'randomised',
  returns: [score - 1, score + 1],
  success: 0,
  accepted: true,
  home: 9,
  ...more,
});

/** References are 0 and 10 everywhere, so that a return of 5 is a score of 0.5. */
const study: TaskStudy = {
  task: 'pendulum',
  size: {
    seeds: 2,
    budgets: [10],
    evalEpisodes: 2,
    oracleIterations: 1,
    iterations: 1,
    judgePairs: 2,
    onlineBudget: 20,
  },
  targets: [
    { name: 'source', kind: 'source' },
    { name: 'twin', kind: 'parametric' },
    { name: 'easy', kind: 'parametric' },
    { name: 'hard', kind: 'structural' },
  ],
  references: Object.fromEntries(['source', 'twin', 'easy', 'hard'].map((name) => [name, { random: 0, oracle: 10 }])),
  zeroShot: [1, 2].flatMap((seed) => [
    zero('source', seed, 'randomised', 10),
    zero('source', seed, 'fixed', 9 + 0.1 * seed),
    zero('source', seed, 'shuffled', 0),
    zero('twin', seed, 'randomised', 10),
    zero('twin', seed, 'fixed', 8),
    zero('twin', seed, 'shuffled', 0),
    zero('easy', seed, 'randomised', 10),
    zero('easy', seed, 'fixed', 8),
    zero('easy', seed, 'shuffled', 0),
    zero('hard', seed, 'randomised', 5),
    zero('hard', seed, 'fixed', 2),
    zero('hard', seed, 'shuffled', 0),
  ]),
  recovered: [
    // Closes 3 of 5; and makes it worse by 1, which the judge sees.
    row('head', 'hard', 1, 8, { home: 8.5 }),
    row('head', 'hard', 2, 4, { accepted: false, home: 8.5 }),
    row('full', 'hard', 1, 9),
    row('full', 'hard', 2, 8),
    ...[1, 2].flatMap((seed) => [
      row('l2sp', 'hard', seed, 6),
      row('rlpd', 'hard', seed, 7, { accepted: null }),
      row('scratch', 'hard', seed, 3, { accepted: null }),
      row('scratch', 'hard', seed, 8.5, { accepted: null, episodes: 20 }),
      row('head', 'source', seed, 9.9),
    ]),
    row('full', 'hard', 1, 1, { source: 'shuffled' }),
  ],
  facts: [1, 2].flatMap((seed): CellFacts[] => [
    { target: 'source', seed, episodes: 10, learned: 7, effectiveSteps: 100, nominalError: 0.1 },
    { target: 'hard', seed, episodes: 10, learned: 7, effectiveSteps: 100, nominalError: seed === 1 ? 0.9 : 0.1 },
  ]),
  headParameters: 65,
  home: [9, 9],
  homeRandom: 4,
};

describe('the figures', () => {
  const figures = twinFigures(study);

  it('keep source and plain twin out of the test targets', () => {
    // 1, 1, 0.5, 0.5 of two seeds; interquartile: 0.5 and 1
    expect(figures.retention).toBe(0.75);
    expect(figures.randomisation.fixed.value).toBe(0.5);
    // Differences 0.2, 0.2, 0.3, 0.3
    expect(figures.randomisation.difference.mean).toBeCloseTo(0.25, 12);
    expect(figures.randomisation.probabilityOfImprovement).toBe(1);
    expect(figures.targets.hard).toMatchObject({ kind: 'structural', retention: 0.5, fixed: 0.2, success: 0 });
  });

  it('recover shares of the gap, and again after the roll-back', () => {
    expect(figures.gapCells).toEqual({ '10': 2 });
    // 3/5 and -1/5
    expect(figures.recovery.head!['10']).toBeCloseTo(0.2, 12);
    expect(figures.kept.head!['10']).toBeCloseTo(0.3, 12);
    expect(figures.accepted.head!['10']).toBeCloseTo(3 / 4, 12);
    expect(figures.recovery.full!['10']).toBeCloseTo(0.7, 12);
    expect(figures.recoveryCi95.full!['10']).toEqual([expect.closeTo(0.6, 9), expect.closeTo(0.8, 9)]);
  });

  it('say what was forgotten and where harm was done', () => {
    // (9 - 8.5) / (9 - 4) twice and 0 twice: median 0.05
    expect(figures.forgetting.head!['10']).toBeCloseTo(0.05, 12);
    const harm = figures.negativeTransfer.head!['10']!;
    expect(harm.zeroUnjudged).toBeCloseTo(0.1, 12);
    // Rolled back on `hard`; on the source itself the change of -0.01 was kept.
    expect(harm.zero).toBeCloseTo(0.01, 12);
    // Scratch 0.3 against what was kept, 0.5 at worst
    expect(harm.scratch).toBeCloseTo(-0.2, 12);
    expect(figures.lines.A4!.holds).toBe(true);
  });

  it('compare with learning from nothing', () => {
    // Scratch is at 0.8 after 20. `full` after 10 in both cells; `head` in one, in the other never.
    const cells = { '=': 2, '>=': 0, '<=': 0, unknown: 0 };
    expect(figures.efficiency.full).toEqual({ median: 2, ci95: [2, 2], cells });
    // At least 2 and at least nothing.
    expect(figures.efficiency.head!.median).toBe(1);
    expect(figures.efficiency.head!.cells).toEqual({ '=': 1, '>=': 0, '<=': 1, unknown: 0 });
  });

  it('judge the selector by what it chose', () => {
    // Little data; seed 1 nine times the simulator's own error: identify, which `full` stands for; seed 2 alike: the head.
    expect(figures.selector.cells.map(({ selected }) => selected)).toEqual(['full', 'head']);
    // 0, and 0.8 - 0.4
    expect(figures.selector.report!.regret).toBeCloseTo(0.2, 12);
    expect(figures.lines.A7!.holds).toBe(false);
  });

  it('report the controls', () => {
    expect(figures.controls.sourceIsTarget.retention).toBe(1);
    expect(figures.controls.sourceIsTarget.change.head).toBeCloseTo(-0.01, 12);
    expect(figures.lines['B = A']).toEqual({ holds: true, found: 'retention 1.00, worst change that was kept -0.010' });
    expect(figures.controls.shuffled).toEqual({ retention: 0, afterArm: { full: 0.1 } });
    expect(figures.predictivity.policies).toBe(6);
    expect(figures.predictivity.pearson).toBeGreaterThan(0.9);
  });

  it('draw the lines', () => {
    expect(figures.lines.A1).toEqual({ holds: true, found: 'median retention 0.75' });
    // 0.6 and 0.8: t with one degree is as wide as the sky.
    expect(figures.lines.A2!.holds).toBe(false);
    expect(figures.lines.A2!.found).toContain('best arm full: median R@10 0.70, interval above 0 on 0 of 1');
    expect(figures.lines.A3!.holds).toBe(false);
  });

  it('fit in a table', () => {
    const text = twinTable('pendulum', figures);
    expect(text).toContain('| hard | structural | 0.00 | 10.00 | 0.50 | 0.20 | 0.00 |');
    expect(text).toMatch(/\| full \| 0\.70 \(0\.60 to 0\.80\) \|/);
  });
});
