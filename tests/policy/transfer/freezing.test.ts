/**
 * Freezing, on both learners: frozen bytes over 50 updates, features to 0 ulp, everything else moved, toggles refused; and that each of
 * these would be noticed.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LandfallError } from '../../../core/errors.ts';
import { type Backend, openBackend } from '../../../policy/backend.ts';
import { Mlp, splitTensors, tensorSizes } from '../../../policy/mlp.ts';
import { ARMS, type FineTuneArm, type PolicySource } from '../../../policy/transfer/arms.ts';
import { prepareArm } from '../../../policy/transfer/fine-tune.ts';
import { FreezeManager, NORMALIZER } from '../../../policy/transfer/freezing.ts';
import { layersNamed, parameterLayers } from '../../../policy/transfer/parameter-layers.ts';
import { armSettings, batchOf, furthest, ITERATIONS, learnerOf, meansOf, sourceOf } from './learner-cases.ts';

const source = sourceOf();
const layers = parameterLayers(source.network);
const gradient = source.parameters.map((w, i) => w * Math.sin(i));
const prepare = (name: FineTuneArm, from: PolicySource = source) =>
  prepareArm(name, from, { ...armSettings, gradient }, { exploration: -1, retention: 0.5 });

describe('layers', () => {
  it('have names and places, and parts that stand for several', () => {
    // 5-12-8-1: 72, 104 and 9 numbers, 1 log-std; the critic's 5-9-1: 54 and 10.
    expect(layers.map(({ name, from, to }) => [name, from, to])).toEqual([
      ['body.0', 0, 72],
      ['body.1', 72, 176],
      ['head', 176, 185],
      ['log-std', 185, 186],
      ['critic.0', 186, 240],
      ['critic.1', 240, 250],
    ]);
    expect(layersNamed(layers, ['body', 'critic.1']).map(({ name }) => name)).toEqual(['body.0', 'body.1', 'critic.1']);
    expect(() => layersNamed(layers, ['body.2'])).toThrow(/no layer is named body.2/);
  });

  it('of an encoder are not the body', () => {
    const actor = { kind: 'gru' as const, cell: 6, layers: [5, 8, 1], activation: 'elu' as const };
    expect(parameterLayers({ ...source.network, actor }).map(({ name }) => name)).toEqual([
      'encoder.0',
      'encoder.1',
      'body.0',
      'head',
      'log-std',
      'critic.0',
      'critic.1',
    ]);
  });
});

describe('a seal', () => {
  const manager = new FreezeManager(layers);
  manager.freeze('body', 'log-std', NORMALIZER);
  const { normalizer } = source.contract;
  const seal = manager.seal(source.parameters, normalizer);

  it('holds while only others change', () => {
    const changed = source.parameters.map((w, i) => (i < 176 || i === 185 ? w : w + 1));
    expect(seal.check(changed, normalizer)).toBe(seal.digest);
    expect(manager.frozen).toEqual(['body.0', 'body.1', 'log-std', 'normalizer']);
  });

  it('breaks with one bit of a layer or of the observation statistics, and says which', () => {
    for (const [i, name] of [
      [0, 'body.0'],
      [175, 'body.1'],
      [185, 'log-std'],
    ] as const) {
      const changed = source.parameters.slice();
      const bits = new Uint32Array(changed.buffer);
      bits[i] = bits[i]! ^ 1;
      expect(() => seal.check(changed, normalizer)).toThrow(new RegExp(`learned: ${name}$`));
    }
    const drifted = { ...normalizer, count: normalizer.count + 1 };
    expect(() => seal.check(source.parameters, drifted)).toThrow(/learned: normalizer$/);
    manager.unfreeze(NORMALIZER);
    expect(() => manager.seal(source.parameters, normalizer).check(source.parameters, drifted)).not.toThrow();
  });
});

describe.each(['cpu', 'simd'] as const)('on %s', (name) => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await openBackend(name);
  });
  afterAll(() => backend.close());

  // Threads start slowly: on the kernel one arm of each kind of plan.
  const arms: readonly FineTuneArm[] =
    name === 'cpu' ? (Object.keys(ARMS) as FineTuneArm[]) : ['head', 'gradual', 'lora', 'column'];
  it.each(arms)('%s: frozen bytes, and everything else moves', async (arm) => {
    const prepared = prepare(arm);
    const { plan, initial, manager } = prepared;
    const learner = learnerOf(backend, prepared);
    const seal = manager.seal(initial, source.contract.normalizer);
    const rehearsed = { coefficient: 0.5, mean: new Float32Array(16), logStd: new Float32Array(1) };
    for (let t = 0; t < ITERATIONS; t++) {
      const batch = batchOf(t);
      await learner.update({ ...batch, rehearsal: { ...rehearsed, size: 16, obs: batch.obs } }, t);
    }
    const { parameters } = await learner.state();
    learner.dispose();
    seal.check(parameters, source.contract.normalizer);
    const written = new Set<number>(
      plan.adapter === undefined
        ? []
        : plan.adapter.kind === 'shared'
          ? plan.adapter.to
          : plan.adapter.layers.flatMap(({ from, inputs, outputs }) =>
              Array.from({ length: (inputs + Number(plan.adapter!.kind === 'film')) * outputs }, (_, i) => from + i),
            ),
    );
    const last = plan.rates(ITERATIONS - 1);
    for (const [i, rate] of last.entries()) {
      const moves = rate !== 0 || written.has(i);
      expect(Object.is(parameters[i], initial[i]), `number ${i}`).toBe(!moves);
    }
    // What is frozen as a whole is at least the exploration.
    expect(parameters[initial.length - 65]).toBe(-1);
  });

  it('leaves the features of a frozen body alone to the last bit, while its actions change', async () => {
    const prepared = prepare('head');
    const learner = learnerOf(backend, prepared);
    const before = (await learner.state()).parameters;
    for (let t = 0; t < ITERATIONS; t++) await learner.update(batchOf(t), t);
    const after = (await learner.state()).parameters;
    learner.dispose();
    const features = (parameters: Float32Array) => {
      const out = new Float32Array(8);
      const tensors = splitTensors(parameters, tensorSizes([5, 12, 8]));
      new Mlp([5, 12, 8], 'elu').forward(tensors, Float32Array.of(0.3, -1, 2, 0.1, -0.7), out);
      return out;
    };
    expect(features(after)).toEqual(features(before));
    const { actor } = source.network;
    expect(furthest(meansOf(actor, after), meansOf(actor, before))).toBeGreaterThan(0.01);
  });

  it('refuses to go on after a toggle, until plan and learner are made anew', async () => {
    const manager = new FreezeManager(layers);
    manager.freeze('body.0', 'body.1');
    const prepared = { ...prepare('full'), plan: manager.plan() };
    const learner = learnerOf(backend, prepared);
    await learner.update(batchOf(0), 0);
    // As many layers are frozen as before: a count would not notice.
    manager.unfreeze('body.1');
    manager.freeze('head');
    await expect(learner.update(batchOf(1), 1)).rejects.toThrow(LandfallError);
    const again = learnerOf(backend, { ...prepared, plan: manager.plan() });
    await again.update(batchOf(1), 0);
    const { parameters } = await again.state();
    expect(parameters.slice(176, 185)).toEqual(source.parameters.slice(176, 185));
    learner.dispose();
    again.dispose();
  });

  it('starts the optimiser anew where another layer begins to learn', async () => {
    const prepared = prepare('gradual');
    const learner = learnerOf(backend, prepared);
    // Three groups in 50 iterations: one more with every 12.5.
    for (let t = 0; t <= 13; t++) {
      await learner.update(batchOf(t), t);
      expect((await learner.state()).steps, `after iteration ${t}`).toBe(t < 13 ? t + 1 : 1);
    }
    learner.dispose();
  });
});
