/** Acceptance of a changed policy: equal, better, worse, too uncertain; and which episodes are held out. */

import { describe, expect, it } from 'vitest';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { holdOut, judge, judgeEach } from '../../../policy/transfer/judge.ts';

const seed = Number(process.env.LANDFALL_TEST_SEED ?? 1);
const scores = (returns: readonly number[]) =>
  returns.map((value) => ({ return: value, success: value > 10, steps: 1000, terminated: false }));
const random = new RandomStream(keyOf(seed));
/** Episodes differ far more from each other than policies do: pairing is what makes the test sharp. */
const before = Array.from({ length: 40 }, () => 20 + 8 * random.normal());

describe('judge', () => {
  it('accepts the same policy, whatever its return', () => {
    for (const returns of [before, before.map((x) => x - 40), [0, 0, 0]]) {
      expect(judge(scores(returns), scores(returns), keyOf(1))).toMatchObject({ accepted: true, difference: 0 });
    }
  });

  it('accepts a better one and refuses a clearly worse one', () => {
    const better = judge(scores(before), scores(before.map((x) => x + 2)), keyOf(1));
    expect(better).toMatchObject({ accepted: true, pairs: 40 });
    expect(better.difference).toBeCloseTo(2, 12);
    const worse = judge(scores(before), scores(before.map((x) => x - 2)), keyOf(1));
    expect(worse.accepted).toBe(false);
    expect(worse.after).toBeCloseTo(worse.before - 2, 10);
    expect(worse.successBefore).toBe(before.filter((x) => x > 10).length / 40);
    expect(worse.successAfter).toBe(before.filter((x) => x > 12).length / 40);
  });

  it('accepts a loss within the margin of 2% and refuses one beyond it', () => {
    const size = Math.abs(before.reduce((a, b) => a + b) / 40);
    const shifted = (share: number) => judge(scores(before), scores(before.map((x) => x - share * size)), keyOf(1));
    expect(shifted(0).margin).toBeCloseTo(0.02 * size, 12);
    expect(shifted(0.019).accepted).toBe(true);
    expect(shifted(0.021).accepted).toBe(false);
  });

  it('refuses an equal mean that is too uncertain', () => {
    const noisy = before.map((x, i) => x + (i % 2 === 0 ? 10 : -10));
    const verdict = judge(scores(before), scores(noisy), keyOf(1));
    expect(verdict.difference).toBeCloseTo(0, 10);
    expect(verdict.ci90[0]).toBeLessThan(-verdict.margin);
    expect(verdict.accepted).toBe(false);
  });

  it('refuses new failures that a higher return hides', () => {
    const won = Array.from({ length: 50 }, () => ({ return: 15, success: true, steps: 1000, terminated: false }));
    const failing = (count: number) => won.map((score, i) => ({ ...score, return: 20, success: i >= count }));
    expect(judge(won, failing(0), keyOf(1))).toMatchObject({ accepted: true, successCi90: [0, 0] });
    expect(judge(won, failing(10), keyOf(1))).toMatchObject({ accepted: false, difference: 5, successAfter: 0.8 });
  });

  it('refuses what one of two simulators shows worse', () => {
    const better = scores(before.map((x) => x + 3));
    const worse = scores(before.map((x) => x - 1));
    const pair = [scores(before), scores(before)];
    expect(judgeEach(pair, [better, better], keyOf(1)).verdict).toMatchObject({ accepted: true, pairs: 80 });
    const { verdict, each } = judgeEach(pair, [better, worse], keyOf(1));
    expect(verdict.difference).toBeCloseTo(1, 10);
    expect(verdict.accepted).toBe(false);
    expect(each.map(({ accepted }) => accepted)).toEqual([true, false]);
  });

  it('refuses episodes that are no pairs', () => {
    expect(() => judge(scores([1]), scores([1, 2]), keyOf(1))).toThrow(/found 1 and 2/);
    expect(() => judge([], [], keyOf(1))).toThrow(/found 0 and 0/);
  });
});

describe('holdOut', () => {
  it('puts every episode on one side, and some on each from two on', () => {
    for (let count = 0; count < 40; count++) {
      const { train, held } = holdOut(count);
      expect([...train, ...held].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
      if (count >= 2) {
        expect(train.length).toBeGreaterThan(0);
        expect(held.length).toBeGreaterThan(0);
      }
      if (count >= 3) expect(held.length / count).toBeLessThanOrEqual(0.4);
    }
    expect(holdOut(1).held).toEqual([]);
  });
});
