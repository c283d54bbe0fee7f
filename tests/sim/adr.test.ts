/** ADR against planted policies: one that always succeeds, one that never does, and one that falls off a cliff. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { foldIn, keyOf, RandomStream } from '../../core/rng.ts';
import {
  ADR_DEFAULTS,
  type AdrOutcome,
  type AdrSettings,
  type AdrState,
  adrEntropy,
  adrRanges,
  boundOf,
  initialAdr,
  updateAdr,
  withRanges,
} from '../../sim/adr.ts';
import { type Dynamics, nominalDynamics } from '../../sim/dynamics.ts';
import { sampleDynamics } from '../../sim/randomization.ts';
import type { RandomizationTable } from '../../sim/randomization-terms.ts';
import { parseUrdf } from '../../sim/urdf.ts';

const SEEDS = [1, 2, 3, 4, 5];
const DELTA = 0.02;
const CLIFF = 0.3;
const settings: AdrSettings = {
  ...ADR_DEFAULTS,
  episodes: 32,
  parameters: [
    { name: 'contactFriction', initial: [0.8, 0.8], limits: [0.05, 1.2], delta: DELTA },
    { name: 'baseMassScale', initial: [0.95, 1.05], limits: [0.8, 1.3], delta: DELTA },
  ],
};
const [FRICTION_LOW, FRICTION_HIGH, MASS_LOW, MASS_HIGH] = [0, 1, 2, 3] as const;
const nominal = nominalDynamics(parseUrdf(readFileSync('configs/robots/pendulum.urdf', 'utf8'), { where: 'pendulum' }));
const table: RandomizationTable = {
  contactFriction: { operation: 'abs', range: [0.05, 1.2] },
  baseMassScale: { operation: 'scale', range: [0.8, 1.3] },
  gravity: { operation: 'add', range: [-0.1, 0.1] },
};

/** The states after every batch of 64 episodes, each drawn as a simulation draws it. */
function train(
  seed: number,
  batches: number,
  perform: (dynamics: Dynamics, random: RandomStream) => number,
  of = settings,
): AdrState[] {
  let state = initialAdr(of);
  const states = [state];
  for (let batch = 0; batch < batches; batch++) {
    const outcomes: AdrOutcome[] = [];
    for (let i = 0; i < 64; i++) {
      const key = foldIn(foldIn(keyOf(seed), batch), i);
      const bound = boundOf(of, foldIn(key, 1));
      const ranges = withRanges(table, adrRanges(of, state, bound));
      const random = new RandomStream(foldIn(key, 2));
      const performance = perform(sampleDynamics(nominal, ranges, 1, random), random);
      if (bound !== null) outcomes.push({ bound, value: state.bounds[bound]!, performance });
    }
    state = updateAdr(of, state, outcomes);
    states.push(state);
  }
  return states;
}

/** `count` outcomes at a bound where it stands. */
function at(state: AdrState, bound: number, performance: number, count: number): AdrOutcome[] {
  return Array.from({ length: count }, () => ({ bound, value: state.bounds[bound]!, performance }));
}

describe('the planted cliff', () => {
  it.each(SEEDS)('below friction 0.3 everything fails: the bound stops there, not before, seed %i', (seed) => {
    const states = train(seed, 400, (dynamics) => (dynamics.contactFriction >= CLIFF ? 1 : 0));
    const lower = states.map((state) => state.bounds[FRICTION_LOW]!);
    const arrived = lower.findIndex((bound) => bound <= CLIFF + 2 * DELTA);
    expect(arrived).toBeGreaterThan(0);
    // Until there it only ever moved out, and from there on it stays within two steps of the cliff.
    for (let i = 1; i <= arrived; i++) expect(lower[i]!).toBeLessThanOrEqual(lower[i - 1]!);
    expect(states.length - arrived).toBeGreaterThan(100);
    for (const bound of lower.slice(arrived)) expect(Math.abs(bound - CLIFF)).toBeLessThanOrEqual(2 * DELTA);
    // A failing bound holds none of the others back.
    expect(states.at(-1)!.bounds[FRICTION_HIGH]).toBe(1.2);
    expect(states.at(-1)!.bounds[MASS_LOW]).toBe(0.8);
    expect(states.at(-1)!.bounds[MASS_HIGH]).toBe(1.3);
  });

  it.each(SEEDS)('luck on both sides of it changes nothing, seed %i', (seed) => {
    // Success 0.92 above, 0.2 below. Of 32 the mean must be >= 0.8 or <= 0.5: 4 standard errors of 0.05 and 0.07 from the wrong one.
    const noisy = (dynamics: Dynamics, random: RandomStream) =>
      random.uniform() < (dynamics.contactFriction >= CLIFF ? 0.92 : 0.2) ? 1 : 0;
    const states = train(seed, 400, noisy);
    const lower = states.map((state) => state.bounds[FRICTION_LOW]!);
    const arrived = lower.findIndex((bound) => bound <= CLIFF + 2 * DELTA);
    expect(arrived).toBeGreaterThan(0);
    for (const bound of lower.slice(arrived)) expect(Math.abs(bound - CLIFF)).toBeLessThanOrEqual(2 * DELTA);
    expect(states.at(-1)!.bounds[FRICTION_HIGH]).toBe(1.2);
  });

  it('with success everywhere every bound ends at its limit, after (limit - initial) / delta judgements of its own', () => {
    expect(train(1, 400, () => 1).at(-1)!.bounds).toEqual([0.05, 1.2, 0.8, 1.3]);
    let state = initialAdr(settings);
    // 0.4 / 0.02 = 20
    for (let i = 0; i < 20; i++) {
      expect(state.bounds[FRICTION_HIGH]).toBeCloseTo(0.8 + i * DELTA, 12);
      state = updateAdr(settings, state, at(state, FRICTION_HIGH, 1, 32));
    }
    expect(state.bounds).toEqual([0.8, expect.closeTo(1.2, 12), 0.95, 1.05]);
    state = updateAdr(settings, state, at(state, FRICTION_HIGH, 1, 32));
    expect(state.bounds[FRICTION_HIGH]).toBe(1.2);
  });

  it('with failure everywhere the ranges stay where they began, and go back there', () => {
    expect(train(1, 50, () => 0).at(-1)!.bounds).toEqual(initialAdr(settings).bounds);
    let state = initialAdr(settings);
    for (let i = 0; i < 3; i++) state = updateAdr(settings, state, at(state, FRICTION_LOW, 1, 32));
    expect(state.bounds[FRICTION_LOW]).toBeCloseTo(0.74, 12);
    for (let i = 0; i < 5; i++) state = updateAdr(settings, state, at(state, FRICTION_LOW, 0, 32));
    expect(state.bounds).toEqual(initialAdr(settings).bounds);
  });
});

describe('updateAdr', () => {
  const start = initialAdr(settings);

  it('judges a full buffer alone, by its mean, and then empties it', () => {
    const filling = updateAdr(settings, start, at(start, MASS_LOW, 1, 31));
    expect(filling.bounds).toEqual(start.bounds);
    expect(filling.buffers[MASS_LOW]).toHaveLength(31);
    const full = updateAdr(settings, filling, at(start, MASS_LOW, 0, 1));
    expect(full.bounds[MASS_LOW]).toBeCloseTo(0.93, 12);
    expect(full.buffers[MASS_LOW]).toEqual([]);
    // Between the thresholds it stays.
    expect(updateAdr(settings, start, at(start, MASS_LOW, 0.65, 32))).toEqual(start);
    // On them it moves.
    expect(updateAdr(settings, start, at(start, MASS_LOW, 0.8, 32)).bounds[MASS_LOW]).toBeCloseTo(0.93, 12);
  });

  it('leaves out what was done at an earlier bound', () => {
    const moved = updateAdr(settings, start, at(start, MASS_LOW, 1, 40));
    // 32 moved the bound; the other 8 began at the old one.
    expect(moved.buffers[MASS_LOW]).toEqual([]);
    expect(updateAdr(settings, moved, at(start, MASS_LOW, 0, 100))).toEqual(moved);
  });

  it('changes nothing of the state that it is given', () => {
    const before = structuredClone(start);
    updateAdr(settings, start, at(start, MASS_LOW, 1, 50));
    expect(start).toEqual(before);
  });

  it('goes on from JSON to the same bytes', () => {
    const perform = (dynamics: Dynamics) => (dynamics.contactFriction >= CLIFF ? 1 : 0);
    const middle = train(1, 100, perform).at(-1)!;
    expect(JSON.parse(JSON.stringify(middle))).toEqual(middle);
    const outcomes = at(middle, FRICTION_LOW, 1, 40);
    expect(updateAdr(settings, JSON.parse(JSON.stringify(middle)), outcomes)).toEqual(
      updateAdr(settings, middle, outcomes),
    );
  });
});

describe('episodes', () => {
  it('test a bound in boundaryFraction of all, each bound as often, seed 1', () => {
    const counts = [0, 0, 0, 0];
    let inner = 0;
    for (let i = 0; i < 20_000; i++) {
      const bound = boundOf({ ...settings, boundaryFraction: 0.4 }, foldIn(keyOf(1), i));
      if (bound === null) inner++;
      else counts[bound]!++;
    }
    // 5 standard deviations: sqrt(20000 * 0.6 * 0.4) = 69, sqrt(20000 * 0.1 * 0.9) = 42.
    expect(Math.abs(inner - 12_000)).toBeLessThan(350);
    for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(210);
  });

  it('put one parameter at its bound and the others into their ranges', () => {
    const state: AdrState = { bounds: [0.4, 0.9, 0.85, 1.2], buffers: [[], [], [], []] };
    expect(adrRanges(settings, state, null)).toEqual({ contactFriction: [0.4, 0.9], baseMassScale: [0.85, 1.2] });
    expect(adrRanges(settings, state, MASS_HIGH)).toEqual({ contactFriction: [0.4, 0.9], baseMassScale: [1.2, 1.2] });
    const ranges = withRanges(table, adrRanges(settings, state, FRICTION_LOW));
    expect(ranges).toEqual({
      contactFriction: { operation: 'abs', range: [0.4, 0.4] },
      baseMassScale: { operation: 'scale', range: [0.85, 1.2] },
      gravity: table.gravity,
    });
    const drawn = sampleDynamics(nominal, ranges, 1, new RandomStream(keyOf(1)));
    expect(drawn.contactFriction).toBeCloseTo(0.4, 14);
  });

  it('have the entropy of their ranges', () => {
    expect(adrEntropy({ bounds: [0, Math.E, 1, 2], buffers: [] })).toBeCloseTo(0.5, 12);
    expect(adrEntropy(initialAdr(settings))).toBe(-Infinity);
  });
});

describe('settings that cannot be met', () => {
  it('are refused, naming the parameter', () => {
    const outside = { name: 'payload', initial: [0, 2], limits: [0, 1], delta: 0.1 } as const;
    expect(() => initialAdr({ ...settings, parameters: [outside] })).toThrow(/ADR of payload .*initial \[0, 2\]/);
    expect(() => initialAdr({ ...settings, lower: 0.9 })).toThrow(InputError);
    const gaussian: RandomizationTable = { payload: { operation: 'add', range: [0, 1], distribution: 'gaussian' } };
    expect(() => withRanges(gaussian, { payload: [0, 1] })).toThrow(/bounds of payload/);
  });
});
