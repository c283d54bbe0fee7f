/** The replay buffer: what a transition is, the ring's wrap-around, uniform draws, and saving. */

import { describe, expect, it } from 'vitest';
import { InputError, NumericError } from '../../core/errors.ts';
import { keyOf, RandomStream } from '../../core/rng.ts';
import { makeTransitions, ReplayBuffer } from '../../policy/replay-buffer.ts';
import { makeRolloutBuffer } from '../../policy/rollout-buffer.ts';

const SHAPE = { obsDim: 2, criticDim: 1, actionDim: 1 };

/** A buffer whose transition k, of all ever put in, has reward k, observation [k, -k] and action k / 1000. */
function filled(capacity: number, count: number): ReplayBuffer {
  const buffer = new ReplayBuffer(SHAPE, capacity);
  for (let k = 0; k < count; k++) {
    const row = buffer.claim();
    buffer.data.reward[row] = k;
    buffer.data.obs.set([k, -k], 2 * row);
    buffer.data.action[row] = k / 1000;
  }
  return buffer;
}

describe('ReplayBuffer', () => {
  it('overwrites the oldest when it is full', () => {
    const buffer = filled(5, 8);
    expect(buffer.size).toBe(5);
    expect([...buffer.data.reward]).toEqual([5, 6, 7, 3, 4]);
    expect(filled(5, 3).size).toBe(3);
  });

  it('draws every transition equally often, whole rows, from those there are', () => {
    const buffer = filled(100, 40);
    const out = makeTransitions(SHAPE, 8000);
    buffer.sample(new RandomStream(keyOf(1)), 8000, out);
    const counts = new Float64Array(40);
    for (let i = 0; i < 8000; i++) {
      const k = out.reward[i]!;
      counts[k] = counts[k]! + 1;
      expect([out.obs[2 * i], out.obs[2 * i + 1]]).toEqual([k, -k]);
    }
    // Pearson's chi-squared with 39 degrees of freedom: above 72.1 once in a thousand seeds.
    const expected = 8000 / 40;
    expect(counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0)).toBeLessThan(72.1);
  });

  it('draws the same with the same key, and writes where it is told', () => {
    const buffer = filled(30, 30);
    const draw = (seed: number) => {
      const out = makeTransitions(SHAPE, 10);
      out.reward.fill(-1);
      buffer.sample(new RandomStream(keyOf(seed)), 6, out, 4);
      return [...out.reward];
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    expect(draw(1).slice(0, 4)).toEqual([-1, -1, -1, -1]);
    expect(draw(1).slice(4)).not.toContain(-1);
  });

  it('saves what it holds, oldest first, and goes on from it', () => {
    const buffer = filled(5, 8);
    const saved = buffer.save();
    expect([...saved.find(({ name }) => name === 'replay.reward')!.data]).toEqual([3, 4, 5, 6, 7]);
    const same = new ReplayBuffer(SHAPE, 5);
    same.load(saved);
    expect(same.size).toBe(5);
    expect([...same.data.obs.slice(0, 4)]).toEqual([3, -3, 4, -4]);
    // The oldest goes first, as it would have.
    expect(same.claim()).toBe(0);
    // Into a smaller one go the newest; a larger one has room left.
    const small = new ReplayBuffer(SHAPE, 3);
    small.load(saved);
    expect([...small.data.reward]).toEqual([5, 6, 7]);
    const large = new ReplayBuffer(SHAPE, 9);
    large.load(saved);
    expect([large.size, large.claim()]).toEqual([5, 5]);
    const other = new ReplayBuffer({ ...SHAPE, obsDim: 3 }, 5);
    expect(() => other.load(saved)).toThrow(InputError);
  });
});

describe('take', () => {
  /** Two environments, three steps. Environment 0 fails at step 1, environment 1 is cut off at step 1. */
  function rollout() {
    const buffer = makeRolloutBuffer({
      ...{ horizon: 3, numEnvs: 2, obsDim: 1, criticDim: 1, actionDim: 1, rewardTerms: 1, parameters: 1 },
    });
    for (let cell = 0; cell < 8; cell++) {
      buffer.obs[cell] = cell;
      buffer.criticObs[cell] = 10 + cell;
    }
    for (let cell = 0; cell < 6; cell++) {
      buffer.action[cell] = cell - 2;
      buffer.reward[cell] = cell / 4;
    }
    buffer.terminated[2] = 1;
    buffer.truncated[3] = 1;
    buffer.finalObs.set([0, 0, 102, 103, 0, 0]);
    buffer.finalCriticObs.set([0, 0, 112, 113, 0, 0]);
    return buffer;
  }

  it('pairs each observation with what came of it: the final one at an end, and no bootstrap at a failure alone', () => {
    const replay = new ReplayBuffer({ obsDim: 1, criticDim: 1, actionDim: 1 }, 10);
    replay.take(rollout(), 0);
    const { obs, nextObs, criticObs, nextCriticObs, reward, bootstrap, action } = replay.data;
    expect(replay.size).toBe(6);
    expect([...obs.slice(0, 6)]).toEqual([0, 1, 2, 3, 4, 5]);
    expect([...nextObs.slice(0, 6)]).toEqual([2, 3, 102, 103, 6, 7]);
    expect([...criticObs.slice(0, 6)]).toEqual([10, 11, 12, 13, 14, 15]);
    expect([...nextCriticObs.slice(0, 6)]).toEqual([12, 13, 112, 113, 16, 17]);
    expect([...reward.slice(0, 6)]).toEqual([0, 0.25, 0.5, 0.75, 1, 1.25]);
    expect([...bootstrap.slice(0, 6)]).toEqual([1, 1, 0, 1, 1, 1]);
    // What was done is tanh of what was sampled.
    for (let i = 0; i < 6; i++) expect(action[i]).toBeCloseTo(Math.tanh(i - 2), 6);
  });

  it('names environment and step of an observation that is not finite', () => {
    const broken = rollout();
    broken.finalObs[3] = Number.NaN;
    const replay = new ReplayBuffer({ obsDim: 1, criticDim: 1, actionDim: 1 }, 10);
    expect(() => replay.take(broken, 7)).toThrow(NumericError);
    expect(() => replay.take(broken, 7)).toThrow(/observation 0 of environment 1 is NaN after step 1 of iteration 7/);
  });
});
