/** Intervals against published values, and whole episodes that can be compared pair by pair. */

import { describe, expect, it } from 'vitest';
import { pendulum } from '../../configs/pendulum.ts';
import { keyOf, RandomStream } from '../../core/rng.ts';
import { evaluationRecipe, openExperiment } from '../../loop/experiment.ts';
import { bootstrapMean, EpisodeRunner, mean, summarise, wilson } from '../../policy/evaluate.ts';
import { splitTensors, tensorSizes } from '../../policy/mlp.ts';
import { initialWeights } from '../../policy/network.ts';
import { makeEnvironments } from '../../sim/recipe.ts';
import { tasks } from '../../sim/tasks/index.ts';
import { LocalPool, registerTask } from './local-pool.ts';

describe('wilson', () => {
  // Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3.
  it.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])('%i of %i: %f to %f', (successes, trials, low, high) => {
    const [from, to] = wilson(successes, trials);
    expect(from).toBeCloseTo(low, 4);
    expect(to).toBeCloseTo(high, 4);
  });

  it('mirrors', () => {
    const [low, high] = wilson(20, 20);
    expect(low).toBeCloseTo(1 - 0.1611, 4);
    expect(high).toBe(1);
  });
});

describe('bootstrapMean', () => {
  it('approaches the normal interval of a large sample', () => {
    const random = new RandomStream(keyOf(1));
    const values = Array.from({ length: 400 }, () => 5 + 2 * random.normal());
    const centre = mean(values);
    const deviation = Math.sqrt(mean(values.map((value) => (value - centre) ** 2)));
    const [low, high] = bootstrapMean(values, 0.95, keyOf(2));
    // 1.96 sd / sqrt(n); 2,000 resamples know the edges to a few percent of it.
    const half = (1.96 * deviation) / 20;
    expect(Math.abs((centre - low) / half - 1)).toBeLessThan(0.12);
    expect(Math.abs((high - centre) / half - 1)).toBeLessThan(0.12);
    const [low90, high90] = bootstrapMean(values, 0.9, keyOf(2));
    expect(low90).toBeGreaterThan(low);
    expect(high90).toBeLessThan(high);
  });

  it('is a point for equal values, and repeats with its key', () => {
    expect(bootstrapMean([3, 3, 3], 0.95, keyOf(1))).toEqual([3, 3]);
    expect(bootstrapMean([1, 2, 9], 0.95, keyOf(1))).toEqual(bootstrapMean([1, 2, 9], 0.95, keyOf(1)));
    expect(bootstrapMean([], 0.95, keyOf(1))).toEqual([Number.NaN, Number.NaN]);
  });
});

describe('summarise', () => {
  it('counts and averages', () => {
    const score = (value: number, success: boolean) => ({ return: value, success, steps: 10, terminated: false });
    const summary = summarise([score(1, true), score(3, false), score(5, true), score(7, true)], keyOf(1));
    expect(summary).toMatchObject({ episodes: 4, successRate: 0.75, meanReturn: 4 });
    expect(summary.successCi95).toEqual(wilson(3, 4));
  });
});

describe('EpisodeRunner', () => {
  it('runs whole episodes that repeat to the bit and do not depend on their order', async () => {
    const experiment = await openExperiment(pendulum);
    const recipe = evaluationRecipe(experiment, experiment.contract, 'rapier');
    const [a, b] = [(await makeEnvironments(recipe, 0, 1))[0]!, (await makeEnvironments(recipe, 0, 1))[0]!];
    const policy = { act: (obs: Float32Array, out: Float32Array) => out.fill(Math.sign(obs[2]!)) };
    const forth = new EpisodeRunner(a);
    const back = new EpisodeRunner(b);
    const first = [0, 1, 2].map((episode) => forth.run(policy, episode));
    const second = [2, 1, 0].map((episode) => back.run(policy, episode)).reverse();
    expect(second).toEqual(first);
    expect(new Set(first.map((score) => score.return)).size).toBe(3);
    expect(first[0]!.terminated || first[0]!.steps === 500).toBe(true);
  });

  it('shows each step the observation its action was chosen on', async () => {
    const experiment = await openExperiment(pendulum);
    const recipe = evaluationRecipe(experiment, experiment.contract, 'rapier');
    const runner = new EpisodeRunner((await makeEnvironments(recipe, 0, 1))[0]!);
    let chosen: Float32Array = new Float32Array(0);
    let steps = 0;
    runner.run(
      {
        act(obs, out) {
          chosen = obs.slice();
          out.fill(0.3);
        },
      },
      0,
      (obs) => {
        steps++;
        expect(obs).toEqual(chosen);
      },
    );
    expect(steps).toBe(500);
  });

  it('runs episodes of any length, judged at their end: of one step, and longer than ten seconds', async () => {
    // Success asks for 0.1 s without a break: 5 steps of 50 Hz, which an episode of one step cannot hold.
    const success = { seconds: 0.1, test: () => true };
    const scores = [];
    for (const episodeSeconds of [0.02, 0.1, 30]) {
      const name = `pendulum-${episodeSeconds}`;
      registerTask({ ...tasks.pendulum!, name, episodeSeconds, success, terminations: {} });
      const experiment = await openExperiment({ ...pendulum, task: name });
      const { contract } = experiment;
      const { layers } = contract.network;
      const weights = splitTensors(initialWeights(layers, 1, keyOf(1)), tensorSizes(layers));
      const recipe = evaluationRecipe(experiment, contract, 'rapier');
      scores.push(await new LocalPool(2).evaluate(recipe, contract, weights, 3));
    }
    expect(scores.map((each) => each.map((score) => score.steps))).toEqual([
      [1, 1, 1],
      [5, 5, 5],
      [1500, 1500, 1500],
    ]);
    expect(scores.map((each) => summarise(each, keyOf(1)).successRate)).toEqual([0, 1, 1]);
    for (const each of scores) {
      expect(summarise(each, keyOf(1)).meanReturn).toBe(mean(each.map((score) => score.return)));
      expect(each.every((score) => Number.isFinite(score.return) && !score.terminated)).toBe(true);
    }
  });
});
