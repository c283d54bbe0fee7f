/** Medians and ranges, by hand. */

import { expect, it } from 'vitest';
import { median, spread } from '../../bench/spread.ts';

it('takes the middle of an odd number, the mean of the two middle ones of an even number', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 3, 2])).toBe(2.5);
});

it('says the middle, the least and the most', () => {
  expect(spread([3.04, 1, 2], 1)).toBe('2.0 (1.0 to 3.0)');
});
