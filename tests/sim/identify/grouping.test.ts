/** The rule of grouping, on errors made up by hand. */

import { expect, it } from 'vitest';
import { type Fitted, group, TOLERANCE, worstRatio } from '../../../sim/identify/grouping.ts';

const fitted = (members: readonly number[], tests: readonly number[]): Fitted => ({
  members,
  errors: tests.map((test) => ({ test })),
});
const singles = [0, 1, 2, 3].map((index) => fitted([index], [0.1]));

/** Recordings 0 and 1 are of one robot, 2 and 3 of another; a joint fit across them doubles the error. */
async function together(members: readonly number[]): Promise<Fitted> {
  const mixed = new Set(members.map((index) => Math.floor(index / 2))).size > 1;
  return fitted(
    members,
    members.map(() => (mixed ? 0.2 : 0.105)),
  );
}

it('one group when the joint fit is as good as each own', async () => {
  const all = fitted([0, 1, 2, 3], [0.1, 0.11, 0.09, 0.1]);
  expect(await group(singles, all, together)).toEqual([all]);
});

it('the groups that belong together when it is not', async () => {
  const groups = await group(singles, fitted([0, 1, 2, 3], [0.2, 0.2, 0.2, 0.2]), together);
  expect(groups.map((g) => g.members)).toEqual([
    [0, 1],
    [2, 3],
  ]);
});

it('everyone alone when nobody agrees', async () => {
  const never = async (members: readonly number[]) =>
    fitted(
      members,
      members.map(() => 1),
    );
  const groups = await group(singles, fitted([0, 1, 2, 3], [1, 1, 1, 1]), never);
  expect(groups.map((g) => g.members)).toEqual([[0], [1], [2], [3]]);
});

it('one bad member is enough to refuse a group', () => {
  const joint = fitted([0, 3], [0.1, 0.1 * TOLERANCE * 1.01]);
  expect(worstRatio(joint, singles)).toBeGreaterThan(TOLERANCE);
});
