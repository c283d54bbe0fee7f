/** Parameters that change within an episode: when, to what, and that the size of the step does not matter. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { keyOf } from '../../core/rng.ts';
import { cloneDynamics, nominalDynamics } from '../../sim/dynamics.ts';
import { IntervalSampler } from '../../sim/interval-sampler.ts';
import type { RandomizationTable } from '../../sim/randomization-terms.ts';
import { parseUrdf } from '../../sim/urdf.ts';

const seed = Number(process.env.LANDFALL_TEST_SEED ?? 1);
const nominal = nominalDynamics(parseUrdf(readFileSync('configs/robots/pendulum.urdf', 'utf8'), { where: 'pendulum' }));
const table: RandomizationTable = {
  gravity: { operation: 'add', range: [-1, 1], mode: 'interval', everySeconds: [0.5, 1.5] },
  torqueScale: { operation: 'scale', range: [0.8, 1.2], mode: 'interval', everySeconds: [2, 2] },
  contactFriction: { operation: 'abs', range: [0.3, 1] },
};

/** [time, gravity, torqueScale] whenever something changed, with a look every `dt`. */
function run(dt: number, key = keyOf(seed), width = 1): number[][] {
  const sampler = new IntervalSampler(nominal, table, width);
  const dynamics = cloneDynamics(nominal);
  sampler.reset(key);
  const changes: number[][] = [];
  for (let i = 1; i * dt <= 100 + 1e-9; i++) {
    if (!sampler.due(i * dt)) continue;
    const before = structuredClone(dynamics);
    sampler.resample(dynamics);
    expect(dynamics).not.toEqual(before);
    expect({ ...dynamics, gravity: 0, torqueScale: [] }).toEqual({ ...nominal, gravity: 0, torqueScale: [] });
    expect(sampler.due(i * dt)).toBe(false);
    changes.push([i * dt, dynamics.gravity, dynamics.torqueScale[0]!]);
  }
  return changes;
}

describe('IntervalSampler', () => {
  it(`changes each term at its own times and within its range, seed ${seed}`, () => {
    const changes = run(0.01);
    const times = (column: number) =>
      changes
        .filter((c, i) => c[column] !== (changes[i - 1]?.[column] ?? [Number.NaN, 9.81, 1][column]))
        .map((c) => c[0]!);
    const gaps = (of: number[]) => of.map((t, i) => t - (of[i - 1] ?? 0));
    for (const gap of gaps(times(2))) expect(gap).toBeCloseTo(2, 6);
    const wait = gaps(times(1));
    // Looked at every 0.01 s, so up to that late; a hundred seconds at one a second on average.
    expect(Math.min(...wait)).toBeGreaterThan(0.48);
    expect(Math.max(...wait)).toBeLessThan(1.52);
    expect(Math.max(...wait) - Math.min(...wait)).toBeGreaterThan(0.8);
    expect(Math.abs(wait.length - 100)).toBeLessThan(15);
    for (const [, gravity, torque] of changes) {
      expect(Math.abs(gravity! - 9.81)).toBeLessThanOrEqual(1);
      expect(Math.abs(torque! - 1)).toBeLessThanOrEqual(0.2 + 1e-12);
    }
  });

  it('gives the same values at the same time whatever the step', () => {
    const [fine, coarse] = [run(0.01), run(3)];
    const at = (changes: number[][], time: number) => changes.findLast((c) => c[0]! <= time + 1e-9)!.slice(1);
    for (const time of [3, 30, 99]) expect(at(coarse, time)).toEqual(at(fine, time));
  });

  it('follows from the key', () => {
    expect(run(0.1)).toEqual(run(0.1));
    expect(run(0.1)).not.toEqual(run(0.1, keyOf(seed + 1)));
  });

  it('at width 0 never changes anything', () => {
    expect(run(0.1, keyOf(seed), 0)).toEqual([]);
  });

  it('refuses a term that needs another world', () => {
    const payload: RandomizationTable = {
      payload: { operation: 'add', range: [0, 1], mode: 'interval', everySeconds: [1, 2] },
    };
    expect(() => new IntervalSampler(nominal, payload, 1)).toThrow(InputError);
  });
});
