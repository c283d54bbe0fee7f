/** The SIMD learner against the tfjs reference: gradient by gradient in one update, parameter by parameter over many. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NumericError } from '../../../core/errors.ts';
import { keyOf } from '../../../core/rng.ts';
import { type Backend, openBackend } from '../../../policy/backend.ts';
import { Sac } from '../../../policy/sac.ts';
import type { SacNetworks, SacSettings } from '../../../policy/sac-learner.ts';
import { SimdSac } from '../../../policy/simd/simd-sac.ts';
import { batchOf, networks, seed, settings } from '../sac-cases.ts';

const KEY = keyOf(seed);

let backend: Backend;
beforeAll(async () => {
  backend = await openBackend('cpu');
});
afterAll(() => backend.close());

/** Largest difference, as a share of the largest number of the reference. */
function difference(a: Float32Array, b: Float32Array): number {
  const scale = a.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-12);
  return a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0) / scale;
}

const blind: SacNetworks = { actor: networks.actor, criticHidden: [8], initialLogStd: 0 };
const variants: [string, SacNetworks, Partial<SacSettings>][] = [
  ['ensemble with layer normalisation and a critic of its own sight', networks, {}],
  ['two plain critics that see what the actor sees', blind, { critics: 2, subset: 2, layerNorm: false }],
  ['no entropy in the targets', networks, { backupEntropy: false, subset: 1 }],
  ['relu', { ...blind, actor: { ...blind.actor, activation: 'relu' } }, { critics: 2 }],
  [
    'tanh, an actor at every other update',
    { ...networks, actor: { ...networks.actor, activation: 'tanh' } },
    { actorEvery: 2 },
  ],
];

describe.each(variants)('%s', (_, nets, changes) => {
  const s = { ...settings, ...changes };
  const draw = (update: number) => batchOf(100 + update, nets, s);

  it('has the gradients of the reference', async () => {
    const [reference, fast] = [new Sac(backend, nets, s, KEY), new SimdSac(nets, s, KEY)];
    const first = await reference.state();
    expect(first.parameters).toEqual((await fast.state()).parameters);
    const stats = [await reference.update(s.actorEvery, draw), await fast.update(s.actorEvery, draw)] as const;
    const [a, b] = [await reference.state(), await fast.state()];
    // The first moment of a first step is a tenth of its gradient; Float32 sums over 32 rows.
    expect(difference(a.firstMoment, b.firstMoment)).toBeLessThan(2e-5);
    const critics = first.parameters.length / 2;
    expect(a.firstMoment.slice(0, critics).filter((m) => m !== 0).length).toBeGreaterThan(0.8 * critics);
    for (const key of ['criticLoss', 'actorLoss', 'qValue', 'entropy', 'temperature', 'std'] as const)
      expect(stats[1][key]).toBeCloseTo(stats[0][key], 4);
    reference.dispose();
  });

  it('learns the same parameters in twenty updates', async () => {
    const [reference, fast] = [new Sac(backend, nets, s, KEY), new SimdSac(nets, s, KEY)];
    const before = (await fast.state()).parameters;
    await reference.update(20, draw);
    await fast.update(20, draw);
    const [a, b] = [await reference.state(), await fast.state()];
    expect(b.steps).toBe(20);
    expect(difference(a.parameters, before)).toBeGreaterThan(5e-3);
    // Adam divides by the root of what may be rounding: a few parameters move apart by a share of a step of 1e-3.
    expect(difference(a.parameters, b.parameters)).toBeLessThan(1e-3);
    reference.dispose();
  });
});

describe('SimdSac', () => {
  it('goes on from a saved state to the bit, its own or the reference’s', async () => {
    const draw = (update: number) => batchOf(update);
    const whole = new SimdSac(networks, settings, KEY);
    await whole.update(6, draw);
    const first = new SimdSac(networks, settings, KEY);
    await first.update(4, draw);
    const resumed = new SimdSac(networks, settings, keyOf(9));
    resumed.load(await first.state());
    await resumed.update(2, draw);
    expect(await resumed.state()).toEqual(await whole.state());
    const reference = new Sac(backend, networks, settings, KEY);
    reference.load(await first.state());
    expect(await reference.state()).toEqual(await first.state());
    reference.dispose();
  });

  it('stops at a loss that is not finite', async () => {
    const learner = new SimdSac(networks, settings, KEY);
    const draw = () => ({ ...batchOf(1), reward: new Float32Array(settings.batchSize).fill(Number.NaN) });
    await expect(learner.update(1, draw)).rejects.toThrow(NumericError);
    await expect(learner.update(1, draw)).rejects.toThrow(/updates 1 to 1/);
  });
});
