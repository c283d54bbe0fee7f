/** Noise, bias, drift and steps of a reading, against their stated statistics. Fixed seeds. */

import { describe, expect, it } from 'vitest';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { ReadingError } from '../../../sim/sensors/reading-error.ts';
import { deviation, mean } from './rig.ts';

const N = 4000;

/** What `count` readings of 0, `dt` apart, come out as. */
function play(error: ReadingError, random: RandomStream, count: number, dt = 0.1): number[] {
  const values = new Float64Array(1);
  return Array.from({ length: count }, (_, k) => {
    values[0] = 0;
    error.apply(values, 0, 1, k === 0 ? 0 : dt, random);
    return values[0]!;
  });
}

describe('noise', () => {
  it('has mean 0 and the stated deviation, seed 1', () => {
    const found = play(new ReadingError({ noise: 0.3 }, 1), new RandomStream(keyOf(1)), N);
    // 4 standard errors: 0.3 / sqrt(4000) = 4.7e-3, 0.3 / sqrt(8000) = 3.4e-3
    expect(Math.abs(mean(found))).toBeLessThan(0.019);
    expect(Math.abs(deviation(found) - 0.3)).toBeLessThan(0.0135);
    // white: neighbours are uncorrelated, 4 / sqrt(4000) = 0.063
    const products = found.slice(1).map((value, k) => (value * found[k]!) / 0.09);
    expect(Math.abs(mean(products))).toBeLessThan(0.064);
  });
});

describe('a bias', () => {
  it('stays for an episode and is drawn anew for the next with the stated deviation, seed 2', () => {
    const random = new RandomStream(keyOf(2));
    const error = new ReadingError({ bias: 0.2 }, 1);
    const biases = Array.from({ length: N }, () => {
      error.begin(random);
      const [first, ...others] = play(error, random, 4);
      for (const other of others) expect(other).toBe(first);
      return first!;
    });
    // 4 standard errors: 0.2 / sqrt(4000) = 3.2e-3, 0.2 / sqrt(8000) = 2.3e-3
    expect(Math.abs(mean(biases))).toBeLessThan(0.013);
    expect(Math.abs(deviation(biases) - 0.2)).toBeLessThan(0.009);
  });

  it('is one for each number, or one for all', () => {
    const random = new RandomStream(keyOf(3));
    const read = (biases: number) => {
      const error = new ReadingError({ bias: 1 }, biases);
      error.begin(random);
      const values = new Float64Array(5);
      error.apply(values, 2, 5, 0, random);
      return [...values];
    };
    const own = read(3);
    expect(own.slice(0, 2)).toEqual([0, 0]);
    expect(new Set(own.slice(2)).size).toBe(3);
    const shared = read(1);
    expect(shared.slice(0, 2)).toEqual([0, 0]);
    expect(new Set(shared.slice(2)).size).toBe(1);
  });

  it.each([
    [1, 0.1],
    [4, 0.1],
    [16, 0.1],
    [4, 0.025],
  ])('drifts by drift sqrt(t) over %d s in steps of %d s, seed 4', (t, dt) => {
    const random = new RandomStream(keyOf(4));
    const error = new ReadingError({ biasDrift: 0.05 }, 1);
    const episodes = 1000;
    const ends = Array.from({ length: episodes }, () => {
      error.begin(random);
      return play(error, random, Math.round(t / dt) + 1, dt).at(-1)!;
    });
    const wanted = 0.05 * Math.sqrt(t);
    // 4 standard errors, relative: 4 / sqrt(1000) and 4 / sqrt(2000)
    expect(Math.abs(mean(ends))).toBeLessThan(0.127 * wanted);
    expect(Math.abs(deviation(ends) - wanted)).toBeLessThan(0.09 * wanted);
  });
});

describe('steps', () => {
  it('put every reading on the nearest multiple', () => {
    const error = new ReadingError({ quantum: 0.25 }, 1);
    const values = Float64Array.of(0.124, 0.126, -0.3, -0.4, 7);
    error.apply(values, 0, 5, 0.1, new RandomStream(keyOf(1)));
    expect([...values]).toEqual([0, 0.25, -0.25, -0.5, 7]);
  });

  it('come after noise and bias', () => {
    const error = new ReadingError({ noise: 1, bias: 1, quantum: 0.5 }, 1);
    const random = new RandomStream(keyOf(5));
    error.begin(random);
    const found = play(error, random, 200);
    expect(found.filter((value) => !Number.isInteger(2 * value))).toEqual([]);
    expect(new Set(found).size).toBeGreaterThan(5);
  });
});

it('without errors leaves the bits and the stream alone', () => {
  const random = new RandomStream(keyOf(6));
  const error = new ReadingError(undefined, 3);
  error.begin(random);
  const values = Float64Array.of(-0, Math.PI, 1e-300);
  error.apply(values, 0, 3, 0.1, random);
  expect([...values]).toEqual([-0, Math.PI, 1e-300]);
  expect(random.uniform()).toBe(new RandomStream(keyOf(6)).uniform());
});
