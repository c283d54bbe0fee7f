import { expect, test } from 'vitest';
import { History } from '../../viewer/server/history.ts';

test('it stays bounded, keeps the first and the newest, and its order', () => {
  const history = new History<number>(100);
  for (let i = 0; i < 10_000; i++) history.push(i);
  const { entries } = history;
  expect(entries.length).toBeLessThanOrEqual(100);
  expect(entries[0]).toBe(0);
  expect(entries.slice(-20)).toEqual(Array.from({ length: 20 }, (_, i) => 9980 + i));
  expect([...entries].sort((a, b) => a - b)).toEqual(entries);
});
