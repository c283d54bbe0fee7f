/** Sampled physics: each operation by hand, width, ranges, and what was not asked for stays as it is. */

import { describe, expect, it } from 'vitest';
import { keyOf, RandomStream } from '../../core/rng.ts';
import { type Dynamics, perJointParameters, scalarParameters } from '../../sim/dynamics.ts';
import { flattenDynamics, sampleDynamics } from '../../sim/randomization.ts';
import type { RandomizationTable } from '../../sim/task.ts';
import { tasks } from '../../sim/tasks/index.ts';

const seed = Number(process.env.LANDFALL_TEST_SEED ?? 1);

const nominal: Dynamics = {
  massScale: [1, 1],
  comScale: [1, 1],
  armature: [0.01, 0.02],
  damping: [0.05, 0.2],
  friction: [0.18, 0.3],
  torqueScale: [1, 1],
  torqueOffset: [0.1, 0],
  torqueLimit: [1, 2],
  kpScale: [1, 1],
  kdScale: [1, 1],
  encoderBias: [0, 0.01],
  latency: 0.004,
  gravity: 9.81,
  positionNoise: 0.001,
  velocityNoise: 0.01,
};

/** A stream's first numbers, drawn apart from the sampler. */
function uniforms(count: number): number[] {
  const random = new RandomStream(keyOf(seed));
  return Array.from({ length: count }, () => random.uniform());
}

function sample(table: RandomizationTable, width: number, random = new RandomStream(keyOf(seed))): Dynamics {
  return sampleDynamics(nominal, table, width, random);
}

describe('sampleDynamics', () => {
  it('scale, add and abs are what they say, joint by joint', () => {
    const [u0, u1] = uniforms(2) as [number, number];
    const scaled = sample({ damping: { operation: 'scale', range: [0.5, 1.5] } }, 1);
    expect(scaled.damping).toEqual([expect.closeTo(0.05 * (0.5 + u0), 14), expect.closeTo(0.2 * (0.5 + u1), 14)]);
    const added = sample({ torqueOffset: { operation: 'add', range: [-0.03, 0.03] } }, 1);
    expect(added.torqueOffset).toEqual([
      expect.closeTo(0.1 - 0.03 + 0.06 * u0, 14),
      expect.closeTo(-0.03 + 0.06 * u1, 14),
    ]);
    const absolute = sample({ latency: { operation: 'abs', range: [0.01, 0.02] } }, 1);
    expect(absolute.latency).toBeCloseTo(0.01 + 0.01 * u0, 14);
  });

  it('half the width moves half as far from the nominal value', () => {
    const table: RandomizationTable = {
      massScale: { operation: 'scale', range: [0.5, 3] },
      torqueOffset: { operation: 'add', range: [-1, 2] },
      gravity: { operation: 'abs', range: [1, 2] },
    };
    const whole = sample(table, 1);
    const half = sample(table, 0.5);
    for (const name of ['massScale', 'torqueOffset'] as const) {
      for (const [j, value] of nominal[name].entries()) {
        expect(half[name][j]! - value).toBeCloseTo((whole[name][j]! - value) / 2, 14);
      }
    }
    expect(half.gravity - 9.81).toBeCloseTo((whole.gravity - 9.81) / 2, 12);
  });

  it('width 0 gives the nominal parameters, to the bit', () => {
    for (const task of Object.values(tasks)) expect(sample(task.randomization, 0)).toEqual(nominal);
  });

  it('touches nothing that the table does not name, nor the nominal parameters', () => {
    const before = structuredClone(nominal);
    const drawn = sample({ friction: { operation: 'scale', range: [2, 3] } }, 1);
    for (const name of [...perJointParameters, ...scalarParameters]) {
      if (name === 'friction') expect(drawn.friction).not.toEqual(nominal.friction);
      else expect(drawn[name]).toEqual(nominal[name]);
    }
    drawn.damping[0] = 99;
    expect(nominal).toEqual(before);
  });

  it(`stays within the range and fills it, for every term of every task, seed ${seed}`, () => {
    const random = new RandomStream(keyOf(seed));
    for (const task of Object.values(tasks)) {
      const draws = Array.from({ length: 1000 }, () => sample(task.randomization, 1, random));
      for (const name of [...perJointParameters, ...scalarParameters]) {
        const term = task.randomization[name];
        if (term === undefined) continue;
        const base = [nominal[name]].flat()[0]!;
        const [low, high] = term.range.map((edge) =>
          term.operation === 'scale' ? base * edge : term.operation === 'add' ? base + edge : edge,
        ) as [number, number];
        const values = draws.map((draw) => [draw[name]].flat()[0]!);
        const slack = 1e-12 * Math.max(1, Math.abs(high));
        expect(Math.min(...values), name).toBeGreaterThanOrEqual(low - slack);
        expect(Math.max(...values), name).toBeLessThanOrEqual(high + slack);
        // A thousand uniform draws leave 2% of either end empty with probability 1e-9.
        expect(Math.min(...values), name).toBeLessThan(low + 0.02 * (high - low));
        expect(Math.max(...values), name).toBeGreaterThan(high - 0.02 * (high - low));
      }
    }
  });

  it('draws alike from equal streams and otherwise from others', () => {
    const table = tasks.pendulum!.randomization;
    expect(sample(table, 1)).toEqual(sample(table, 1));
    expect(sample(table, 1)).not.toEqual(sample(table, 1, new RandomStream(keyOf(seed + 1))));
  });
});

describe('flattenDynamics', () => {
  it('names the joint only where there are several', () => {
    const flat = flattenDynamics(nominal, ['hip', 'knee']);
    expect(flat['damping.knee']).toBe(0.2);
    expect(flat.gravity).toBe(9.81);
    const one = Object.fromEntries(Object.entries(nominal).map(([k, v]) => [k, Array.isArray(v) ? [v[0]] : v]));
    expect(flattenDynamics(one as unknown as Dynamics, ['hip']).damping).toBe(0.05);
  });
});
