/** A body under another task: observations by name, the same actions where nothing new is seen, what is the source's is marked. */

import { describe, expect, it } from 'vitest';
import { armPush } from '../../../configs/arm-push.ts';
import { armReach } from '../../../configs/arm-reach.ts';
import { pendulum } from '../../../configs/pendulum.ts';
import type { Contract } from '../../../core/contract.ts';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { openExperiment } from '../../../loop/experiment.ts';
import { Actor } from '../../../policy/actor.ts';
import { sizesOf } from '../../../policy/architecture.ts';
import { splitTensors } from '../../../policy/mlp.ts';
import { observationMap, reuseBody, sourceForTask } from '../../../policy/transfer/body-reuse.ts';
import { prepareArm } from '../../../policy/transfer/fine-tune.ts';
import { armSettings } from './learner-cases.ts';

const hidden = (sizes: number[], config: typeof armReach) => ({
  ...config,
  network: { ...config.network, hidden: sizes },
});
const reach = await openExperiment(hidden([10, 7], armReach));
const push = await openExperiment(hidden([10, 9], armPush));
const source = withStatistics(reach.contract);
const actor = weights(source);

function withStatistics(contract: Contract): Contract {
  const { normalizer } = contract;
  return {
    ...contract,
    normalizer: {
      ...normalizer,
      mean: normalizer.mean.map((_, i) => i / 10),
      variance: normalizer.mean.map((_, i) => 1 + i),
      count: 100,
    },
  };
}

function weights({ network }: Contract): Float32Array {
  const random = new RandomStream(keyOf(3));
  const size = sizesOf(network).reduce((a, b) => a + b, network.layers.at(-1)!);
  return Float32Array.from({ length: size }, () => 0.3 * random.normal());
}

function act(contract: Contract, parameters: Float32Array, obs: Float32Array): number[] {
  const out = new Float32Array(contract.network.layers.at(-1)!);
  new Actor(contract, splitTensors(parameters, sizesOf(contract.network))).act(obs, out);
  return Array.from(out);
}

describe('observationMap', () => {
  it('finds what has the same name, term, joint and age; the rest is new', () => {
    const map = observationMap(reach.contract.observations, push.contract.observations);
    const at = (contract: Contract, name: string) => {
      let from = 0;
      for (const term of contract.observations) {
        if (term.name === name) return [from, from + term.size] as const;
        from += term.size;
      }
      throw new Error(name);
    };
    for (const name of ['position', 'velocity', 'last_actions']) {
      const [[from, to], [was]] = [at(push.contract, name), at(reach.contract, name)];
      expect(map.slice(from, to)).toEqual(Array.from({ length: to - from }, (_, i) => was + i));
    }
    const [goal, end] = at(push.contract, 'goal');
    expect(map.slice(goal, end).every((from) => from === null)).toBe(true);
    // Called otherwise, but the same to the body: where it shall go to.
    const renamed = observationMap(reach.contract.observations, push.contract.observations, { goal: 'target' });
    expect(renamed.slice(goal, end)).toEqual(
      Array.from({ length: end - goal }, (_, i) => at(reach.contract, 'target')[0] + i),
    );
  });

  it('tells a joint and a step of history from another', () => {
    const term = { ...reach.contract.observations[0]!, joints: ['a', 'b'], size: 4, history: 2 };
    const other = { ...term, joints: ['b', 'c'], size: 6, history: 3 };
    // Newest first: b, c now; b, c a step ago; two steps ago is new.
    expect(observationMap([term], [other])).toEqual([1, null, 3, null, null, null]);
  });
});

describe('reuseBody', () => {
  const target = { ...source, observations: [...source.observations, extra()] };
  const layers = [source.network.layers[0]! + 3, 10, 9, source.network.layers.at(-1)!];
  const widerContract = { ...target, network: { ...source.network, layers } } as Contract;

  function extra() {
    return { ...source.observations[0]!, name: 'depth', term: 'depth', joints: [], size: 3 };
  }

  it('acts as the source did, whatever the new observations say, and wider', () => {
    const reused = reuseBody({ contract: source, actor }, widerContract, keyOf(1), { initialLogStd: -1 });
    const contract = { ...widerContract, normalizer: reused.normalizer };
    const random = new RandomStream(keyOf(8));
    for (let i = 0; i < 20; i++) {
      const obs = Float32Array.from({ length: layers[0]! }, () => 2 * random.normal());
      const [now, before] = [act(contract, reused.actor, obs), act(source, actor, obs.slice(0, -3))];
      // The same sums with zeros between.
      for (const [k, a] of now.entries()) expect(Math.abs(a - before[k]!)).toBeLessThan(1e-6);
    }
    expect(reused.isNewHead).toBe(false);
    expect(reused.known).toEqual([...source.normalizer.mean.map(() => true), false, false, false]);
    expect(Array.from(reused.actor.slice(-layers.at(-1)!))).toEqual(new Array(layers.at(-1)!).fill(-1));
    // All of the source's weights are there, and marked.
    expect(reused.copied.reduce((a, b) => a + b)).toBe(actor.length - layers.at(-1)!);
  });

  it('begins the head anew for other actions, and where asked', () => {
    const slower = {
      ...widerContract,
      actions: source.actions.map((action) => ({ ...action, scale: action.scale / 2 })),
    };
    for (const [contract, newHead] of [
      [slower, false],
      [widerContract, true],
    ] as const) {
      const reused = reuseBody({ contract: source, actor }, contract, keyOf(1), { newHead, initialLogStd: -1 });
      expect(reused.isNewHead).toBe(true);
      const head = sizesOf(contract.network)
        .slice(-2)
        .reduce((a, b) => a + b);
      const at = reused.actor.length - layers.at(-1)! - head;
      expect(reused.copied.slice(at).every((copied) => copied === 0)).toBe(true);
      // Small: the new policy begins by doing little.
      expect(Math.max(...reused.actor.slice(at, at + head).map(Math.abs))).toBeLessThan(0.011);
    }
  });

  it('gives a number that is scaled otherwise the statistics that leave its normalised value', () => {
    const doubled = {
      ...source,
      observations: source.observations.map((term) => ({ ...term, scale: 2 * term.scale })),
    };
    const { normalizer } = reuseBody({ contract: source, actor }, doubled, keyOf(1), { initialLogStd: -1 });
    expect(normalizer.mean[5]).toBeCloseTo(2 * source.normalizer.mean[5]!, 12);
    expect(normalizer.variance[5]).toBeCloseTo(4 * source.normalizer.variance[5]!, 12);
  });

  it("freezes under a new task what is the source's and nothing else", () => {
    const policy = sourceForTask({ contract: source, actor }, push, keyOf(1));
    expect(policy.contract.normalizer.mean.slice(0, 5)).toEqual(source.normalizer.mean.slice(0, 5));
    expect(policy.parameters.at(-1)).toBe(push.network.initialLogStd);
    const { plan, layers: named, manager } = prepareArm('head', policy, armSettings);
    const rates = plan.rates(0);
    const head = named.find(({ name }) => name === 'head')!;
    for (let i = 0; i < head.from; i++) expect(rates[i]).toBe(1 - policy.copied![i]!);
    expect(rates.slice(head.from).every((rate) => rate === 1)).toBe(true);
    expect(manager.isFrozen('normalizer')).toBe(true);
    expect(() => prepareArm('lora', policy, armSettings)).toThrow(/some are new to this task/);
  });

  it('refuses a body that does not fit, and says which would', async () => {
    const narrow = await openExperiment(hidden([8, 7], armPush));
    expect(() => reuseBody({ contract: source, actor }, narrow.contract, keyOf(1), { initialLogStd: -1 })).toThrow(
      /hidden layers 10, 7 \(elu\), the new network 8, 7/,
    );
    const { contract } = await openExperiment({ ...pendulum, network: { ...pendulum.network, kind: 'gru' } });
    expect(() => reuseBody({ contract: source, actor }, contract, keyOf(1), { initialLogStd: 0 })).toThrow(
      /kind mlp and gru/,
    );
  });
});
