/** The selector's table field by field, its thresholds at their edges, and what it says; regret by hand. */

import { describe, expect, it } from 'vitest';
import { keyOf } from '../../../core/rng.ts';
import { LEAST_CELLS, type RegretCell, regret } from '../../../policy/transfer/regret.ts';
import { selectorThresholds, selectStrategy, type TransferFacts } from '../../../policy/transfer/selector.ts';

/** Much data, similar: each at its edge. */
const edge: TransferFacts = {
  episodes: 10,
  effectiveSteps: 650,
  headParameters: 65,
  dynamicsZ: 2,
  openLoopRatio: 1.5,
  retention: 0.2,
};
const choose = (change: Partial<TransferFacts>) => selectStrategy({ ...edge, ...change });

describe('selectStrategy', () => {
  it('reads the table', () => {
    const little = { episodes: 5 };
    const far = { dynamicsZ: 6 };
    const alien = { retention: 0.1 };
    expect(choose({})).toMatchObject({ strategy: 'full', data: 'much', likeness: 'similar' });
    expect(choose(little)).toMatchObject({ strategy: 'head', data: 'little', likeness: 'similar' });
    expect(choose(far)).toMatchObject({ strategy: 'replay', data: 'much', likeness: 'dissimilar' });
    expect(choose({ ...little, ...far })).toMatchObject({
      strategy: 'identify',
      data: 'little',
      likeness: 'dissimilar',
    });
    expect(choose(alien)).toMatchObject({ strategy: 'scratch', likeness: 'alien' });
    expect(choose({ ...little, ...alien })).toMatchObject({ strategy: 'identify', likeness: 'alien' });
  });

  it.each([
    [{ episodes: 9 }, 'data', 'little'],
    [{ effectiveSteps: 649.9 }, 'data', 'little'],
    [{ headParameters: 66 }, 'data', 'little'],
    [{ dynamicsZ: 2.01 }, 'likeness', 'dissimilar'],
    [{ openLoopRatio: 1.51 }, 'likeness', 'dissimilar'],
    [{ retention: 0.199 }, 'likeness', 'alien'],
  ] as const)('turns at the threshold: %o', (change, field, value) => {
    expect(choose({})[field]).not.toBe(value);
    expect(choose(change)[field]).toBe(value);
  });

  it('goes by what was measured, and takes what was not for dissimilar', () => {
    expect(choose({ openLoopRatio: null }).likeness).toBe('similar');
    expect(choose({ dynamicsZ: null }).likeness).toBe('similar');
    const blind = choose({ dynamicsZ: null, openLoopRatio: null, retention: null });
    expect(blind.likeness).toBe('dissimilar');
    expect(blind.reason).toContain('was not measured');
    expect(choose({ retention: null }).likeness).toBe('similar');
  });

  it('always runs doing nothing and starting from scratch beside it, each once', () => {
    expect(choose({}).arms).toEqual(['none', 'scratch', 'full']);
    expect(choose({ retention: 0 }).arms).toEqual(['none', 'scratch']);
  });

  it('says why with the numbers it went by', () => {
    const { reason, checks } = choose({ episodes: 4, effectiveSteps: 41.4, dynamicsZ: 0.3 });
    for (const text of [
      '4 episodes',
      'about 41 independent readings',
      '65 numbers',
      '650',
      '0.3 times',
      '1.50',
      '20%',
    ]) {
      expect(reason).toContain(text);
    }
    expect(reason).toContain('keep the body');
    expect(reason).toContain('doing nothing and starting from scratch');
    expect(checks.map(({ holds }) => holds)).toEqual([false, false, true, true, true]);
    expect(checks[1]!.limit).toBe(selectorThresholds.readingsPerParameter * 65);
  });
});

describe('regret', () => {
  const cell = (name: string, head: number, full: number, selected: string): RegretCell => ({
    name,
    scores: { none: 0, head, full },
    selected,
  });

  it('is what the choice lost against the best of the cell', () => {
    const report = regret([cell('a', 3, 5, 'full'), cell('b', 4, 1, 'full')], keyOf(1));
    expect(report).toMatchObject({ cells: 2, regret: 1.5, hits: 0.5, isClaimed: false });
    expect(report.always.head).toMatchObject({ regret: 1, difference: -0.5 });
    expect(report.always.full).toMatchObject({ regret: 1.5, difference: 0, ci95: [0, 0] });
    expect(report.always.none!.regret).toBe(4.5);
    // 5 - 8/3 and 4 - 5/3
    expect(report.random.regret).toBeCloseTo(7 / 3, 12);
  });

  it('claims only with enough cells and every interval clear of zero', () => {
    const cells = (count: number) =>
      Array.from({ length: count }, (_, i) =>
        i % 2 === 0 ? cell(`${i}`, 3 + (i % 5), 0, 'head') : cell(`${i}`, 0, 3 + (i % 7), 'full'),
      );
    expect(regret(cells(LEAST_CELLS), keyOf(1)).isClaimed).toBe(true);
    expect(regret(cells(LEAST_CELLS - 1), keyOf(1)).isClaimed).toBe(false);
    // As good as the best fixed choice is not better.
    const asGood = cells(40).map((c) => ({ ...c, selected: 'head' }));
    expect(regret(asGood, keyOf(1))).toMatchObject({ isClaimed: false });
    expect(regret(asGood, keyOf(1)).always.head!.ci95).toEqual([0, 0]);
  });

  it('refuses cells that cannot be compared', () => {
    expect(() => regret([], keyOf(1))).toThrow('at least one cell');
    const odd = { name: 'x', scores: { none: 1, head: 2 }, selected: 'head' };
    expect(() => regret([cell('a', 1, 2, 'full'), odd], keyOf(1))).toThrow('cell x');
    expect(() => regret([cell('a', 1, 2, 'replay')], keyOf(1))).toThrow('selected replay');
  });
});
