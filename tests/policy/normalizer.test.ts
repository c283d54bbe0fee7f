/** Running statistics against the moments of everything at once; their count and their use. */

import { describe, expect, it } from 'vitest';
import { keyOf, RandomStream } from '../../core/rng.ts';
import { ObsNormalizer } from '../../policy/actor.ts';
import { RunningNormalizer } from '../../policy/normalizer.ts';

const seed = Number(process.env.LANDFALL_TEST_SEED ?? 1);
const fresh = { mean: [0, 0], variance: [1, 1], count: 0, epsilon: 1e-5, clip: 10 };

describe('RunningNormalizer', () => {
  it(`merges batches of any size into the moments of all, seed ${seed}`, () => {
    const random = new RandomStream(keyOf(seed));
    const running = new RunningNormalizer(fresh);
    const all: [number, number][] = [];
    for (const size of [1, 7, 64, 3, 1000]) {
      const rows = Array.from({ length: size }, (): [number, number] => [
        Math.fround(100 + 0.5 * random.normal()),
        Math.fround(1e-3 * random.normal()),
      ]);
      all.push(...rows);
      running.update(Float32Array.from(rows.flat()), size);
    }
    expect(running.count).toBe(all.length);
    for (const k of [0, 1] as const) {
      const mean = all.reduce((sum, row) => sum + row[k], 0) / all.length;
      const variance = all.reduce((sum, row) => sum + (row[k] - mean) ** 2, 0) / all.length;
      // Double precision, a mean 200 times the deviation.
      expect(Math.abs(running.mean[k]! / mean - 1)).toBeLessThan(1e-11);
      expect(Math.abs(running.variance[k]! / variance - 1)).toBeLessThan(1e-9);
    }
  });

  it('reads the first rows only', () => {
    const running = new RunningNormalizer(fresh);
    running.update(Float32Array.of(1, 2, 3, 4, 900, 900), 2);
    expect([...running.mean]).toEqual([2, 3]);
    expect([...running.variance]).toEqual([1, 1]);
  });

  it('goes on from a saved one as if it had never stopped', () => {
    const rows = Float32Array.of(1, 5, 2, 6, 9, -3, 4, 4);
    const whole = new RunningNormalizer(fresh);
    whole.update(rows, 2);
    const saved = JSON.parse(JSON.stringify(whole.toContract()));
    expect(saved.count).toBe(2);
    whole.update(rows.subarray(4), 2);
    const resumed = new RunningNormalizer(saved);
    resumed.update(rows.subarray(4), 2);
    expect(resumed.toContract()).toEqual(whole.toContract());
    // One that forgot its count would believe the second batch alone.
    const forgetful = new RunningNormalizer({ ...saved, count: 0 });
    forgetful.update(rows.subarray(4), 2);
    expect(forgetful.toContract()).not.toEqual(whole.toContract());
  });
});

describe('ObsNormalizer', () => {
  it('subtracts, divides and clips', () => {
    const normalize = new ObsNormalizer({ mean: [1, 0], variance: [4, 0], count: 9, epsilon: 0.25, clip: 3 });
    const out = new Float32Array(2);
    normalize.apply(Float32Array.of(-7, 3, 0.25), 1, out);
    // (3 - 1) / sqrt(4.25);  0.25 / sqrt(0.25)
    expect(out[0]).toBeCloseTo(2 / Math.sqrt(4.25), 6);
    expect(out[1]).toBe(0.5);
    normalize.apply(Float32Array.of(100, -100), 0, out);
    expect([...out]).toEqual([3, -3]);
  });
});
