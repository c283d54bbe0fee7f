/** The metrics of transfer, on figures small enough to work out by hand. */

import { describe, expect, it } from 'vitest';
import {
  areaUnder,
  asymptoticGain,
  efficiencyRatio,
  forgetting,
  forwardTransfer,
  jumpstart,
  negativeTransfer,
  normalised,
  recovery,
  timeToThreshold,
} from '../../../bench/transfer/metrics.ts';

const curve = (...points: [number, number][]) => points.map(([spent, score]) => ({ spent, score }));

describe('on one domain', () => {
  it('is 0 for the random policy and 1 for the oracle, also where returns are negative', () => {
    const reference = { random: -4, oracle: 6 };
    expect(normalised(-4, reference)).toBe(0);
    expect(normalised(6, reference)).toBe(1);
    expect(normalised(1, reference)).toBe(0.5);
  });

  it('recovers a share of the gap', () => {
    // Gap 0.5, of which 0.4 is closed.
    expect(recovery(0.9, 0.5)).toBeCloseTo(0.8, 12);
    expect(recovery(0.4, 0.5)).toBeCloseTo(-0.2, 12);
  });

  it('has nothing to recover below a gap of 0.1', () => {
    expect(recovery(1, 0.95)).toBeNull();
    expect(recovery(1, 1.2)).toBeNull();
    // A mutant that divides by J~(pi_0) would give 0.1 / 0.85 here.
    expect(recovery(0.95, 0.85)).toBeCloseTo(0.1 / 0.15, 12);
  });

  it('calls harm what is below scratch, and what is below doing nothing', () => {
    const { scratch, zero } = negativeTransfer(0.5, 0.75, 0.25);
    expect(scratch).toBe(-0.25);
    expect(zero).toBe(0.25);
  });

  it('forgets a share of what there was to forget', () => {
    // 10 -> 8, of the 8 above the random 2
    expect(forgetting(10, 8, 2)).toBe(0.25);
    expect(forgetting(10, 11, 2)).toBe(-0.125);
  });
});

describe('over target episodes', () => {
  const scratch = curve([0, 0], [10, 0.2], [20, 0.8]);
  const transfer = curve([0, 0.5], [10, 0.9], [20, 0.9]);

  it('has a start and an end', () => {
    expect(jumpstart(transfer, scratch)).toBe(0.5);
    expect(asymptoticGain(transfer, scratch)).toBeCloseTo(0.1, 12);
  });

  it('finds where a threshold is reached, or says that it was not', () => {
    expect(timeToThreshold(transfer, 0.8)).toEqual({ spent: 10, censored: false });
    expect(timeToThreshold(scratch, 0.9)).toEqual({ spent: 20, censored: true });
  });

  it('takes the ratio of episodes, as a bound where a curve was cut', () => {
    expect(efficiencyRatio(scratch, transfer, 0.8)).toEqual({ ratio: 2, bound: '=' });
    expect(efficiencyRatio(scratch, transfer, 0.9)).toEqual({ ratio: 2, bound: '>=' });
    expect(efficiencyRatio(transfer, scratch, 0.9)).toEqual({ ratio: 0.5, bound: '<=' });
    expect(efficiencyRatio(scratch, transfer, 0.95)).toEqual({ ratio: 1, bound: 'unknown' });
    // There from the start: needing one episode at most.
    expect(efficiencyRatio(scratch, transfer, 0.5)).toEqual({ ratio: 20, bound: '=' });
  });

  it('integrates by trapezia over uneven steps', () => {
    // (0 + 0.2)/2 * 10 + (0.2 + 0.8)/2 * 10 = 6 over 20
    expect(areaUnder(scratch)).toBeCloseTo(0.3, 12);
    // 0..1: 0.5; 1..5: 4 * 1; over 5
    expect(areaUnder(curve([0, 0], [1, 1], [5, 1]))).toBeCloseTo(0.9, 12);
    // Transfer: 7 + 9 = 16 over 20 = 0.8; (0.8 - 0.3) / 0.7
    expect(forwardTransfer(transfer, scratch)).toBeCloseTo(0.5 / 0.7, 12);
  });
});
