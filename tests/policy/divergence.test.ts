/**
 * Numbers that are not finite, planted where they are known: each is named with its environment, iteration and step, the same
 * for any number of slices, and the episode that led there can be lived again and looked at.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { experimentNamed } from '../../configs/index.ts';
import type { ExperimentConfig } from '../../configs/schema.ts';
import { systemClock } from '../../core/clock.ts';
import { encodeEpisode, readEpisode } from '../../core/episode-mcap.ts';
import { NumericError } from '../../core/errors.ts';
import { foldIn, keyOf } from '../../core/rng.ts';
import { evaluationRecipe, openExperiment, PURPOSE, trainingRecipe } from '../../loop/experiment.ts';
import { replayEpisode } from '../../loop/replay.ts';
import { type Backend, openBackend } from '../../policy/backend.ts';
import { DivergenceError, earlier } from '../../policy/divergence.ts';
import { train } from '../../policy/runner.ts';
import type { Snapshot } from '../../policy/training-job.ts';
import { type EnvironmentRecipe, makeEnvironments } from '../../sim/recipe.ts';
import type { TaskDefinition } from '../../sim/task.ts';
import { tasks } from '../../sim/tasks/index.ts';
import { LocalPool, registerTask } from './local-pool.ts';

const pendulum = tasks.pendulum!;
const quadruped = tasks['quadruped-velocity']!;

let backend: Backend;
beforeAll(async () => {
  backend = await openBackend('wasm');
});
afterAll(() => backend.close());

interface Failure {
  readonly error: DivergenceError;
  readonly before: Snapshot;
  readonly recipe: EnvironmentRecipe;
}

/** Train a task that fails; what was told. */
async function failureOf(
  task: TaskDefinition,
  change: Partial<ExperimentConfig['train']> = {},
  slices = 1,
  ppo: Partial<ExperimentConfig['ppo']> = {},
): Promise<Failure> {
  registerTask(task);
  const base = experimentNamed(task.robot === 'pendulum' ? 'pendulum' : 'quadruped-velocity');
  const experiment = await openExperiment({
    ...base,
    task: task.name,
    network: { ...base.network, hidden: [8], criticHidden: [8] },
    ppo: { ...base.ppo, epochs: 1, minibatches: 1, ...ppo },
    train: { ...base.train, numEnvs: 4, horizon: 16, iterations: 9, evalEvery: 99, evalEpisodes: 3, ...change },
  });
  let told: Failure | undefined;
  const training = train({
    recipe: trainingRecipe(experiment),
    evalRecipe: evaluationRecipe(experiment, experiment.contract, 'rapier'),
    settings: { ...experiment.config.train, ppo: experiment.config.ppo, network: experiment.network },
    backend,
    pool: new LocalPool(slices),
    key: foldIn(keyOf(1), PURPOSE.learner),
    clock: systemClock,
    onDivergence: async (error, before, recipe) => {
      told = { error, before, recipe };
    },
  });
  const thrown = await training.catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(NumericError);
  expect(thrown).toBe(told?.error);
  return told!;
}

/** The recording of what led to a failure, through its file. */
async function recordingOf({ error, before, recipe }: Failure) {
  const { env, at } = error.origin.episode!;
  const [environment] = await makeEnvironments(recipe, env, 1);
  const names = Object.keys(tasks[recipe.task]!.rewards);
  const episode = replayEpisode(environment!, at, before.contract, names, 'nan', 1000);
  return readEpisode(await encodeEpisode(episode, { urdf: recipe.urdf }), 'nan.mcap');
}

/** NaN in a reward from 0.7 s on: at 50 Hz in step 36 of any episode. */
const rottenReward: TaskDefinition = {
  ...pendulum,
  name: 'rotten-reward',
  rewards: { ...pendulum.rewards, rotten: { weight: 1, fn: ({ time }) => (time > 0.71 ? Number.NaN : 0), doc: '' } },
};

describe('a reward that is NaN', () => {
  it('is named with its term, environment, iteration and step, for any number of slices', async () => {
    const failure = await failureOf(rottenReward);
    // Step 36 from 1 is step 35 from 0: with 16 steps an iteration, step 3 of iteration 2. All environments begin together.
    expect(failure.error.message).toBe(
      'environment 0, iteration 2, step 3: reward rotten is NaN at step 36 of episode 0',
    );
    expect(failure.error.origin).toMatchObject({ tensor: 'reward', env: 0, iteration: 2, step: 3 });
    expect(failure.before.state).toMatchObject({ iteration: 2, envSteps: 2 * 4 * 16 });
    for (const slices of [2, 3]) {
      const other = await failureOf(rottenReward, {}, slices);
      expect(other.error.origin).toEqual(failure.error.origin);
      expect(other.before).toEqual(failure.before);
    }
  });

  it('leaves an episode that ends there, NaN and all, in its file', async () => {
    const { steps, outcome, meta } = await recordingOf(await failureOf(rottenReward));
    expect(meta).toMatchObject({ source: 'sim', task: 'rotten-reward', robot: 'pendulum' });
    expect(steps.length).toBe(36);
    expect(steps.slice(0, 35).every(({ reward }) => Number.isFinite(reward))).toBe(true);
    expect(steps[35]!.reward).toBeNaN();
    expect(steps[35]!.rewardTerms.rotten).toBeNaN();
    expect(steps[35]!.rewardTerms.energy).toBeDefined();
    expect(outcome).toEqual({ reason: 'reward rotten is NaN at step 36 of episode 0', completed: false });
    // The steps are 20 ms apart and belong together: the joint is where its velocity has brought it.
    for (let i = 1; i < 36; i++) {
      expect(steps[i]!.sensorTime - steps[i - 1]!.sensorTime).toBeCloseTo(0.02, 6);
      const speed = Math.max(Math.abs(steps[i]!.qd[0]!), Math.abs(steps[i - 1]!.qd[0]!));
      expect(Math.abs(steps[i]!.q[0]! - steps[i - 1]!.q[0]!)).toBeLessThan(0.02 * speed + 0.02);
    }
  });

  it('is told of an evaluation too, with the episode', async () => {
    const failure = await failureOf(rottenReward, { evalEvery: 1 }, 2);
    expect(failure.error.message).toBe(
      'evaluation after iteration 1, episode 0: reward rotten is NaN at step 36 of episode 0',
    );
    expect(failure.recipe.training).toBe(false);
    expect(failure.before.state.iteration).toBe(1);
    expect((await recordingOf(failure)).steps.length).toBe(36);
  });
});

describe('physics that overflows', () => {
  it('is named where it was met, and can be looked at', async () => {
    const failure = await failureOf({
      ...quadruped,
      name: 'exploding',
      pushes: { everySeconds: [0.2, 0.2], linear: 1e300, angular: 0 },
    });
    // The first shove comes 0.2 s into the episode: at 50 Hz in step 10, counted from 0.
    expect(failure.error.origin).toMatchObject({ tensor: 'state', env: 0, iteration: 0, step: 10 });
    expect(failure.error.message).toMatch(/^environment 0, iteration 0, step 10: a shove of -?\d.*e\+\d+ at 0.2000 s$/);
    const { steps, outcome } = await recordingOf(failure);
    const last = steps.length - 1;
    expect(steps.length).toBe(11);
    expect(steps.every(({ base }) => base.length === 7 && base.every(Number.isFinite))).toBe(true);
    expect(steps[last]!.reward).toBeNaN();
    expect(steps.slice(0, last).every(({ reward }) => Number.isFinite(reward))).toBe(true);
    expect(outcome!.completed).toBe(false);
  });
});

describe('an observation that is infinite', () => {
  it('is named before clipping and statistics hide it', async () => {
    const failure = await failureOf({
      ...pendulum,
      name: 'infinite-observation',
      observations: pendulum.observations.map((term) =>
        term.name === 'velocity' ? { ...term, scale: 1e39, clip: null } : term,
      ),
    });
    expect(failure.error.message).toMatch(/observation velocity is -?Infinity$/);
    expect(failure.error.origin).toMatchObject({ tensor: 'observation velocity', env: 0, iteration: 0, step: 0 });
  });
});

describe('a loss that is NaN', () => {
  it('leaves what the iteration began with and an episode to look at', async () => {
    const wild = { learningRate: 1e30, maxLearningRate: 1e30, minLearningRate: 1e30, epochs: 4, targetKl: null };
    const failure = await failureOf({ ...pendulum, name: 'plain-pendulum' }, {}, 2, wild);
    expect(failure.error.message).toMatch(/^the loss is not finite in iteration 0, epoch \d/);
    expect(failure.error.origin).toMatchObject({ tensor: 'loss', env: null, iteration: 0, step: null });
    expect(failure.error.repair).toContain('ppo.learningRate');
    expect(failure.before.actor.every(Number.isFinite)).toBe(true);
    expect(failure.before.state.learner.steps).toBe(0);
    const { steps, outcome } = await recordingOf(failure);
    expect(steps.length).toBe(failure.error.origin.episode!.at.actions.length);
    expect(outcome!.completed).toBe(true);
  });
});

describe('earlier', () => {
  const at = (step: number | null, env: number | null) =>
    new DivergenceError('', { tensor: '', iteration: 0, env, step, episode: null });

  it('is by step, then environment, and before what has no place', () => {
    const [a, b, c, other] = [at(3, 7), at(3, 2), at(5, 0), new Error('other')];
    expect([earlier(a, b), earlier(b, a), earlier(a, c), earlier(c, a)]).toEqual([b, b, a, a]);
    expect([earlier(other, c), earlier(c, other), earlier(other, new Error())]).toEqual([c, c, other]);
  });
});
