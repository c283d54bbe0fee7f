/** What every registered task must hold, whatever it is: spaces, determinism, finiteness, ends, bytes, memory. */

import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mappingOf } from '../../../bridge/mappings/registry.ts';
import { experiments } from '../../../configs/index.ts';
import { actionDim, obsDim, parseContract } from '../../../core/contract.ts';
import { NumericError } from '../../../core/errors.ts';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { makeState } from '../../../core/robot.ts';
import { scorerOf } from '../../../loop/scoring.ts';
import { Collector, WorkerPool } from '../../../policy/collector.ts';
import { tensorSizes } from '../../../policy/mlp.ts';
import { initialWeights } from '../../../policy/network.ts';
import type { Environment } from '../../../sim/environment.ts';
import { makeEnvironments } from '../../../sim/recipe.ts';
import { runReference } from '../../../sim/reference-run.ts';
import { tasks } from '../../../sim/tasks/index.ts';
import { one, recipesOf, seed, wander } from './recipes.ts';

const COUNTS = [1, 2, 4] as const;
/** Five environments: no number of workers but one divides them evenly. */
const ENVS = 5;
const HORIZON = 60;

const pools = new Map<number, WorkerPool>();
beforeAll(() => {
  for (const count of COUNTS) pools.set(count, new WorkerPool(count));
});
afterAll(async () => {
  await Promise.all([...pools.values()].map((pool) => pool.close()));
});

it('has an experiment that trains it', () => {
  const trained = Object.values(experiments).map(({ task }) => task);
  for (const name of Object.keys(tasks)) expect(trained).toContain(name);
});

describe.each(Object.entries(tasks))('task %s', (name, task) => {
  let recipes: Awaited<ReturnType<typeof recipesOf>>;
  beforeAll(async () => {
    recipes = await recipesOf(name);
  });

  it('goes by its name, and says what it is', () => {
    expect(task.name).toBe(name);
    expect(task.summary.length).toBeGreaterThan(10);
    for (const [term, { weight, doc }] of Object.entries(task.rewards)) {
      expect(weight, term).not.toBe(0);
      expect(doc.length, term).toBeGreaterThan(5);
    }
  });

  it('has a contract that holds its own schema and matches the spaces', async () => {
    const { contract } = recipes.training;
    expect(parseContract(JSON.parse(JSON.stringify(contract)), 'test')).toEqual(contract);
    const environment = await one(recipes.training);
    expect(environment.observer.size).toBe(obsDim(contract));
    expect(environment.actuation.size).toBe(actionDim(contract));
    expect(contract.network.layers[0]).toBe(obsDim(contract));
    expect(contract.network.layers.at(-1)).toBe(actionDim(contract));
    expect(environment.rewardTerms.length).toBe(recipes.training.rewardWeights.length);
  });

  it('can be landed: a mapping that carries its actions, a topic for each sensor it reads', () => {
    const { contract } = recipes.training;
    expect(() => mappingOf(contract)).not.toThrow();
    for (const { sensor } of contract.observations)
      if (sensor !== undefined) expect(Object.keys(contract.ros.sensors ?? {})).toContain(sensor);
    // What reads the base needs somebody who measures it.
    const readsBase = contract.observations.some(({ term }) => /^base_|^command_point$/.test(term));
    const measured = contract.ros.odometry !== undefined || contract.ros.state.type.endsWith('Odometry');
    expect(measured || !readsBase).toBe(true);
  });

  it('can be scored from what a robot measures alone, as far as that goes', () => {
    const { contract, rewardWeights } = recipes.training;
    const score = scorerOf(task, rewardWeights);
    const state = makeState(contract.joints.length, contract.sensors);
    const action = new Float32Array(actionDim(contract));
    expect(() => score(state, action, action)).not.toThrow();
  });

  it('writes observations where it is told and nowhere else', async () => {
    const environment = await one(recipes.training);
    const size = environment.observer.size;
    const out = new Float32Array(size + 8).fill(-77);
    environment.reset(0, out, 4);
    environment.step(new Float32Array(environment.actuation.size), 0, out, 4);
    expect([...out.slice(0, 4), ...out.slice(size + 4)]).toEqual(new Array(8).fill(-77));
    expect([...out.slice(4, size + 4)]).not.toContain(-77);
  });

  it('repeats an episode to the bit, whatever came before it', async () => {
    const fresh = await one(recipes.training);
    const used = await one(recipes.training);
    if (task.curriculum !== undefined) used.level = fresh.level;
    const level = fresh.level;
    wander(used, 200, 11, 50);
    used.level = level;
    expect(wander(used, 100, 5, 3)).toEqual(wander(fresh, 100, 5, 3));
  });

  it('is where it was after a snapshot, to the bit', async () => {
    const environment = await one(recipes.training);
    const random = new RandomStream(keyOf(9));
    const obs = new Float32Array(environment.observer.size);
    const action = new Float32Array(environment.actuation.size);
    const steps = (target: Environment, count: number, key: number) => {
      const own = new RandomStream(keyOf(key));
      const seen: string[] = [];
      for (let i = 0; i < count && !target.terminated && !target.truncated; i++) {
        for (let k = 0; k < action.length; k++) action[k] = own.between(-0.3, 0.3);
        target.step(action, 0, obs, 0);
        seen.push(obs.join());
      }
      return seen;
    };
    // Not the level that another environment begins with.
    if (task.curriculum !== undefined) environment.level = (environment.level + 1) % task.curriculum.rule.levels;
    environment.reset(1 + random.below(5), obs, 0);
    steps(environment, 15, 21);
    const snapshot = environment.snapshot();
    const level = environment.level;
    const later = steps(environment, 20, 22);
    expect(later.length).toBeGreaterThan(0);
    const other = await one(recipes.training);
    other.restore(snapshot, obs, 0);
    expect(other.level).toBe(level);
    expect(steps(other, 20, 22)).toEqual(later);
    expect(other.episodeReturn).toBe(environment.episodeReturn);
  });

  it('starts other episodes and other environments elsewhere, with other physics', async () => {
    const [a, b] = await makeEnvironments(recipes.training, 0, 2);
    const start = (environment: Environment, episode: number) => {
      const obs = new Float32Array(environment.observer.size);
      environment.reset(episode, obs, 0);
      return { obs: obs.join(), physics: JSON.stringify(environment.parameters()) };
    };
    const starts = [start(a!, 0), start(a!, 1), start(b!, 0), start(b!, 1)];
    expect(new Set(starts.map((entry) => entry.obs)).size).toBe(4);
    expect(new Set(starts.map((entry) => entry.physics)).size).toBe(4);
  });

  it(`stays finite and varied for 10,000 random steps at the widest randomisation, seed ${seed}`, async () => {
    const environment = await one({ ...recipes.training, randomization: 1 }, 3);
    const seen = wander(environment, 10_000, seed);
    const critic = new Float32Array(environment.criticObserver?.size ?? 0);
    environment.observeCritic(critic, 0);
    expect([...critic].every(Number.isFinite)).toBe(true);
    const bad = seen.findIndex((obs) => !obs.every(Number.isFinite));
    expect(bad, `observation of step ${bad}`).toBe(-1);
    for (let k = 0; k < environment.observer.size; k++) {
      let [least, most] = [Infinity, -Infinity];
      for (const obs of seen) {
        least = Math.min(least, obs[k]!);
        most = Math.max(most, obs[k]!);
      }
      expect(most - least, `observation ${k} is constant`).toBeGreaterThan(1e-3);
    }
    // An observation is a copy: later steps must not change what was seen.
    expect(seen[0]).not.toEqual(seen[1]);
  });

  it('ends with a time-out, not a termination, when the time is over', async () => {
    const environment = await one(recipes.judging);
    const obs = new Float32Array(environment.observer.size);
    const action = new Float32Array(environment.actuation.size);
    const steps = Math.round(task.episodeSeconds * task.rateHz);
    environment.reset(0, obs, 0);
    for (let i = 1; !environment.terminated && !environment.truncated; i++) {
      environment.step(action, 0, obs, 0);
      expect(environment.terminated && environment.truncated).toBe(false);
      if (i >= steps) expect(environment.truncated).toBe(true);
    }
  });

  it('begins training at random ages, so that environments that start together do not end together', async () => {
    const environments = await makeEnvironments(recipes.training, 0, 12);
    const lengths = environments.map((environment) => {
      const obs = new Float32Array(environment.observer.size);
      environment.reset(0, obs, 0);
      do environment.step(new Float32Array(environment.actuation.size), 0, obs, 0);
      while (!environment.truncated && !environment.terminated);
      return environment.episodeSteps;
    });
    // Tasks that end at once under zero action all end alike.
    const ended = Math.max(...lengths);
    if (ended > 50) expect(new Set(lengths).size).toBeGreaterThan(6);
  });

  it('refuses an action that is not a number', async () => {
    const environment = await one(recipes.training);
    const obs = new Float32Array(environment.observer.size);
    environment.reset(0, obs, 0);
    const action = new Float32Array(environment.actuation.size).fill(Number.NaN);
    expect(() => {
      for (let i = 0; i < 10; i++) environment.step(action, 0, obs, 0);
    }).toThrow(NumericError);
  });

  it('is collected with the same bytes by 1, 2 and 4 workers', async () => {
    const { contract } = recipes.training;
    const { layers } = contract.network;
    const criticDim = (await one(recipes.training)).criticObserver?.size ?? 0;
    const parameters = tensorSizes(layers).reduce((a, b) => a + b) + layers.at(-1)!;
    const shape = {
      horizon: HORIZON,
      numEnvs: ENVS,
      obsDim: layers[0]!,
      criticDim,
      actionDim: layers.at(-1)!,
      rewardTerms: recipes.training.rewardWeights.length,
      parameters,
    };
    const hashes: string[] = [];
    for (const count of COUNTS) {
      const collector = await Collector.open(pools.get(count)!, recipes.training, shape, keyOf(77));
      const { buffer } = collector;
      buffer.parameters.set(initialWeights(layers, 1, keyOf(1)));
      buffer.parameters.fill(-0.5, parameters - layers.at(-1)!);
      buffer.normalizer.fill(0, 0, shape.obsDim).fill(1, shape.obsDim);
      const sum = createHash('sha256');
      for (let iteration = 0; iteration < 2; iteration++) {
        await collector.collect(iteration, 0);
        const { obs, criticObs, action, logProb, reward, terminated, truncated, endedLength } = buffer;
        for (const view of [obs, criticObs, action, logProb, reward, terminated, truncated, endedLength])
          sum.update(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
      }
      hashes.push(sum.digest('hex'));
    }
    expect(new Set(hashes).size).toBe(1);
  });

  if (task.reference !== undefined) {
    it('has a reference policy that does better than nothing', async () => {
      expect(task.reference!.doc.length).toBeGreaterThan(5);
      const environment = await one(recipes.judging);
      const reference = runReference(environment, task.reference!.make, 6);
      const nothing = runReference(environment, null, 6);
      // By success first: who crosses rough ground early earns no longer.
      expect(
        reference.successRate > nothing.successRate ||
          (reference.successRate === nothing.successRate && reference.meanReturn > nothing.meanReturn),
        JSON.stringify({ reference, nothing }),
      ).toBe(true);
    });
  }
});
