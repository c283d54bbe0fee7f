/** Which settings differ, by hand. */

import { expect, it } from 'vitest';
import { differences } from '../../configs/differences.ts';

it('names the paths of what differs, of what is missing, and whole arrays', () => {
  const a = { task: 'x', ppo: { clip: 0.2, epochs: 4 }, hidden: [1, 2], reward: {}, dynamics: null };
  const b = { task: 'x', ppo: { clip: 0.3, epochs: 4 }, hidden: [1, 3], reward: { effort: -1 }, dynamics: null };
  expect(differences(a, a)).toEqual([]);
  expect(differences(a, b)).toEqual([
    { path: 'ppo.clip', a: 0.2, b: 0.3 },
    { path: 'hidden', a: [1, 2], b: [1, 3] },
    { path: 'reward.effort', a: undefined, b: -1 },
  ]);
  expect(differences({ a: null }, { a: { b: 1 } })).toEqual([{ path: 'a', a: null, b: { b: 1 } }]);
});
