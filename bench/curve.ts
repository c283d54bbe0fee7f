/**
 * A learning curve: the experiment trained as configured with several seeds, every evaluation on the way, and what the best
 * checkpoint of each is worth on other episodes in both engines. A seed that was trained with this very configuration is
 * not trained again.
 */

import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { experimentNamed } from '../configs/index.ts';
import { applyOverrides } from '../configs/schema.ts';
import { evaluationRecipe, openExperiment } from '../loop/experiment.ts';
import { runTraining } from '../loop/training.ts';
import { loadBundle } from '../policy/checkpoint.ts';
import { WorkerPool } from '../policy/collector.ts';
import { type Evaluation, summarise } from '../policy/evaluate.ts';
import { readJson, readRecord } from '../policy/run-directory.ts';
import type { EngineName } from '../sim/recipe.ts';

export interface CurvePoint {
  readonly envSteps: number;
  readonly successRate: number;
  readonly meanReturn: number;
}

export interface SeedCurve {
  readonly seed: number;
  readonly points: readonly CurvePoint[];
  /** Of the training, wall-clock, evaluations included. */
  readonly seconds: number;
  readonly envSteps: number;
  readonly backend: string;
  readonly workers: number;
  readonly host: string;
  readonly git: string | null;
  /** Of the best checkpoint, on episodes of a seed that training did not see. */
  readonly final: Readonly<Record<EngineName, Evaluation>>;
}

export interface CurveOptions {
  readonly seeds: number;
  readonly workers: number;
  readonly evalEpisodes: number;
  readonly overrides: readonly string[];
  readonly directory: string;
  readonly onProgress: (text: string) => void;
}

const EVALUATION_SEED = 1000;

export async function learningCurves(name: string, options: CurveOptions): Promise<SeedCurve[]> {
  const curves: SeedCurve[] = [];
  for (let seed = 1; seed <= options.seeds; seed++) {
    const curve = await seedCurve(name, seed, options);
    curves.push(curve);
    const { rapier, mujoco } = curve.final;
    options.onProgress(
      `${name}, seed ${seed}: success ${rapier.successRate} in Rapier, ${mujoco.successRate} in the twin; ${curve.envSteps} steps in ${curve.seconds.toFixed(0)} s`,
    );
  }
  return curves;
}

async function seedCurve(name: string, seed: number, options: CurveOptions): Promise<SeedCurve> {
  const { overrides, workers, evalEpisodes } = options;
  const experiment = await openExperiment(applyOverrides(experimentNamed(name), [...overrides, `seed=${seed}`]));
  const run = join(options.directory, name, `seed-${seed}`);
  if (!(await isTrained(run, experiment.config))) {
    options.onProgress(`${name}, seed ${seed}: training`);
    await rm(run, { recursive: true, force: true });
    await runTraining({ experiment, run, overrides, argv: [], backend: 'auto', workers });
  }
  const bundle = await loadBundle(run);
  const pool = new WorkerPool(2);
  const judge = async (engine: EngineName) => {
    const recipe = evaluationRecipe(experiment, bundle.contract, engine, EVALUATION_SEED);
    return summarise(await pool.evaluate(recipe, bundle.contract, bundle.weights, evalEpisodes), recipe.key);
  };
  try {
    const final = { rapier: await judge('rapier'), mujoco: await judge('mujoco') };
    const { seconds, envSteps, backend, host, git, workers: used } = await readRecord(run);
    return { seed, points: await pointsOf(run), seconds, envSteps, backend, workers: used, host, git, final };
  } finally {
    await pool.close();
  }
}

async function isTrained(run: string, config: unknown): Promise<boolean> {
  if (!existsSync(join(run, 'run.json'))) return false;
  const stored = await readJson(join(run, 'config.json'));
  return (await readRecord(run)).status === 'finished' && isDeepStrictEqual(stored, JSON.parse(JSON.stringify(config)));
}

/** The evaluations of a run, in order. */
async function pointsOf(run: string): Promise<CurvePoint[]> {
  const lines = (await readFile(join(run, 'metrics.jsonl'), 'utf8')).trim().split('\n');
  return lines.flatMap((line) => {
    const { envSteps, evaluation } = JSON.parse(line) as { envSteps: number; evaluation: Evaluation | null };
    return evaluation === null
      ? []
      : [{ envSteps, successRate: evaluation.successRate, meanReturn: evaluation.meanReturn }];
  });
}
