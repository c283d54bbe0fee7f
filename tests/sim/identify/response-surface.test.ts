/** Response surfaces of functions that are quadratic, and of one that ends early. */

import { describe, expect, it } from 'vitest';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { fitSurface } from '../../../sim/identify/response-surface.ts';

const box = { lower: [-1, 2], upper: [3, 4] };
const random = () => new RandomStream(keyOf(4));

describe('a response surface', () => {
  it('is a quadratic function itself, with its cross term', async () => {
    const f = ([a, b]: readonly number[]) => Float64Array.of(1 + 2 * a! - b! + 0.5 * a! * b! + a! * a!, 3 * b! * b!);
    const { outcomes, error } = await fitSurface((points) => points.map(f), box, random());
    const [said] = outcomes([[0.7, 3.1]]);
    const truth = f([0.7, 3.1]);
    // The ridge of 1e-6 beside sums of tens.
    for (const t of [0, 1]) expect(Math.abs(said![t]! - truth[t]!)).toBeLessThan(1e-4);
    expect(error).toBeLessThan(1e-5);
  });

  it('says how far it is from what is not quadratic', async () => {
    const f = ([a]: readonly number[]) => Float64Array.of(a! > 1 ? 1 : 0);
    const { error } = await fitSurface((points) => points.map(f), box, random());
    // A step approximated by a parabola over its middle: a third of its deviation is left.
    expect(error).toBeGreaterThan(0.2);
    expect(error).toBeLessThan(0.9);
  });

  it('ends early where the nearest simulation did', async () => {
    const f = ([a]: readonly number[]) => Float64Array.of(a! > 2 ? Number.NaN : a!);
    const { outcomes } = await fitSurface((points) => points.map(f), box, random());
    const [inside, beyond] = outcomes([
      [0, 3],
      [2.9, 3],
    ]);
    expect(inside![0]).toBeCloseTo(0, 3);
    expect(beyond![0]).toBeNaN();
  });
});
