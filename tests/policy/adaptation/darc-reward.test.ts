/** DARC on a point that a broken joint no longer moves: what the policy learns to avoid, and what a batch is corrected by. */

import { describe, expect, it } from 'vitest';
import { clamp } from '../../../core/math.ts';
import { foldIn, type Key, keyOf, RandomStream } from '../../../core/rng.ts';
import { DarcReward } from '../../../policy/adaptation/darc-reward.ts';
import { makeTransitions } from '../../../policy/replay-buffer.ts';
import { makeRolloutBuffer } from '../../../policy/rollout-buffer.ts';
import type { TransitionRows } from '../../../policy/similarity/dynamics-gap.ts';
import { groupRows } from '../../../policy/similarity/grouped-rows.ts';

const seed = Number(process.env.LANDFALL_TEST_SEED ?? 1);
const shape = { obsDim: 2, criticDim: 0, actionDim: 3 };
const STEPS = 20;

/** How far each joint moves the point in a step, and what moving it costs. The first two do the same, the first one cheaply. */
const JACOBIAN = [
  [0.1, 0],
  [0.1, 0],
  [0, 0.1],
] as const;
const COSTS = [0.02, 0.2, 0.02] as const;

/** One step. Observation: the point less its goal. */
function move(p: Float64Array, a: ArrayLike<number>, isBroken: boolean, random: RandomStream): void {
  for (let j = 0; j < 3; j++) {
    if (isBroken && j === 0) continue;
    p[0] = p[0]! + JACOBIAN[j]![0] * a[j]!;
    p[1] = p[1]! + JACOBIAN[j]![1] * a[j]!;
  }
  p[0] = p[0]! + 0.02 * random.normal();
  p[1] = p[1]! + 0.02 * random.normal();
}

const rewardOf = (p: Float64Array, a: ArrayLike<number>) =>
  -(p[0]! ** 2 + p[1]! ** 2) - COSTS.reduce((sum, cost, j) => sum + cost * a[j]! ** 2, 0);

/** What random actions do. */
function aimless(isBroken: boolean, episodes: number, key: Key): TransitionRows {
  const random = new RandomStream(key);
  const rows = Array.from({ length: episodes }, () => {
    const p = Float64Array.of(random.between(-1, 1), random.between(-1, 1));
    return Array.from({ length: STEPS }, () => {
      const before = [...p];
      const a = [0, 1, 2].map(() => random.between(-1, 1));
      move(p, a, isBroken, random);
      return [...before, ...a, ...p];
    });
  });
  return { ...groupRows(rows), obsDim: 2, actionDim: 3 };
}

/** a = clip(K obs), K [3, 2]. Transitions of `episodes` episodes, and their mean return. */
function rollout(gains: ArrayLike<number>, isBroken: boolean, episodes: number, key: Key) {
  const random = new RandomStream(key);
  const batch = makeTransitions(shape, episodes * STEPS);
  let total = 0;
  for (let e = 0; e < episodes; e++) {
    const p = Float64Array.of(random.between(-1, 1), random.between(-1, 1));
    for (let t = 0; t < STEPS; t++) {
      const row = e * STEPS + t;
      const a = [0, 1, 2].map((j) => clamp(gains[2 * j]! * p[0]! + gains[2 * j + 1]! * p[1]!, -1, 1));
      batch.obs.set(p, 2 * row);
      batch.action.set(a, 3 * row);
      move(p, a, isBroken, random);
      batch.nextObs.set(p, 2 * row);
      batch.reward[row] = rewardOf(p, a);
      total += batch.reward[row]! / episodes;
    }
  }
  return { batch, mean: total };
}

/** Cross-entropy search (Rubinstein 1999) of the gains, in the source. */
function search(darc: DarcReward | null, key: Key): Float64Array {
  const random = new RandomStream(key);
  const mean = new Float64Array(6);
  const sd = new Float64Array(6).fill(2);
  const [episodes, count, elite] = [6, 30, 6];
  // Fifteen rounds of it end within a few percent of the best gains here.
  for (let iteration = 0; iteration < 15; iteration++) {
    const candidates = Array.from({ length: count }, () => {
      const gains = mean.map((m, k) => m + sd[k]! * random.normal());
      // The same starts for all.
      const { batch } = rollout(gains, false, episodes, foldIn(key, iteration));
      darc?.correct(batch, shape, episodes * STEPS);
      return { gains, score: batch.reward.reduce((sum, r) => sum + r, 0) };
    })
      .sort((a, b) => b.score - a.score)
      .slice(0, elite);
    for (let k = 0; k < 6; k++) {
      mean[k] = candidates.reduce((sum, { gains }) => sum + gains[k]! / elite, 0);
      sd[k] = Math.sqrt(candidates.reduce((sum, { gains }) => sum + (gains[k]! - mean[k]!) ** 2 / elite, 0)) + 0.02;
    }
  }
  return mean;
}

describe('DarcReward', () => {
  const darc = new DarcReward(
    aimless(false, 150, foldIn(keyOf(seed), 1)),
    aimless(true, 150, foldIn(keyOf(seed), 2)),
    keyOf(seed),
  );
  const use = (gains: Float64Array) => {
    const { batch } = rollout(gains, false, 20, keyOf(99));
    let sum = 0;
    for (let row = 0; row < 20 * STEPS; row++) sum += Math.abs(batch.action[3 * row]!) / (20 * STEPS);
    return sum;
  };

  it('(iv) a policy learned with r + Dr leaves the broken joint alone, and does better on the target', () => {
    const plain = search(null, keyOf(seed));
    const corrected = search(darc, keyOf(seed));
    expect(use(plain)).toBeGreaterThan(0.1);
    expect(use(corrected)).toBeLessThan(0.4 * use(plain));
    const onTarget = (gains: Float64Array) => rollout(gains, true, 200, keyOf(7)).mean;
    expect(onTarget(corrected)).toBeGreaterThan(onTarget(plain));
    // In the source it pays for that.
    const inSource = (gains: Float64Array) => rollout(gains, false, 200, keyOf(7)).mean;
    expect(inSource(corrected)).toBeLessThan(inSource(plain));
  });

  it('adds Dr to a batch and to a rollout alike, and to nothing else', () => {
    const { batch } = rollout([-1, 0, -1, 0, 0, -1], false, 2, keyOf(3));
    const before = batch.reward.slice();
    const mean = darc.correct(batch, shape, STEPS);
    const added = batch.reward.map((r, i) => r - before[i]!);
    expect(added.subarray(STEPS).every((d) => d === 0)).toBe(true);
    expect(added.subarray(0, STEPS).reduce((sum, d) => sum + d, 0)).toBeCloseTo(mean * STEPS, 3);
    expect(mean).toBeLessThan(-0.2);

    const buffer = makeRolloutBuffer({ ...shape, horizon: STEPS, numEnvs: 1, rewardTerms: 1, parameters: 1 });
    buffer.obs.set(batch.obs.subarray(0, 2 * STEPS));
    // The episode ends with the last step: what came next is the final observation, row T is another episode's.
    buffer.obs.set([50, 50], 2 * STEPS);
    buffer.finalObs.set(batch.nextObs.subarray(2 * (STEPS - 1), 2 * STEPS), 2 * (STEPS - 1));
    buffer.truncated[STEPS - 1] = 1;
    buffer.action.set(batch.action.subarray(0, 3 * STEPS));
    buffer.reward.set(before.subarray(0, STEPS));
    darc.correctRollout(buffer, false);
    for (let i = 0; i < STEPS; i++) expect(buffer.reward[i]).toBeCloseTo(batch.reward[i]!, 5);
  });
});
