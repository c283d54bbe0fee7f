/**
 * A task that takes memory: give a swinging pendulum as much power as possible, seeing its angle alone. Without memory the
 * torque is a function of the angle, a conservative force, which over a swing gives nothing; power is torque times velocity.
 */

import { pendulum as config } from '../../configs/pendulum.ts';
import type { ExperimentConfig } from '../../configs/schema.ts';
import { systemClock } from '../../core/clock.ts';
import { foldIn, keyOf } from '../../core/rng.ts';
import { type Experiment, evaluationRecipe, openExperiment, PURPOSE, trainingRecipe } from '../../loop/experiment.ts';
import type { Backend } from '../../policy/backend.ts';
import { train } from '../../policy/runner.ts';
import type { Snapshot, TrainJob } from '../../policy/training-job.ts';
import { defineTask } from '../../sim/task.ts';
import { pendulum } from '../../sim/tasks/pendulum.ts';
import { LocalPool, registerTask } from './local-pool.ts';

export const seed = Number(process.env.LANDFALL_TEST_SEED ?? 1);

const { adr: _, ...rest } = pendulum;
registerTask(
  defineTask({
    ...rest,
    name: 'blind-pendulum',
    episodeSeconds: 3,
    observations: [pendulum.observations[0]!],
    criticObservations: pendulum.observations,
    rewards: {
      power: {
        weight: 1,
        fn: ({ state, action }) => action[0]! * state.qd[0]!,
        doc: 'torque times velocity, N m rad/s',
      },
    },
    randomization: {},
    start(random, _training, { q, qd }) {
      q[0] = random.between(-1.5, 1.5);
      qd[0] = random.between(-2, 2);
    },
  }),
);

export function blindExperiment(
  network: Partial<ExperimentConfig['network']>,
  iterations = 10,
  more: Partial<ExperimentConfig> = {},
): Promise<Experiment> {
  return openExperiment({
    ...config,
    task: 'blind-pendulum',
    seed,
    randomization: 0,
    train: { numEnvs: 32, horizon: 32, iterations, evalEvery: iterations, evalEpisodes: 20, stopAtSuccess: null },
    ppo: { ...config.ppo, gamma: 0.9, lam: 0.9, minibatches: 2, learningRate: 3e-3 },
    network: {
      ...config.network,
      hidden: [32],
      criticHidden: [32],
      initialLogStd: -0.5,
      finalLogStd: -1.5,
      ...network,
    },
    ...more,
  });
}

/** @returns what was learned, and the mean return of its last evaluation */
export async function learn(
  experiment: Experiment,
  backend: Backend,
  more: Partial<TrainJob> = {},
): Promise<Snapshot & { readonly score: number }> {
  let score = Number.NaN;
  const learned = await train({
    recipe: trainingRecipe(experiment),
    evalRecipe: evaluationRecipe(experiment, experiment.contract, 'rapier'),
    settings: { ...experiment.config.train, ppo: experiment.config.ppo, network: experiment.network },
    backend,
    pool: new LocalPool(1),
    key: foldIn(keyOf(experiment.config.seed), PURPOSE.learner),
    clock: systemClock,
    onIteration({ evaluation }) {
      score = evaluation?.meanReturn ?? score;
      return false;
    },
    ...more,
  });
  return { ...learned, score };
}
