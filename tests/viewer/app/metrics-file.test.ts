import { expect, test } from 'vitest';
import { parseMetrics } from '../../../viewer/app/metrics-file.ts';

test('numbers are kept, nested ones by dotted names, everything else left out', () => {
  const line = { iteration: 3, return: null, name: 'x', reward: { energy: 0.5, deep: { er: 1 } }, list: [7] };
  expect(parseMetrics(JSON.stringify(line))).toEqual([
    { iteration: 3, 'reward.energy': 0.5, 'reward.deep.er': 1, 'list.0': 7 },
  ]);
});

test('empty and half-written lines are passed over', () => {
  expect(parseMetrics('\n{"iteration":1}\n\n"text"\n{"iteration":2}\n{"iter')).toEqual([
    { iteration: 1 },
    { iteration: 2 },
  ]);
});
