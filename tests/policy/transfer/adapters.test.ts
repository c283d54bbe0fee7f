/**
 * Adapters and columns: the policy they begin with is the old one, their gradients are those of finite differences, and both learners
 * learn the same with them. Closed forms of a rank-1 product by hand.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { type Backend, openBackend } from '../../../policy/backend.ts';
import { type AdapterSpec, adapterSize, expand, identityOf, pullBack } from '../../../policy/transfer/adapter.ts';
import { actorOf, type FineTuneArm } from '../../../policy/transfer/arms.ts';
import { prepareArm } from '../../../policy/transfer/fine-tune.ts';
import { progressiveColumn, residualHead } from '../../../policy/transfer/wide-network.ts';
import { armSettings, batchOf, furthest, learnerOf, meansOf, sourceOf } from './learner-cases.ts';

const source = sourceOf();
const ADAPTED = ['lora', 'film', 'residual', 'column'] as const;

describe('at the start', () => {
  it.each(ADAPTED.flatMap((arm) => (['elu', 'relu', 'tanh'] as const).map((activation) => [arm, activation] as const)))(
    '%s of a network of %s is the old policy',
    (name, activation) => {
      const from = sourceOf(activation);
      const { arm, plan, initial } = prepareArm(name, from, armSettings);
      const merged = initial.slice();
      if (plan.adapter !== undefined) expand(plan.adapter, identityOf(plan.adapter, keyOf(2)), initial, merged);
      // Float32 sums in another order.
      const [now, before] = [
        meansOf(arm.network as typeof from.network.actor, merged),
        meansOf(from.network.actor, actorOf(from)),
      ];
      expect(furthest(now, before)).toBeLessThan(1e-6);
      expect(furthest(before, new Float32Array(30))).toBeGreaterThan(0.1);
    },
  );
});

describe('a residual head', () => {
  it.each(['elu', 'relu', 'tanh'] as const)(
    'of %s never changes an action by more than beta, and uses most of it',
    (activation) => {
      const { network, parameters } = sourceOf(activation);
      const actor = parameters.slice(0, 186);
      const head = residualHead(network.actor, actor, 6, 0.2, keyOf(4));
      const random = new RandomStream(keyOf(9));
      const theta = Float32Array.from({ length: adapterSize(head.adapter) }, () => 4 * random.normal());
      const merged = head.actor.slice();
      expand(head.adapter, theta, head.actor, merged);
      const change = furthest(meansOf(head.network, merged), meansOf(network.actor, actor));
      expect(change).toBeGreaterThan(0.15);
      expect(change).toBeLessThan(0.2 + 1e-5);
    },
  );
});

describe('a column', () => {
  it('reads the old body, leaves it alone and is as wide as asked', () => {
    const { network, rates, layers } = progressiveColumn(source.network.actor, actorOf(source), 3, keyOf(1));
    expect(network.layers).toEqual([5, 15, 11, 1]);
    // First layer: 3 new columns of 5 inputs and a bias; second: of 15 inputs; the head's 11 weights and its bias.
    expect(rates.reduce((a, b) => a + b)).toBe(3 * 6 + 3 * 16 + 12);
    const second = layers[1]!;
    for (let i = 0; i < 16; i++)
      for (let j = 0; j < 11; j++) expect(rates[second.from + i * 11 + j]).toBe(j < 8 ? 0 : 1);
  });
});

describe('gradients', () => {
  it('of a product of rank 1, by hand', () => {
    // W 2x1, P = (p1, p2), Q = (q): W = W0 + 2 P q, so dL/dP = 2 g q, dL/dq = 2 (p1 g1 + p2 g2)
    const spec: AdapterSpec = { kind: 'low-rank', layers: [{ from: 0, inputs: 2, outputs: 1 }], rank: 1, scale: 2 };
    const theta = Float32Array.of(3, 5, 7);
    const base = Float32Array.of(10, 20, 99);
    const merged = base.slice();
    expand(spec, theta, base, merged);
    expect(Array.from(merged)).toEqual([10 + 2 * 21, 20 + 2 * 35, 99]);
    const out = new Float32Array(3);
    pullBack(spec, theta, base, Float32Array.of(1, 10, 100), out);
    expect(Array.from(out)).toEqual([14, 140, 2 * (3 + 50)]);
  });

  it.each(['lora', 'film', 'residual'] as const)('of %s are those of finite differences', (name) => {
    const { plan, initial } = prepareArm(name, source, armSettings);
    const spec = plan.adapter!;
    const random = new RandomStream(keyOf(6));
    const theta = Float32Array.from({ length: adapterSize(spec) }, () => 0.5 * random.normal());
    const slope = Float32Array.from(initial, () => random.normal());
    // L = slope . w(theta), in double precision but for the weights
    const loss = (at: Float32Array) => {
      const merged = initial.slice();
      expand(spec, at, initial, merged);
      return merged.reduce((sum, w, i) => sum + w * slope[i]!, 0);
    };
    const found = new Float32Array(theta.length);
    pullBack(spec, theta, initial, slope, found);
    for (let i = 0; i < theta.length; i += 3) {
      const [up, down] = [theta.slice(), theta.slice()];
      up[i] = up[i]! + 0.25;
      down[i] = down[i]! - 0.25;
      // Linear in each number: no error but that of float32 weights, 250 * 6e-8 * 3 / 0.5.
      expect(Math.abs((loss(up) - loss(down)) / 0.5 - found[i]!)).toBeLessThan(1e-4);
    }
  });
});

describe('both learners', () => {
  let reference: Backend;
  let kernel: Backend;
  beforeAll(async () => {
    reference = await openBackend('cpu');
    kernel = await openBackend('simd');
  });
  afterAll(() => {
    reference.close();
    kernel.close();
  });

  it.each(['l2sp', 'lora', 'residual'] as const satisfies readonly FineTuneArm[])(
    'learn the same by %s, with rates, pull, adapter, rehearsal and a critic that is warmed up',
    async (name) => {
      const options = { exploration: -1, criticWarmup: 1 };
      const prepared = prepareArm(name, source, { ...armSettings, l2sp: 3 }, options);
      const changes = { learningRate: 1e-3, epochs: 2, minibatches: 2, maxGradNorm: 0.5, targetKl: 0.01 };
      const [slow, fast] = [learnerOf(reference, prepared, changes), learnerOf(kernel, prepared, changes)];
      for (let t = 0; t < 4; t++) {
        const batch = batchOf(t, 40);
        const { obs } = batchOf(t + 50, 30);
        const mean = Float32Array.from({ length: 30 }, (_, i) => Math.sin(i));
        const rehearsal = { coefficient: 2, size: 30, obs, mean, logStd: Float32Array.of(-0.7) };
        const expected = await slow.update({ ...batch, rehearsal }, t);
        const found = await fast.update({ ...batch, rehearsal }, t);
        expect(Math.abs(found.gradNorm - expected.gradNorm)).toBeLessThan(1e-4 * expected.gradNorm);
        const [a, b] = [(await slow.state()).parameters, (await fast.state()).parameters];
        // 16 steps of 1e-3: a wrong term moves numbers by some 1e-4.
        expect(furthest(a, b)).toBeLessThan(3e-5);
        const moved = furthest(a.slice(0, actorOf(source).length - 1), prepared.initial);
        if (t === 0) expect(moved).toBe(0);
        else expect(moved).toBeGreaterThan(3e-4);
      }
      slow.dispose();
      fast.dispose();
    },
  );

  it('of any number of threads learns the same bytes by an adapter', async () => {
    const prepared = prepareArm('lora', source, armSettings, { exploration: -1 });
    const results: string[] = [];
    for (const threads of [1, 4]) {
      const learner = learnerOf(kernel, prepared, {}, threads);
      for (let t = 0; t < 3; t++) await learner.update(batchOf(t, 100), t);
      results.push(JSON.stringify(Array.from((await learner.state()).parameters)));
      learner.dispose();
    }
    expect(results[0]).toBe(results[1]);
  });
});
