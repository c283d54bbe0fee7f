/**
 * The skill benchmark: how long and how many control steps a task takes to be learned, from a cold start to the first
 * checkpoint that passes the task's bar, seed by seed, PPO beside SAC.
 */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { experimentNamed } from '../configs/index.ts';
import { applyOverrides } from '../configs/schema.ts';
import { systemClock } from '../core/clock.ts';
import { type Experiment, openExperiment } from '../loop/experiment.ts';
import { runTraining } from '../loop/training.ts';
import { loadBundle } from '../policy/checkpoint.ts';
import type { Evaluation } from '../policy/evaluate.ts';
import { type GridScore, walkingGrid } from './walking-grid.ts';

export const algorithms = ['ppo', 'sac'] as const;
export type Algorithm = (typeof algorithms)[number];

/** What counts as learned. */
export interface SkillBar {
  readonly doc: string;
  /** @param checkpoint directory of the policy that was evaluated */
  passes(evaluation: Evaluation, checkpoint: string, experiment: Experiment): boolean | Promise<boolean>;
}

export const bars: Readonly<Record<string, SkillBar>> = {
  pendulum: success(0.9),
  'cartpole-balance': success(0.95),
  'arm-reach': success(0.9),
  acrobot: success(0.5),
  'quadruped-velocity': {
    doc: 'tracking of 35 commands at least 0.9, linear and angular, no falls, in Rapier and in the twin',
    async passes(_evaluation, checkpoint, experiment) {
      const bundle = await loadBundle(checkpoint);
      const walks = ({ linear, angular, falls }: GridScore) => linear >= 0.9 && angular >= 0.9 && falls === 0;
      return (
        walks(await walkingGrid(experiment, bundle, 'rapier')) && walks(await walkingGrid(experiment, bundle, 'mujoco'))
      );
    },
  },
};

function success(rate: number): SkillBar {
  return {
    doc: `success of at least ${rate} over the evaluation's episodes`,
    passes: ({ successRate }) => successRate >= rate,
  };
}

/** Of each seed: wall-clock s and control steps up to the checkpoint that passed, or to the end; what the bar saw of it. */
export interface SkillRow {
  readonly seconds: number[];
  readonly envSteps: number[];
  readonly reached: boolean[];
  readonly successRate: number[];
}

export interface SkillBench {
  readonly tasks: Readonly<Record<string, { readonly bar: string } & Readonly<Partial<Record<Algorithm, SkillRow>>>>>;
}

export interface SkillBenchOptions {
  readonly tasks: readonly string[];
  readonly algorithms: readonly Algorithm[];
  readonly seeds: number;
  readonly workers: number;
  /** Settings of every run, such as train.iterations=100. */
  readonly overrides: readonly string[];
  /** Where the runs are kept. */
  readonly directory: string;
  readonly onProgress: (text: string) => void;
}

export async function skillBench(options: SkillBenchOptions): Promise<SkillBench> {
  const tasks: Record<string, { bar: string } & Partial<Record<Algorithm, SkillRow>>> = {};
  for (const name of options.tasks) {
    const bar = bars[name]!;
    tasks[name] = { bar: bar.doc };
    for (const algorithm of options.algorithms) {
      const row: SkillRow = { seconds: [], envSteps: [], reached: [], successRate: [] };
      tasks[name][algorithm] = row;
      for (let seed = 1; seed <= options.seeds; seed++) {
        const attempt = await tryOnce(name, bar, algorithm, seed, options);
        row.seconds.push(attempt.seconds);
        row.envSteps.push(attempt.envSteps);
        row.reached.push(attempt.reached);
        row.successRate.push(attempt.successRate);
        options.onProgress(
          `${name}, ${algorithm}, seed ${seed}: ${attempt.reached ? 'passed' : 'did not pass'} in ${attempt.seconds.toFixed(1)} s, ${attempt.envSteps} steps`,
        );
      }
    }
  }
  return { tasks };
}

/** One cold start. The clock stops while the bar judges: what it asks beyond the run's own evaluation is the benchmark's. */
async function tryOnce(
  name: string,
  bar: SkillBar,
  algorithm: Algorithm,
  seed: number,
  { directory, workers, overrides }: SkillBenchOptions,
) {
  const run = join(directory, name, `${algorithm}-${seed}`);
  await rm(run, { recursive: true, force: true });
  const chosen = [
    `seed=${seed}`,
    'train.stopAtSuccess=null',
    ...(algorithm === 'ppo' ? [] : [`algorithm=${algorithm}`]),
  ];
  const experiment = await openExperiment(applyOverrides(experimentNamed(name), [...chosen, ...overrides]));
  const started = systemClock.now();
  let judging = 0;
  let attempt = { seconds: 0, envSteps: 0, reached: false, successRate: 0 };
  await runTraining({
    experiment,
    run,
    overrides: [...chosen, ...overrides],
    argv: [],
    backend: 'auto',
    workers,
    async onCheckpoint(checkpoint, { evaluation, envSteps }) {
      const at = systemClock.now();
      const reached = evaluation !== null && (await bar.passes(evaluation, checkpoint, experiment));
      attempt = { seconds: at - started - judging, envSteps, reached, successRate: evaluation?.successRate ?? 0 };
      judging += systemClock.now() - at;
      return reached;
    },
  });
  return attempt;
}
