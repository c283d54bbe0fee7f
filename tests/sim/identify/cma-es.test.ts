/** CMA-ES on the functions it is known by: it finds their minima and learns their shape. */

import { describe, expect, it } from 'vitest';
import { symmetricEigen } from '../../../core/linear-algebra.ts';
import { keyOf } from '../../../core/rng.ts';
import { CmaEs, minimize } from '../../../sim/identify/cma-es.ts';

const box = (n: number, lower: number, upper: number) => ({
  lower: Array<number>(n).fill(lower),
  upper: Array<number>(n).fill(upper),
});
const each = (f: (x: readonly number[]) => number) => (points: readonly (readonly number[])[]) => points.map(f);

const sphere = (x: readonly number[]) => x.reduce((sum, v) => sum + (v - 0.7) ** 2, 0);
const rosenbrock = (x: readonly number[]) =>
  x.slice(1).reduce((sum, v, i) => sum + 100 * (v - x[i]! ** 2) ** 2 + (1 - x[i]!) ** 2, 0);
/** Axes of length 1 and 100, turned by 45 degrees in the plane of the first two coordinates. */
const ellipsoid = (x: readonly number[]) => {
  const a = (x[0]! + x[1]!) / Math.SQRT2;
  const b = (x[0]! - x[1]!) / Math.SQRT2;
  return a * a + 1e4 * b * b + x.slice(2).reduce((sum, v) => sum + v * v, 0);
};

describe('minimize', () => {
  it('finds the middle of a sphere', async () => {
    const found = await minimize(each(sphere), {
      ...box(6, -5, 5),
      start: Array<number>(6).fill(-3),
      maxEvaluations: 2500,
      key: keyOf(1),
    });
    expect(found.value).toBeLessThan(1e-8);
    for (const v of found.x) expect(v).toBeCloseTo(0.7, 3);
  });

  it('follows the bent valley of Rosenbrock in 5 dimensions', async () => {
    const found = await minimize(each(rosenbrock), {
      ...box(5, -3, 3),
      start: Array<number>(5).fill(-1),
      maxEvaluations: 12000,
      restarts: 2,
      key: keyOf(2),
    });
    expect(found.value).toBeLessThan(1e-6);
  });

  it('finds a minimum on the edge of the box', async () => {
    const found = await minimize(each(sphere), {
      ...box(3, -5, 0.2),
      start: [-2, -2, -2],
      maxEvaluations: 2000,
      key: keyOf(3),
    });
    for (const v of found.x) {
      expect(v).toBeLessThanOrEqual(0.2);
      expect(v).toBeCloseTo(0.2, 3);
    }
  });

  it('gets out of a wrong hollow by restarting', async () => {
    // A wide hollow at 3 with value 1 and a narrower one at -3 with value 0.
    const hollows = ([x, y]: readonly number[]) =>
      Math.min((x! - 3) ** 2 + (y! - 3) ** 2 + 1, 4 * ((x! + 3) ** 2 + (y! + 3) ** 2));
    const options = { ...box(2, -5, 5), start: [3, 3], sigma: 0.02, maxEvaluations: 4000, key: keyOf(1) };
    expect((await minimize(each(hollows), options)).value).toBeCloseTo(1, 4);
    expect((await minimize(each(hollows), { ...options, restarts: 4 })).value).toBeLessThan(1e-6);
  });

  it('gives the same numbers for the same key, others for another', async () => {
    const run = (seed: number) =>
      minimize(each(rosenbrock), { ...box(3, -3, 3), start: [0, 0, 0], maxEvaluations: 300, key: keyOf(seed) });
    expect(await run(5)).toEqual(await run(5));
    expect((await run(5)).x).not.toEqual((await run(6)).x);
  });

  it('treats not-a-number as the worst value', async () => {
    const found = await minimize(
      each((x) => (x[0]! < 0 ? Number.NaN : sphere(x))),
      {
        ...box(2, -5, 5),
        start: [2, 2],
        maxEvaluations: 1500,
        key: keyOf(4),
      },
    );
    expect(found.value).toBeLessThan(1e-6);
  });
});

describe('CmaEs', () => {
  it('learns the shape of an ellipsoid: its covariance becomes the inverse Hessian up to a factor', () => {
    const strategy = new CmaEs({ ...box(3, -10, 10), start: [4, -3, 5], key: keyOf(7) });
    for (let generation = 0; generation < 130; generation++) strategy.tell(strategy.ask().map(ellipsoid));
    const { values, vectors } = symmetricEigen(strategy.covariance, 3);
    const smallest = values.indexOf(Math.min(...values));
    // The steep direction is (1, -1, 0) / sqrt 2, and the search is a hundred times narrower there.
    const steep = [0, 1, 2].map((i) => vectors[i * 3 + smallest]!);
    expect(Math.abs((steep[0]! - steep[1]!) / Math.SQRT2)).toBeGreaterThan(0.999);
    const ratio = Math.sqrt(Math.max(...values) / Math.min(...values));
    // Sampling noise of the covariance leaves a factor of two.
    expect(ratio).toBeGreaterThan(50);
    expect(ratio).toBeLessThan(200);
    expect(strategy.best!.value).toBeLessThan(1e-6);
  });

  it('asks only for points inside the box', () => {
    const strategy = new CmaEs({ ...box(4, -1, 1), start: [1, 1, 1, 1], sigma: 1, key: keyOf(8) });
    for (let generation = 0; generation < 5; generation++) {
      const points = strategy.ask();
      for (const v of points.flat()) expect(Math.abs(v)).toBeLessThanOrEqual(1);
      strategy.tell(points.map(sphere));
    }
  });
});
