/** Steps to the score against from scratch, from learning curves worked out by hand. */

import { describe, expect, it } from 'vitest';
import type { LearningRun } from '../../../bench/transfer/reuse-study.ts';
import { pairFigures } from '../../../bench/transfer/tasks-part.ts';

const run = (arm: string, seed: number, ...points: [number, number][]): LearningRun => ({
  arm,
  seed,
  curve: points.map(([steps, meanReturn]) => ({ steps, meanReturn, success: 0 })),
});

describe('the figures of a pair', () => {
  // Floor 0, best 10: the bar is 8.
  const figures = pairFigures([
    run('scratch', 1, [100, 0], [200, 5], [300, 8], [400, 10]),
    run('scratch', 2, [100, 0], [200, 2], [300, 4], [400, 10]),
    run('full', 1, [100, 8]),
    run('full', 2, [100, 6], [200, 9]),
    run('head', 1, [100, 1], [200, 2]),
    run('head', 2, [100, 8], [200, 8], [300, 8], [400, 8]),
  ]);

  it('put the bar between a random policy and the best of scratch', () => {
    expect(figures.bar).toBe(8);
    expect(figures.seeds).toBe(2);
  });

  it('count steps to the bar', () => {
    expect(figures.arms.scratch!.steps).toEqual([300, 400]);
    expect(figures.arms.full!.steps).toEqual([100, 200]);
    expect(figures.arms.head!.steps).toEqual([null, 100]);
  });

  it('pair the seeds, and give nothing for what never got there', () => {
    // 300/100 and 400/200
    expect(figures.arms.full!.ratio).toBe(2.5);
    // 0 and 400/100
    expect(figures.arms.head!.ratio).toBe(2);
    expect(figures.arms.head!.bounds).toEqual(['<=', '=']);
    expect(figures.arms.scratch!.ratio).toBe(1);
  });

  it('compare areas over the steps that both took', () => {
    // Head, seed 1: (0.1 + 0.2)/2 against (0 + 0.5)/2, so (0.15 - 0.25)/0.75. Seed 2: 0.8 against a mean of 0.1, 0.3, 0.7.
    const second = (0.8 - 1.1 / 3) / (1 - 1.1 / 3);
    expect(figures.arms.head!.forwardTransfer).toBeCloseTo((-0.1 / 0.75 + second) / 2, 12);
    // Full, seed 1, has a single point.
    expect(figures.arms.full!.forwardTransfer).toBeCloseTo((0.75 - 0.1) / 0.9, 12);
  });
});
