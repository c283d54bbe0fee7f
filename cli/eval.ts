/** `landfall eval RUN`: judges a trained policy in either engine, over episodes that are the same for every policy. */

import type { Command } from 'commander';
import { InputError } from '../core/errors.ts';
import { taskCommandOf } from '../core/task-command.ts';
import { type Experiment, evaluationRecipe, experimentOf } from '../loop/experiment.ts';
import { type Bundle, loadBundle } from '../policy/checkpoint.ts';
import { WorkerPool } from '../policy/collector.ts';
import { type Evaluation, summarise } from '../policy/evaluate.ts';
import { resolveRun } from '../policy/run-directory.ts';
import type { EngineName } from '../sim/recipe.ts';
import { commandValues, numberWithin } from './option-values.ts';
import { percent } from './progress.ts';

interface EvalOptions {
  readonly episodes: number;
  readonly engine: string;
  readonly seed: number;
  readonly randomization?: number;
  readonly command?: Readonly<Record<string, number>>;
  readonly json?: boolean;
  readonly runs: string;
}

export function register(program: Command): void {
  program
    .command('eval')
    .summary('judge a policy')
    .description(
      'Judge a policy by whole episodes with its mean action.\n\nExample:\n  landfall eval latest --engine mujoco --episodes 100',
    )
    .argument('<run>', 'a run, a checkpoint, a file, or latest')
    .option('--episodes <n>', 'how many', numberWithin({ min: 1, integer: true }), 100)
    .option('--engine <name>', 'rapier, or mujoco: the twin, which nobody tuned the policy for', 'rapier')
    .option(
      '--seed <n>',
      'of the episodes; another one than training used',
      numberWithin({ min: 0, integer: true }),
      1000,
    )
    .option('--randomization <width>', "0 none, 1 the task's ranges (default: as trained)", numberWithin({ min: 0 }))
    .option('--command <name=value,...>', 'ask this in every episode (default: what the task samples)', commandValues)
    .option('--json', 'one JSON object')
    .option('--runs <dir>', 'where runs are kept', 'runs')
    .action(run);
}

async function run(name: string, options: EvalOptions): Promise<void> {
  const engine = engineNamed(options.engine);
  const bundle = await loadBundle(await resolveRun(name, options.runs));
  const experiment = await experimentOf(bundle, options.randomization);
  const pool = new WorkerPool(2);
  try {
    const asked = options.command === undefined ? undefined : taskCommandOf(bundle.contract, options.command);
    const evaluation = await evaluateBundle(pool, experiment, bundle, engine, options.episodes, options.seed, asked);
    process.stdout.write(
      options.json === true ? `${JSON.stringify({ engine, ...evaluation })}\n` : table(engine, evaluation, bundle),
    );
  } finally {
    await pool.close();
  }
}

/**
 * @param seed of the episodes
 * @param command asked in all of them, in the contract's order
 */
export async function evaluateBundle(
  pool: WorkerPool,
  experiment: Experiment,
  bundle: Bundle,
  engine: EngineName,
  episodes: number,
  seed: number,
  command?: Float64Array,
): Promise<Evaluation> {
  const recipe = {
    ...evaluationRecipe(experiment, bundle.contract, engine, seed),
    ...(command === undefined ? {} : { command: Array.from(command) }),
  };
  const scores = await pool.evaluate(recipe, bundle.contract, bundle.weights, episodes);
  return summarise(scores, recipe.key);
}

function table(engine: EngineName, evaluation: Evaluation, { path }: Bundle): string {
  const { episodes, successRate, meanReturn, ci95, successCi95 } = evaluation;
  return [
    `policy   ${path}`,
    `engine   ${engine}, ${episodes} episodes`,
    `success  ${percent(successRate)}  (95% interval ${percent(successCi95[0])} to ${percent(successCi95[1])})`,
    `return   ${meanReturn.toFixed(2)}  (95% interval ${ci95[0].toFixed(2)} to ${ci95[1].toFixed(2)})`,
    '',
  ].join('\n');
}

function engineNamed(name: string): EngineName {
  if (name === 'rapier' || name === 'mujoco') return name;
  throw new InputError(`there is no engine named ${name}`, { repair: 'engines: rapier, mujoco' });
}
