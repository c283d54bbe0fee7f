/** Successive halving against tables worked out by hand, with learners whose scores are known. */

import { describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import {
  type Rung,
  ranked,
  rungsOf,
  runSweep,
  type SweepPlan,
  type Trial,
  type TrialResult,
} from '../../loop/sweep.ts';

function judged(trial: Trial, iterations: number, meanReturn: number, successRate = 0): TrialResult {
  const evaluation = {
    episodes: 1,
    successRate,
    meanReturn,
    ci95: [meanReturn, meanReturn] as const,
    successCi95: [0, 1] as const,
  };
  return { trial, iterations, evaluation, seconds: 1, path: '', error: null, stopped: false };
}

const trials = Array.from({ length: 9 }, (_, i): Trial => ({ number: i + 1, settings: [`a=${i}`] }));
const plan: SweepPlan = { trials, rungs: rungsOf(9, 10, 90, 3, 10), eta: 3, measure: 'return' };

describe('rungsOf', () => {
  it('is the table of successive halving', () => {
    // Jamieson & Talwalkar 2016, as bracket s of Hyperband's table 1 (Li et al. 2018): 81 at 1, 27 at 3, 9 at 9, 3 at 27, 1 at 81.
    expect(rungsOf(81, 1, 81, 3, 1)).toEqual([
      { trials: 81, iterations: 1 },
      { trials: 27, iterations: 3 },
      { trials: 9, iterations: 9 },
      { trials: 3, iterations: 27 },
      { trials: 1, iterations: 81 },
    ]);
  });

  it('ends at evaluations, and its last rung at the end', () => {
    expect(rungsOf(9, 7, 70, 3, 10)).toEqual([
      { trials: 9, iterations: 10 },
      { trials: 3, iterations: 30 },
      { trials: 1, iterations: 70 },
    ]);
    expect(rungsOf(4, 10, 70, 3, 10)).toEqual([
      { trials: 4, iterations: 30 },
      { trials: 1, iterations: 70 },
    ]);
    expect(rungsOf(2, 10, 70, 3, 10)).toEqual([{ trials: 2, iterations: 70 }]);
    // Rounded up to the same evaluation they are one rung.
    expect(rungsOf(8, 1, 8, 2, 5).map(({ iterations }) => iterations)).toEqual([5, 8]);
  });

  it('refuses what has no rungs', () => {
    expect(() => rungsOf(9, 90, 70, 3, 10)).toThrow(InputError);
    expect(() => rungsOf(9, 1, 70, 1, 10)).toThrow(InputError);
  });
});

describe('ranked', () => {
  it('puts the highest first, failures last, equals by number', () => {
    const failure = { ...judged(trials[0]!, 5, 0), evaluation: null };
    const results = [failure, judged(trials[1]!, 5, 2, 0.5), judged(trials[2]!, 5, 3, 0.5), judged(trials[3]!, 5, 2)];
    const numbers = (measure: 'return' | 'success') => ranked(results, measure).map(({ trial }) => trial.number);
    expect(numbers('return')).toEqual([3, 2, 4, 1]);
    expect(numbers('success')).toEqual([2, 3, 4, 1]);
  });
});

describe('runSweep', () => {
  /** The score grows with the trial's number, but trial 9 shines at first only and trial 8 fails. */
  async function learn(trial: Trial, rung: Rung): Promise<TrialResult> {
    // The first are the slowest: who is done first must not matter.
    await new Promise((resolve) => setTimeout(resolve, 10 - trial.number));
    if (trial.number === 8) throw new Error('diverged');
    return judged(trial, rung.iterations, trial.number === 9 && rung.iterations > 10 ? 0 : trial.number);
  }

  it.each([1, 2, 9])('promotes the best, with %i at a time', async (parallel) => {
    const asked: [number, number][] = [];
    let working = 0;
    let most = 0;
    const { results, isComplete } = await runSweep(plan, parallel, {
      run: async (trial, rung) => {
        asked.push([trial.number, rung.iterations]);
        most = Math.max(most, ++working);
        return learn(trial, rung).finally(() => working--);
      },
    });
    expect(isComplete).toBe(true);
    expect(most).toBe(parallel);
    const at = (iterations: number) => asked.filter(([, i]) => i === iterations).map(([number]) => number);
    expect(at(10).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(at(30).sort()).toEqual([6, 7, 9]);
    expect(at(90)).toEqual([7]);
    expect(results.map(({ trial, iterations }) => [trial.number, iterations])).toEqual([
      [7, 90],
      [6, 30],
      [9, 30],
      [5, 10],
      [4, 10],
      [3, 10],
      [2, 10],
      [1, 10],
      [8, 0],
    ]);
    expect(results.at(-1)).toMatchObject({ evaluation: null, error: 'diverged' });
  });

  it('starts no more once it shall stop, and says that it is not complete', async () => {
    let done = 0;
    const { results, isComplete } = await runSweep(plan, 2, {
      run: (trial, rung) => learn(trial, rung).finally(() => done++),
      shouldStop: () => done >= 3,
    });
    expect(isComplete).toBe(false);
    expect(results.length).toBeGreaterThanOrEqual(3);
    expect(results.length).toBeLessThan(9);
  });

  it('ends when every trial has failed', async () => {
    const { results, isComplete } = await runSweep(plan, 3, { run: () => Promise.reject(new Error('no')) });
    expect(isComplete).toBe(true);
    expect(results.every(({ error }) => error === 'no')).toBe(true);
    expect(results.length).toBe(9);
  });
});
