/** Sampled physics: each operation by hand, width, ranges, and what was not asked for stays as it is. */

import { describe, expect, it } from 'vitest';
import { keyOf, RandomStream } from '../../core/rng.ts';
import { type Dynamics, perJointParameters, scalarParameters } from '../../sim/dynamics.ts';
import { flattenDynamics, sampleDynamics, sampleStartup } from '../../sim/randomization.ts';
import type { RandomizationTable, RandomizationTerm } from '../../sim/randomization-terms.ts';
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
  contactFriction: 0.8,
  restitution: 0.1,
  payload: 0.5,
  baseMassScale: 1,
  comX: 0.01,
  comY: -0.01,
  comZ: 0.02,
  imuRoll: 0.01,
  imuPitch: 0.02,
  imuYaw: 0.03,
  sensorLatency: 0.002,
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

describe('terms', () => {
  const everyName = [...perJointParameters, ...scalarParameters];

  it('change their parameter as declared and nothing else, for every parameter and operation', () => {
    for (const name of everyName) {
      for (const operation of ['abs', 'scale', 'add'] as const) {
        const drawn = sample({ [name]: { operation, range: [2, 2] } }, 1);
        const expected = [nominal[name]]
          .flat()
          .map((x) => (operation === 'abs' ? 2 : operation === 'scale' ? 2 * x : x + 2));
        const found = [drawn[name]].flat();
        // abs goes through nominal + (2 - nominal): one rounding.
        for (const [j, value] of found.entries()) expect(value, `${name} ${operation}`).toBeCloseTo(expected[j]!, 14);
        expect({ ...drawn, [name]: nominal[name] }).toEqual(nominal);
      }
    }
  });

  it('are drawn joints first, then scalars, each in the order of its list, whatever the order of the table', () => {
    // Pinned: a new parameter goes to the end of its list, or every seed means something else.
    expect(everyName.filter((name) => ['damping', 'torqueLimit', 'latency', 'sensorLatency'].includes(name))).toEqual([
      'damping',
      'torqueLimit',
      'latency',
      'sensorLatency',
    ]);
    const table: RandomizationTable = {
      contactFriction: { operation: 'abs', range: [0.3, 1.2] },
      latency: { operation: 'add', range: [0, 0.02] },
      damping: { operation: 'scale', range: [0.5, 1.5] },
      massScale: { operation: 'scale', range: [0.8, 1.2] },
    };
    const random = new RandomStream(keyOf(seed));
    const width = 0.7;
    const scaled = (x: number, a: number, b: number) => x * (1 + width * (random.between(a, b) - 1));
    const drawn = sample(table, width);
    // To the bit: recorded runs depend on it.
    expect(drawn.massScale).toEqual(nominal.massScale.map((x) => scaled(x, 0.8, 1.2)));
    expect(drawn.damping).toEqual(nominal.damping.map((x) => scaled(x, 0.5, 1.5)));
    expect(drawn.latency).toBe(nominal.latency + width * random.between(0, 0.02));
    expect(drawn.contactFriction).toBe(0.8 + width * (random.between(0.3, 1.2) - 0.8));
  });

  it('of one draw for all joints share it', () => {
    const term: RandomizationTerm = { operation: 'scale', range: [0.5, 2], shared: true };
    const drawn = sample({ damping: term, latency: { operation: 'abs', range: [0, 1] } }, 1);
    const [u0, u1] = uniforms(2) as [number, number];
    expect(drawn.damping[0]! / nominal.damping[0]!).toBeCloseTo(0.5 + 1.5 * u0, 14);
    expect(drawn.damping[1]! / nominal.damping[1]!).toBeCloseTo(0.5 + 1.5 * u0, 14);
    expect(drawn.latency).toBeCloseTo(u1, 14);
  });

  it('of startup are drawn by sampleStartup alone, and episodes vary around them', () => {
    const table: RandomizationTable = {
      payload: { operation: 'add', range: [1, 3], mode: 'startup' },
      pseudoInertia: { density: [-0.2, 0.2], mode: 'startup' },
      contactFriction: { operation: 'abs', range: [0.3, 0.5] },
      gravity: { operation: 'add', range: [0.5, 1], mode: 'interval', everySeconds: [1, 2] },
    };
    const started = sampleStartup(nominal, table, 1, new RandomStream(keyOf(seed)));
    expect(started.payload).toBeGreaterThanOrEqual(1.5);
    expect(started.pseudoInertia).toHaveLength(30);
    expect({ ...started, payload: 0.5, pseudoInertia: undefined }).toEqual({ ...nominal, pseudoInertia: undefined });
    const episode = sampleDynamics(started, table, 1, new RandomStream(keyOf(seed + 1)));
    expect(episode.payload).toBe(started.payload);
    expect(episode.pseudoInertia).toEqual(started.pseudoInertia);
    expect(episode.contactFriction).toBeLessThan(0.5);
    expect(episode.gravity).toBeGreaterThan(10.3);
  });

  it('of pseudo-inertia fill their groups for the base and every moved link, scaled by the width', () => {
    const table: RandomizationTable = { pseudoInertia: { density: [0.1, 0.2], shift: [-0.02, -0.01] } };
    const whole = sample(table, 1).pseudoInertia!;
    for (let link = 0; link < 3; link++) {
      const [alpha, ...rest] = whole.slice(10 * link, 10 * link + 10) as [number, ...number[]];
      expect(alpha).toBeGreaterThanOrEqual(0.1);
      expect(alpha).toBeLessThan(0.2);
      expect(rest.slice(0, 6)).toEqual([0, 0, 0, 0, 0, 0]);
      for (const t of rest.slice(6)) expect(Math.abs(t + 0.015)).toBeLessThanOrEqual(0.005);
    }
    expect(new Set(whole).size).toBe(1 + 3 * 4);
    for (const [i, value] of sample(table, 0.5).pseudoInertia!.entries()) expect(value).toBeCloseTo(whole[i]! / 2, 14);
    const flat = flattenDynamics({ ...nominal, pseudoInertia: whole }, ['hip', 'knee']);
    expect(flat['pseudoInertia.base.alpha']).toBe(whole[0]);
    expect(flat['pseudoInertia.knee.t3']).toBe(whole[29]);
  });
});

describe('distributions', () => {
  const count = 20000;
  const random = new RandomStream(keyOf(seed));
  const drawn = (term: Omit<RandomizationTerm, 'operation'>) =>
    Float64Array.from({ length: count }, () => sample({ payload: { operation: 'abs', ...term } }, 1, random).payload);
  const mean = (x: Float64Array) => x.reduce((sum, v) => sum + v, 0) / x.length;
  const deviation = (x: Float64Array) => {
    const centre = mean(x);
    return Math.sqrt(mean(x.map((v) => (v - centre) ** 2)));
  };

  // Means of 20,000 draws lie within 5 standard errors of the theory: sd / sqrt(20000) * 5 = 0.035 sd.
  it(`uniform: mean and deviation, seed ${seed}`, () => {
    const x = drawn({ range: [1, 5] });
    expect(Math.abs(mean(x) - 3)).toBeLessThan(0.035 * (4 / Math.sqrt(12)));
    expect(Math.abs(deviation(x) / (4 / Math.sqrt(12)) - 1)).toBeLessThan(0.03);
  });

  it(`logUniform: mean, median and bounds, seed ${seed}`, () => {
    const x = drawn({ range: [0.1, 10], distribution: 'logUniform' });
    // E x = (b - a) / ln(b / a); E log x = 0; log x has the deviation ln(100) / sqrt(12).
    expect(Math.abs(mean(x) / (9.9 / Math.log(100)) - 1)).toBeLessThan(0.05);
    expect(Math.abs(mean(x.map(Math.log)))).toBeLessThan(0.035 * (Math.log(100) / Math.sqrt(12)));
    expect(Math.min(...x)).toBeGreaterThanOrEqual(0.1 * (1 - 1e-12));
    expect(Math.max(...x)).toBeLessThanOrEqual(10 * (1 + 1e-12));
  });

  it(`gaussian: mean, deviation and where it is cut, seed ${seed}`, () => {
    const x = drawn({ range: [2, 0.5], distribution: 'gaussian' });
    expect(Math.abs(mean(x) - 2)).toBeLessThan(0.035 * 0.5);
    // sd of a normal cut at 3: sqrt(1 - 6 phi(3) / (2 Phi(3) - 1)) = 0.98658
    expect(Math.abs(deviation(x) / (0.5 * 0.98658) - 1)).toBeLessThan(0.025);
    const furthest = Math.max(...x.map((v) => Math.abs(v - 2)));
    expect(furthest).toBeLessThanOrEqual(1.5);
    // Of 20,000 normal draws 54 would lie beyond 3 sd, and 50 more within 2.9 and 3.
    expect(furthest).toBeGreaterThan(1.45);
  });

  it(`gaussian within bounds: half a normal, seed ${seed}`, () => {
    const x = drawn({ range: [2, 0.5], distribution: 'gaussian', within: [2, 9] });
    expect(Math.min(...x)).toBeGreaterThanOrEqual(2);
    // Half a normal's mean is sd sqrt(2 / pi), cut at 3 sd a hundredth less; its deviation 0.6 sd, of which 0.035 as above.
    expect(Math.abs(mean(x) - 2 - 0.5 * Math.sqrt(2 / Math.PI))).toBeLessThan(0.035 * 0.3 + 0.005);
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
