/** Advantages by hand: a terminal, a time-out, the end of the rollout, and what mutants would give. */

import { describe, expect, it } from 'vitest';
import { computeGae, type GaeInput } from '../../policy/gae.ts';

function gae(input: GaeInput) {
  const cells = input.horizon * input.numEnvs;
  const advantage = new Float32Array(cells);
  const target = new Float32Array(cells);
  computeGae(input, advantage, target);
  return { advantage: [...advantage], target: [...target] };
}

/** Four steps: the second terminates, the third is cut off by time. gamma 0.5 and lam 0.5 keep the numbers short. */
const episode: GaeInput = {
  horizon: 4,
  numEnvs: 1,
  reward: [1, 2, 4, 8],
  terminated: [0, 1, 0, 0],
  truncated: [0, 0, 1, 0],
  value: [10, 20, 30, 40, 50],
  finalValue: [-999, -999, 100, -999],
  gamma: 0.5,
  lam: 0.5,
};

describe('computeGae', () => {
  it('bootstraps a time-out from the final observation, a terminal from nothing, the rollout from what follows', () => {
    // t 3: 8 + 0.5 * 50 - 40 = -7                          (no later step: A = delta)
    // t 2: 4 + 0.5 * 100 - 30 = 24                         (cut: V of the final observation, A_3 stays out)
    // t 1: 2 + 0 - 20 = -18                                (terminal)
    // t 0: 1 + 0.5 * 20 - 10 = 1, A = 1 + 0.25 * -18 = -3.5
    const { advantage, target } = gae(episode);
    expect(advantage).toEqual([-3.5, -18, 24, -7]);
    expect(target).toEqual([6.5, 2, 54, 33]);
  });

  it('would give other numbers without the bootstrap, or with a value of the wrong observation', () => {
    const right = gae(episode).advantage[2];
    // Dropped: 4 - 30.
    expect(gae({ ...episode, finalValue: [0, 0, 0, 0] }).advantage[2]).toBe(-26);
    // The value before the step: 4 + 0.5 * 30 - 30.
    expect(gae({ ...episode, finalValue: [0, 0, 30, 0] }).advantage[2]).toBe(-11);
    // The first value of the next episode: 4 + 0.5 * 40 - 30.
    expect(gae({ ...episode, finalValue: [0, 0, 40, 0] }).advantage[2]).toBe(-6);
    expect(right).toBe(24);
    // A time-out taken for a terminal.
    expect(gae({ ...episode, terminated: [0, 1, 1, 0], truncated: [0, 0, 0, 0] }).advantage[2]).toBe(-26);
  });

  it('reads a final value only where an episode was cut', () => {
    const other = gae({ ...episode, finalValue: [Number.NaN, Number.NaN, 100, Number.NaN] });
    expect(other).toEqual(gae(episode));
  });

  it('is the discounted sum of rewards less the value with lam 1, and one step ahead with lam 0', () => {
    const input = {
      ...episode,
      terminated: [0, 0, 0, 0],
      truncated: [0, 0, 0, 0],
      gamma: 0.9,
    };
    const { advantage } = gae({ ...input, lam: 1 });
    const returned = 1 + 0.9 * 2 + 0.81 * 4 + 0.729 * 8 + 0.6561 * 50;
    expect(advantage[0]).toBeCloseTo(returned - 10, 4);
    expect(gae({ ...input, lam: 0 }).advantage[0]).toBeCloseTo(1 + 0.9 * 20 - 10, 5);
  });

  it('keeps environments apart', () => {
    const column = (values: ArrayLike<number>, other: number) => Array.from(values).flatMap((value) => [other, value]);
    const both = gae({
      ...episode,
      numEnvs: 2,
      reward: column(episode.reward, 3),
      terminated: column(episode.terminated, 0),
      truncated: column(episode.truncated, 0),
      value: column(episode.value, 6),
      finalValue: column(episode.finalValue, 0),
    });
    expect(both.advantage.filter((_, i) => i % 2 === 1)).toEqual([-3.5, -18, 24, -7]);
    // The other one: reward 3, value 6, delta = 3 + 3 - 6 = 0 throughout.
    expect(both.advantage.filter((_, i) => i % 2 === 0)).toEqual([0, 0, 0, 0]);
  });
});
