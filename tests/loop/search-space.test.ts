/** What a sweep varies: the words it understands, those it refuses, and what it draws from them. */

import { describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { keyOf } from '../../core/rng.ts';
import { combinations, parseSpace, sampleTrials } from '../../loop/search-space.ts';

const seed = 1;

describe('parseSpace', () => {
  it('tells choices, ranges and settings that stay', () => {
    const { parameters, fixed } = parseSpace([
      'a=[1,2.5]',
      'b=log(1e-4,1e-2)',
      'c=uniform(-1,1)',
      'd=int(2,8)',
      'e=3',
      'f=[tanh, elu]',
      'network.hidden=[[64,64],[8]]',
      'h=login',
    ]);
    expect(parameters).toEqual([
      { key: 'a', kind: 'choice', values: [1, 2.5] },
      { key: 'b', kind: 'log', low: 1e-4, high: 1e-2 },
      { key: 'c', kind: 'uniform', low: -1, high: 1 },
      { key: 'd', kind: 'int', low: 2, high: 8 },
      { key: 'f', kind: 'choice', values: ['tanh', 'elu'] },
      { key: 'network.hidden', kind: 'choice', values: [[64, 64], [8]] },
    ]);
    expect(fixed).toEqual(['e=3', 'h=login']);
  });

  it.each(['a=log(0,1)', 'a=log(-1,1)', 'a=uniform(2,1)', 'a=int(1,2.5)', 'a=log(x,1)', 'a=[]'])(
    'refuses %s',
    (word) => {
      expect(() => parseSpace([word])).toThrow(InputError);
    },
  );
});

describe('sampleTrials', () => {
  it('is the grid when there are as many trials as combinations', () => {
    const space = parseSpace(['a=[1,2]', 'b=[x,y,z]']);
    expect(combinations(space)).toBe(6);
    expect(sampleTrials(space, 6, keyOf(seed))).toEqual([
      ['a=1', 'b=x'],
      ['a=1', 'b=y'],
      ['a=1', 'b=z'],
      ['a=2', 'b=x'],
      ['a=2', 'b=y'],
      ['a=2', 'b=z'],
    ]);
    const some = sampleTrials(space, 4, keyOf(seed)).map((settings) => settings.join());
    expect(new Set(some).size).toBe(4);
  });

  it('draws the same from a seed, other numbers from another, and the first trials whatever their number', () => {
    const space = parseSpace(['a=log(1e-4,1e-2)', 'b=int(2,4)', 'c=[1,2]']);
    expect(combinations(space)).toBe(Infinity);
    const trials = sampleTrials(space, 8, keyOf(seed));
    expect(sampleTrials(space, 8, keyOf(seed))).toEqual(trials);
    expect(sampleTrials(space, 3, keyOf(seed))).toEqual(trials.slice(0, 3));
    expect(sampleTrials(space, 8, keyOf(seed + 1))).not.toEqual(trials);
  });

  it('draws log-uniformly, with three digits', () => {
    const trials = sampleTrials(parseSpace(['a=log(1e-4,1e-2)', 'b=int(2,4)']), 400, keyOf(seed));
    const values = trials.map(([a]) => Number(a!.slice(2)));
    expect(values.every((value) => value >= 1e-4 && value <= 1e-2)).toBe(true);
    expect(values.every((value) => Number(value.toPrecision(3)) === value)).toBe(true);
    // Half below the geometric mean, 1e-3: a binomial of 400, whose deviation is 10.
    expect(Math.abs(values.filter((value) => value < 1e-3).length - 200)).toBeLessThan(40);
    expect(new Set(trials.map(([, b]) => b))).toEqual(new Set(['b=2', 'b=3', 'b=4']));
  });
});
