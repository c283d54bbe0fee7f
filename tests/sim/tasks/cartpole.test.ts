/** The two cart-pole tasks: rewards, starts, ends and success by hand. */

import { describe, expect, it } from 'vitest';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { EMPTY_SCENE } from '../../../sim/scene.ts';
import type { TaskDefinition } from '../../../sim/task.ts';
import { cartpoleBalance } from '../../../sim/tasks/cartpole-balance.ts';
import { cartpoleSwingup } from '../../../sim/tasks/cartpole-swingup.ts';
import { ends, rewardOf, viewOf } from './poles.ts';

const UP = Math.PI;

/** Largest |x|, |angle from `centre`|, |xd|, |angle rate| and the mean x over `n` starts. */
function starts(task: TaskDefinition, training: boolean, centre: number, n = 2000) {
  const random = new RandomStream(keyOf(3));
  const largest = [0, 0, 0, 0];
  let mean = 0;
  for (let i = 0; i < n; i++) {
    const out = {
      q: new Float64Array(2),
      qd: new Float64Array(2),
      base: new Float64Array(7),
      twist: new Float64Array(6),
    };
    task.start(random, training, out, EMPTY_SCENE);
    const values = [out.q[0]!, out.q[1]! - centre, out.qd[0]!, out.qd[1]!];
    for (const [k, v] of values.entries()) largest[k] = Math.max(largest[k]!, Math.abs(v));
    mean += out.q[0]! / n;
  }
  return { largest, mean };
}

describe('cartpole-balance', () => {
  it('pays 1 a second for standing in the middle, less off it', () => {
    expect(rewardOf(cartpoleBalance, viewOf([0, UP]))).toBeCloseTo(1, 12);
    // 1 - 10 0.1^2 - 0.1 1^2
    expect(rewardOf(cartpoleBalance, viewOf([1, UP + 0.1]))).toBeCloseTo(0.8, 12);
    // 1 - 0.05 0.5^2 - 0.02 1^2
    expect(rewardOf(cartpoleBalance, viewOf([0, UP], [0, 0], 0.5, -0.5))).toBeCloseTo(0.9675, 12);
  });

  it('never pays for ending: the worst it can be is still above 0 at rest', () => {
    // At 12 degrees and the end of the rail: 1 - 10 0.209^2 - 0.1 2.35^2 = 0.009
    expect(rewardOf(cartpoleBalance, viewOf([2.35, UP + 0.2094]))).toBeGreaterThan(0);
  });

  it('ends at 12 degrees and before the rail does', () => {
    expect(ends(cartpoleBalance, viewOf([2.3, UP - 0.2]))).toEqual([]);
    expect(ends(cartpoleBalance, viewOf([0, UP - 0.21]))).toEqual(['fallen']);
    expect(ends(cartpoleBalance, viewOf([-2.36, UP]))).toEqual(['rail']);
  });

  it('succeeds within 6 degrees and 1 m', () => {
    expect(cartpoleBalance.success.test(viewOf([0.9, UP - 0.1]))).toBe(true);
    expect(cartpoleBalance.success.test(viewOf([0.9, UP - 0.11]))).toBe(false);
    expect(cartpoleBalance.success.test(viewOf([-1.1, UP]))).toBe(false);
  });

  it('starts upright, in training twice as far', () => {
    for (const [training, factor] of [
      [false, 1],
      [true, 2],
    ] as const) {
      const { largest, mean } = starts(cartpoleBalance, training, UP);
      for (const [k, bound] of [0.5, 0.05, 0.2, 0.2].entries()) {
        expect(largest[k]!).toBeLessThanOrEqual(bound * factor + 1e-12);
        // The largest of 2,000 uniform draws is within 1% of the bound but once in e^20.
        expect(largest[k]!).toBeGreaterThan(0.99 * bound * factor);
      }
      // Four standard errors of a uniform mean: 4 / sqrt(3 * 2000).
      expect(Math.abs(mean)).toBeLessThan(0.5 * factor * 0.052);
    }
  });
});

describe('cartpole-swingup', () => {
  it('pays for energy, and much for standing still', () => {
    expect(rewardOf(cartpoleSwingup, viewOf([0, 0]))).toBeCloseTo(0, 12);
    // Level and still: half the energy of standing.
    expect(rewardOf(cartpoleSwingup, viewOf([0, Math.PI / 2]))).toBeCloseTo(0.5, 6);
    // Through the bottom with all of it: qd^2 = 6 g for a pole 1 m long. With twice the surplus: nothing.
    expect(rewardOf(cartpoleSwingup, viewOf([0, 0], [0, Math.sqrt(6 * 9.81)]))).toBeCloseTo(1, 6);
    expect(rewardOf(cartpoleSwingup, viewOf([0, 0], [0, Math.sqrt(12 * 9.81)]))).toBeCloseTo(0, 6);
    expect(rewardOf(cartpoleSwingup, viewOf([0, UP]))).toBeCloseTo(4, 12);
    // Standing on the next turn is standing; 0.3 rad off: (1 + cos 0.3) / 2 + 3 / e
    expect(rewardOf(cartpoleSwingup, viewOf([0, 3 * UP - 0.3]))).toBeCloseTo((1 + Math.cos(0.3)) / 2 + 3 / Math.E, 9);
    // 4 - 3 (1 - 1 / e) - 0.15 and a surplus of energy, 4 / (6 g): 2 rad/s, 1 m off
    const moving = 4 - 3 * (1 - 1 / Math.E) - 0.15 - 4 / (6 * 9.81);
    expect(rewardOf(cartpoleSwingup, viewOf([1, UP], [0, 2]))).toBeCloseTo(moving, 9);
  });

  it('ends at the rail and at a fault of the hinge, never for hanging', () => {
    expect(ends(cartpoleSwingup, viewOf([0, 0], [0, -19.9]))).toEqual([]);
    expect(ends(cartpoleSwingup, viewOf([2.36, 0], [0, -20.1]))).toEqual(['rail', 'overspeed']);
  });

  it('ends when the pole has gone around', () => {
    expect(ends(cartpoleSwingup, viewOf([0, -6.28]))).toEqual([]);
    expect(ends(cartpoleSwingup, viewOf([0, 6.29]))).toEqual(['wound']);
  });

  it('succeeds standing and slow', () => {
    expect(cartpoleSwingup.success.test(viewOf([2, -UP + 0.19], [0, 0.9]))).toBe(true);
    expect(cartpoleSwingup.success.test(viewOf([0, UP - 0.21]))).toBe(false);
    expect(cartpoleSwingup.success.test(viewOf([0, UP], [0, 1.1]))).toBe(false);
  });

  it('is judged from hanging, and trained from anywhere', () => {
    expect(starts(cartpoleSwingup, false, 0).largest[1]!).toBeLessThanOrEqual(0.1);
    expect(starts(cartpoleSwingup, true, 0).largest[1]!).toBeGreaterThan(3);
  });
});
