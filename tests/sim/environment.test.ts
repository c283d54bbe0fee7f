/** What every registered task must hold, and the pendulum's rewards by hand. */

import { beforeAll, describe, expect, it } from 'vitest';
import { experiments } from '../../configs/index.ts';
import { actionDim, obsDim, parseContract } from '../../core/contract.ts';
import { NumericError } from '../../core/errors.ts';
import { keyOf, RandomStream } from '../../core/rng.ts';
import { makeState } from '../../core/robot.ts';
import { evaluationRecipe, openExperiment, trainingRecipe } from '../../loop/experiment.ts';
import type { Environment } from '../../sim/environment.ts';
import { type EnvironmentRecipe, makeEnvironments } from '../../sim/recipe.ts';
import { EMPTY_SCENE } from '../../sim/scene.ts';
import { tasks } from '../../sim/tasks/index.ts';

const seed = Number(process.env.LANDFALL_TEST_SEED ?? 1);

async function recipesOf(name: string) {
  const config = Object.values(experiments).find((entry) => entry.task === name)!;
  const experiment = await openExperiment(config);
  return {
    experiment,
    training: trainingRecipe(experiment),
    judging: evaluationRecipe(experiment, experiment.contract, 'rapier'),
  };
}

async function one(recipe: EnvironmentRecipe, id = 0): Promise<Environment> {
  return (await makeEnvironments(recipe, id, 1))[0]!;
}

/** First observation and `steps` more under random actions, resetting where episodes end, [steps + 1, obsDim]. */
function wander(environment: Environment, steps: number, key = 5, first = 0): Float32Array[] {
  const random = new RandomStream(keyOf(key));
  const obs = new Float32Array(environment.observer.size);
  const action = new Float32Array(environment.actuation.size);
  let episode = first;
  environment.reset(episode++, obs, 0);
  const seen = [obs.slice()];
  for (let i = 0; i < steps; i++) {
    for (let k = 0; k < action.length; k++) action[k] = random.between(-1.5, 1.5);
    environment.step(action, 0, obs, 0);
    seen.push(obs.slice());
    if (environment.terminated && environment.truncated) throw new Error('terminated and truncated at once');
    if (environment.terminated || environment.truncated) environment.reset(episode++, obs, 0);
  }
  return seen;
}

describe.each(Object.keys(tasks))('task %s', (name) => {
  let recipes: Awaited<ReturnType<typeof recipesOf>>;
  beforeAll(async () => {
    recipes = await recipesOf(name);
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
    wander(used, 300, 11, 50);
    expect(wander(used, 300, 5, 3)).toEqual(wander(fresh, 300, 5, 3));
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

  it(`stays finite and varied for 2,000 random steps at the widest randomisation, seed ${seed}`, async () => {
    const environment = await one({ ...recipes.training, randomization: 1 }, 3);
    const seen = wander(environment, 2000, seed);
    for (const obs of seen) for (const value of obs) expect(Number.isFinite(value)).toBe(true);
    for (let k = 0; k < environment.observer.size; k++) {
      const values = seen.map((obs) => obs[k]!);
      expect(Math.max(...values) - Math.min(...values), `observation ${k}`).toBeGreaterThan(0.1);
    }
    // An observation is a copy: later steps must not change what was seen.
    expect(seen[0]).not.toEqual(seen[1]);
  });

  it('ends with a time-out, not a termination, when the time is over', async () => {
    const { task } = recipes.experiment;
    const environment = await one(recipes.judging);
    const obs = new Float32Array(environment.observer.size);
    const action = new Float32Array(environment.actuation.size);
    environment.reset(0, obs, 0);
    const steps = Math.round(task.episodeSeconds * task.rateHz);
    for (let i = 1; i <= steps; i++) {
      environment.step(action, 0, obs, 0);
      if (environment.terminated) return;
      expect(environment.truncated).toBe(i === steps);
    }
    expect(environment.episodeSteps).toBe(steps);
  });

  it('begins training at random ages, so that environments that start together do not end together', async () => {
    const environments = await makeEnvironments({ ...recipes.training, randomization: 0 }, 0, 12);
    const { task } = recipes.experiment;
    const most = Math.round(task.episodeSeconds * task.rateHz);
    const lengthOf = (environment: Environment, episode: number) => {
      const obs = new Float32Array(environment.observer.size);
      environment.reset(episode, obs, 0);
      do environment.step(new Float32Array(environment.actuation.size), 0, obs, 0);
      while (!environment.truncated && !environment.terminated);
      return environment.episodeSteps;
    };
    const lengths = environments.map((environment) => lengthOf(environment, 0));
    expect(new Set(lengths).size).toBeGreaterThan(9);
    expect(Math.min(...lengths)).toBeLessThan(most / 2);
    // Only the first: later episodes are whole, unless doing nothing ends them.
    const later = lengthOf(environments[0]!, 1);
    if (!environments[0]!.terminated) expect(later).toBe(most);
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
});

describe('the pendulum', () => {
  const task = tasks.pendulum!;
  const view = (q: number, qd: number, action = 0, lastAction = 0) => {
    const state = makeState(1);
    state.q[0] = q;
    state.qd[0] = qd;
    return {
      state,
      before: state,
      action: Float32Array.of(action),
      lastAction: Float32Array.of(lastAction),
      command: new Float64Array(0),
      objects: new Float64Array(0),
      dt: 0.02,
      time: 0,
      memory: new Float64Array(0),
    };
  };

  it('pays nothing for hanging still and everything for standing still', () => {
    const terms = (q: number, qd: number) => ({
      energy: task.rewards.energy!.fn(view(q, qd)),
      balance: task.rewards.balance!.fn(view(q, qd)),
    });
    expect(terms(0, 0).energy).toBe(0);
    // exp(-(pi / 0.5)^2) = 7e-18
    expect(terms(0, 0).balance).toBeLessThan(1e-16);
    expect(terms(Math.PI, 0)).toEqual({ energy: 1, balance: 1 });
    expect(terms(-3 * Math.PI, 0).balance).toBeCloseTo(1, 12);
    // At the bottom with the speed that carries it up: qd^2 / 2 = 2 g / l
    expect(terms(0, Math.sqrt((4 * 9.81) / 0.5)).energy).toBeCloseTo(1, 12);
    // 0.5 rad off and 2 rad/s: exp(-1 - 1)
    expect(terms(Math.PI - 0.5, 2).balance).toBeCloseTo(Math.exp(-2), 12);
  });

  it('charges for torque and for changes of torque', () => {
    expect(task.rewards.torque!.fn(view(0, 0, -0.5))).toBe(0.25);
    expect(task.rewards.smoothness!.fn(view(0, 0, -0.5, 0.5))).toBe(1);
    expect(task.rewards.torque!.weight).toBeLessThan(0);
    expect(task.rewards.smoothness!.weight).toBeLessThan(0);
  });

  it('adds the weighted terms times the control period', async () => {
    const { judging } = await recipesOf('pendulum');
    const environment = await one({ ...judging, randomization: 0 });
    const obs = new Float32Array(environment.observer.size);
    environment.reset(0, obs, 0);
    environment.step(Float32Array.of(0.5), 0, obs, 0);
    environment.step(Float32Array.of(-2), 0, obs, 0);
    const { truth } = environment.robot;
    // The action is clipped to -1; it was 0.5 before.
    const expected = Object.values(task.rewards).map(
      (term, k) => (judging.rewardWeights[k]! * term.fn(view(truth.q[0]!, truth.qd[0]!, -1, 0.5))) / task.rateHz,
    );
    expect([...environment.rewardTerms]).toEqual(expected);
    expect(environment.reward).toBe(expected.reduce((a, b) => a + b, 0));
  });

  it('ends when it overspeeds', () => {
    expect(task.terminations.overspeed!(view(0, 20.1))).toBe(true);
    expect(task.terminations.overspeed!(view(0, -19.9))).toBe(false);
  });

  it('is judged from hanging and trained from anywhere', () => {
    const q = new Float64Array(1);
    const start = { q, qd: new Float64Array(1), base: new Float64Array(7), twist: new Float64Array(6) };
    const random = new RandomStream(keyOf(seed));
    const spread = (training: boolean) =>
      Math.max(
        ...Array.from({ length: 200 }, () => {
          task.start(random, training, start, EMPTY_SCENE);
          return Math.abs(q[0]!);
        }),
      );
    expect(spread(false)).toBeLessThanOrEqual(0.05);
    expect(spread(true)).toBeGreaterThan(3);
  });

  it('succeeds only after the hold, and not any more after a slip', async () => {
    const { judging } = await recipesOf('pendulum');
    const environment = await one({ ...judging, randomization: 0 });
    const obs = new Float32Array(environment.observer.size);
    environment.reset(0, obs, 0);
    const { robot } = environment;
    /** A second of standing, kept up by putting it back: the test is on the counter, not on a policy. */
    const stand = (steps: number, q = Math.PI) => {
      for (let i = 0; i < steps; i++) {
        robot.reset([q], [0]);
        environment.step(Float32Array.of(0), 0, obs, 0);
      }
    };
    stand(task.rateHz - 1);
    expect(environment.success).toBe(false);
    stand(1);
    expect(environment.success).toBe(true);
    stand(1, Math.PI - 0.3);
    expect(environment.success).toBe(false);
    stand(task.rateHz - 1, -Math.PI + 0.15);
    expect(environment.success).toBe(false);
    stand(1);
    expect(environment.success).toBe(true);
  });
});
