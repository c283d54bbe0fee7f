/** The window as a level beside the rule it stands for, counted. */

import { describe, expect, it } from 'vitest';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { AlarmWindow } from '../../../policy/guard/alarm-window.ts';

const push = (window: AlarmWindow, score: number) => {
  window.push(Float64Array.of(score), 0);
  return window.level[0]!;
};

describe('the level', () => {
  it('is over a limit exactly when w of the last W scores are', () => {
    const random = new RandomStream(keyOf(4));
    for (const rule of [
      { over: 1, of: 1 },
      { over: 3, of: 5 },
      { over: 2, of: 7 },
      { over: 4, of: 4 },
    ]) {
      const window = new AlarmWindow(rule);
      const scores: number[] = [];
      for (let t = 0; t < 300; t++) {
        // Ties too.
        scores.push(Math.round(4 * random.normal()) / 2);
        const level = push(window, scores.at(-1)!);
        for (const limit of [-1, 0, 0.25, 0.5, 1, 2]) {
          const over = scores.slice(-rule.of).filter((score) => score > limit).length >= rule.over;
          expect(level > limit).toBe(over);
        }
      }
    }
  });

  it('begins below everything and forgets at a reset', () => {
    const window = new AlarmWindow({ over: 2, of: 3 });
    expect([5, 1, 0, 0].map((score) => push(window, score))).toEqual([-Infinity, 1, 1, 0]);
    window.reset();
    expect(push(window, 9)).toBe(-Infinity);
  });

  it('is above everything at once, and stays so, when a score is not finite', () => {
    for (const bad of [NaN, Infinity]) {
      const window = new AlarmWindow({ over: 3, of: 5 });
      expect(push(window, 0)).toBe(-Infinity);
      expect(push(window, bad)).toBe(Infinity);
      expect(push(window, 0)).toBe(Infinity);
      window.reset();
      expect(push(window, 0)).toBe(-Infinity);
    }
  });
});
