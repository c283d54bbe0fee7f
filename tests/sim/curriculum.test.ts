/** Levels: the rule by hand, the random level after the last, and independence of who steps which environment. */

import { describe, expect, it } from 'vitest';
import { foldIn, keyOf, RandomStream } from '../../core/rng.ts';
import {
  type CurriculumRule,
  commandRange,
  difficultyOf,
  firstLevel,
  nextLevel,
  TERRAIN_RULE,
} from '../../sim/curriculum.ts';

const seed = Number(process.env.LANDFALL_TEST_SEED ?? 1);
const random = new RandomStream(keyOf(seed));
const next = (level: number, success: boolean, progress: number, rule: CurriculumRule = TERRAIN_RULE) =>
  nextLevel(rule, level, { success, progress }, random);

describe('nextLevel', () => {
  it('goes up on success, down below half the progress, and else stays', () => {
    expect(next(3, true, 1)).toBe(4);
    // Half a tile walked counts, even where more was asked for.
    expect(next(3, true, 0.2)).toBe(4);
    expect(next(3, false, 0.49)).toBe(2);
    expect(next(3, false, 0.5)).toBe(3);
    expect(next(3, false, 0.9)).toBe(3);
  });

  it('stays at the first level however bad it goes', () => {
    expect(next(0, false, 0)).toBe(0);
  });

  it(`after the last level draws any of them alike, seed ${seed}`, () => {
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < 10_000; i++) counts[next(9, true, 1)]!++;
    // 1000 +- 5 standard deviations of sqrt(10000 * 0.1 * 0.9) = 30.
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  it('draws nothing but after the last level, so that other draws of the stream stay where they are', () => {
    const [a, b] = [new RandomStream(keyOf(seed)), new RandomStream(keyOf(seed))];
    nextLevel(TERRAIN_RULE, 2, { success: true, progress: 1 }, a);
    nextLevel(TERRAIN_RULE, 2, { success: false, progress: 0 }, a);
    expect(a.uniform()).toBe(b.uniform());
  });

  it(`gives the same levels for 1, 2 and 4 workers, seed ${seed}`, () => {
    // Skill 0.75: a level is managed while its difficulty and some luck are below it.
    const play = (id: number, episodes: number) => {
      const key = foldIn(keyOf(seed), id);
      const stream = new RandomStream(key);
      let level = firstLevel(TERRAIN_RULE, stream);
      const levels = [level];
      for (let k = 0; k < episodes; k++) {
        stream.resetFolded(key, k);
        const margin = 0.75 - difficultyOf(TERRAIN_RULE, level) + stream.between(-0.3, 0.3);
        level = nextLevel(TERRAIN_RULE, level, { success: margin > 0, progress: 1 + margin }, stream);
        levels.push(level);
      }
      return levels;
    };
    const train = (workers: number) => {
      const all: number[][] = [];
      for (let w = 0; w < workers; w++) for (let id = w; id < 16; id += workers) all[id] = play(id, 50);
      return all;
    };
    const levels = train(1);
    expect(train(2)).toEqual(levels);
    expect(train(4)).toEqual(levels);
    for (const history of levels) {
      for (const level of history) expect(Number.isInteger(level) && level >= 0 && level < 10).toBe(true);
    }
    // They settle where success is as likely as failure, level 0.75 * 9 = 6.75.
    const last = levels.map((history) => history.slice(20).reduce((sum, x) => sum + x, 0) / 31);
    expect(last.reduce((sum, x) => sum + x, 0) / 16).toBeGreaterThan(5.5);
  });
});

describe('levels', () => {
  it('start at random up to the highest start', () => {
    const starts = Array.from({ length: 200 }, () => firstLevel(TERRAIN_RULE, random));
    expect(new Set(starts)).toEqual(new Set([0, 1, 2, 3, 4, 5]));
    const short = { ...TERRAIN_RULE, levels: 2 };
    expect(Math.max(...Array.from({ length: 50 }, () => firstLevel(short, random)))).toBe(1);
  });

  it('become a difficulty from 0 to 1 and a command between its first and last range', () => {
    expect(difficultyOf(TERRAIN_RULE, 0)).toBe(0);
    expect(difficultyOf(TERRAIN_RULE, 9)).toBe(1);
    expect(difficultyOf({ ...TERRAIN_RULE, levels: 1 }, 0)).toBe(1);
    expect(commandRange([-0.1, 0.1], [-1.1, 1.1], 0.5)).toEqual([expect.closeTo(-0.6, 12), expect.closeTo(0.6, 12)]);
  });
});
