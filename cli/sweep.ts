/** `landfall sweep EXPERIMENT key=[a,b] key=log(x,y) ...`: searches for the best settings by successive halving. */

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { applyOverrides } from '../configs/schema.ts';
import { InputError } from '../core/errors.ts';
import { keyOf } from '../core/rng.ts';
import { openExperiment } from '../loop/experiment.ts';
import { loadProject, named } from '../loop/project.ts';
import { combinations, parseSpace, sampleTrials } from '../loop/search-space.ts';
import { type Measure, rungsOf, runSweep, type SweepPlan, type Trial, type TrialResult } from '../loop/sweep.ts';
import { TrialProcesses } from '../loop/trial-process.ts';
import { writeJson } from '../policy/checkpoint.ts';
import { readJson } from '../policy/run-directory.ts';
import { numberWithin } from './option-values.ts';
import { clock, percent } from './progress.ts';
import { interval, table } from './run-lines.ts';

interface SweepOptions {
  readonly trials?: number;
  readonly eta: number;
  readonly minIterations?: number;
  readonly by: string;
  readonly seed: number;
  readonly name?: string;
  readonly parallel?: number;
  readonly workers: number;
  readonly runs: string;
  readonly with?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

const DEFAULT_TRIALS = 9;

export function register(program: Command): void {
  program
    .command('sweep')
    .summary('search for the best settings')
    .description(
      [
        'Search for the best settings by successive halving: every trial learns a little, the best of them go on.',
        'Trials are processes of `landfall train`. The same command goes on with a sweep that was interrupted, and',
        'the result is the same for any --parallel and --workers.',
        '',
        'Examples:',
        "  landfall sweep pendulum 'ppo.learningRate=log(1e-4,3e-3)' 'ppo.epochs=[2,4,8]'",
        "  landfall sweep pendulum 'network.hidden=[[64,64],[128,128]]' 'ppo.lam=uniform(0.9,1)' --trials 27",
        "  landfall sweep pendulum 'reward.effort=[-0.01,-0.1]' --by success",
        '',
        'key=[a,b] is one of these, log(a,b) and uniform(a,b) a number between, int(a,b) a whole one;',
        'any other key=value stays as it is. Trials do not stop at train.stopAtSuccess unless it is given.',
      ].join('\n'),
    )
    .argument('<experiment>', 'one of configs/, such as pendulum')
    .argument('<settings...>', 'what to search, and settings that differ')
    .option('--trials <n>', `how many (default: all combinations of choices, or ${DEFAULT_TRIALS})`, natural())
    .option('--eta <n>', 'one in how many goes on, to as many times the iterations', natural(2), 3)
    .option('--min-iterations <n>', 'of the first rung (default: eta^2 times fewer than of the last)', natural())
    .option('--by <measure>', 'return or success', 'return')
    .option('--seed <n>', 'of the drawn settings', numberWithin({ min: 0, integer: true }), 1)
    .option('--name <name>', 'of the sweep, instead of one that follows from the command')
    .option('--parallel <n>', 'trials at once (default: one for each --workers cores)', natural())
    .option('--workers <n>', 'worker threads of a trial', natural(), 1)
    .option('--with <module>', 'a JavaScript module with robots, tasks or experiments of your own')
    .option('--runs <dir>', 'the sweep is kept in sweeps/ of it', 'runs')
    .option('--dry-run', 'print the trials and rungs and stop')
    .option('--json', 'one JSON object a line')
    .action(sweep);
}

function natural(min = 1) {
  return numberWithin({ min, integer: true });
}

async function sweep(experiment: string, words: string[], options: SweepOptions): Promise<void> {
  const { plan, fixed, task } = await planOf(experiment, words, options);
  const emit = (event: string, rest: object) =>
    options.json === true && process.stdout.write(`${JSON.stringify({ event, ...rest })}\n`);
  const say = (text: string) => options.json !== true && process.stderr.write(`${text}\n`);
  const folder = await openFolder(experiment, plan, fixed, options);
  const parallel = options.parallel ?? Math.max(1, Math.floor(availableParallelism() / options.workers));
  emit('start', { folder, parallel, ...plan });
  say(`sweep ${folder}  ${plan.trials.length} trials, ${parallel} at once`);
  say(plan.rungs.map((rung) => `${rung.trials} to iteration ${rung.iterations}`).join(', then the best '));
  if (options.dryRun === true) {
    for (const { number, settings } of plan.trials) say(`trial ${number}  ${settings.join(' ')}`);
    return;
  }

  const withModule = options.with === undefined ? [] : [`--with=${resolve(options.with)}`];
  const processes = new TrialProcesses({
    program: [...process.execArgv, resolve(process.argv[1]!)],
    experiment,
    task,
    words: [...fixed, ...withModule],
    runs: folder,
    workers: options.workers,
  });
  let interrupted = false;
  const onInterrupt = () => {
    if (interrupted) process.exit(130);
    interrupted = true;
    process.stderr.write('\nstopping the trials; the same command goes on with them\n');
    processes.interrupt();
  };
  process.on('SIGINT', onInterrupt);
  try {
    const outcome = await runSweep(plan, parallel, {
      run: (trial, rung) => processes.run(trial, rung),
      onRung(index, rung, trials) {
        emit('rung', { rung: index, ...rung, trials: trials.map(({ number }) => number) });
        say(`rung ${index + 1} of ${plan.rungs.length}: ${trials.length} trials to iteration ${rung.iterations}`);
      },
      onResult(index, result) {
        emit('trial', { rung: index, ...result });
        say(`  trial ${result.trial.number}  ${judgement(result)}  ${result.trial.settings.join(' ')}`);
      },
      shouldStop: () => interrupted,
    });
    const best = outcome.results.find(({ evaluation }) => evaluation !== null) ?? null;
    const command = best === null ? null : trainCommand(experiment, [...fixed, ...best.trial.settings], options.with);
    await writeJson(join(folder, 'results.json'), { ...outcome, best, command });
    emit('end', { folder, isComplete: outcome.isComplete, best, command, results: outcome.results });
    if (options.json !== true) process.stdout.write(`${summary(outcome.results, best, command).join('\n')}\n`);
    if (!outcome.isComplete) say('interrupted: the same command goes on');
  } finally {
    process.off('SIGINT', onInterrupt);
  }
}

/** @throws InputError for a setting that no trial could have */
async function planOf(
  name: string,
  words: readonly string[],
  options: SweepOptions,
): Promise<{ plan: SweepPlan; fixed: readonly string[]; task: string }> {
  const space = parseSpace(words);
  const measure = measureOf(options.by);
  const keys = space.parameters.map(({ key }) => key);
  if (keys.length === 0) {
    throw new InputError('there is nothing to search: no setting has a range', {
      repair: "for example 'ppo.learningRate=log(1e-4,3e-3)' or 'ppo.epochs=[2,4,8]'",
    });
  }
  for (const key of keys) {
    if (measure === 'return' && key.startsWith('reward.')) {
      throw new InputError(`returns under other ${key} cannot be compared`, { repair: 'add --by success' });
    }
    if (key === 'train.iterations' || key === 'train.evalEvery') {
      throw new InputError(`${key} cannot be searched: the rungs follow from it`, { repair: `set it: ${key}=40` });
    }
  }
  const own = space.fixed.some((word) => word.startsWith('train.stopAtSuccess='));
  const fixed = own ? space.fixed : [...space.fixed, 'train.stopAtSuccess=null'];
  const { experiments } = await loadProject(options.with);
  const base = named(experiments, name, 'experiment');
  const { train, task } = applyOverrides(base, fixed);
  const all = combinations(space);
  const wanted = Math.min(options.trials ?? (Number.isFinite(all) ? all : DEFAULT_TRIALS), all);
  const settings = sampleTrials(space, wanted, keyOf(options.seed));
  for (const trial of settings) await openExperiment(applyOverrides(base, [...fixed, ...trial]));
  const { iterations, evalEvery } = train;
  const least = options.minIterations ?? Math.max(1, Math.floor(iterations / options.eta ** 2));
  const rungs = rungsOf(wanted, least, iterations, options.eta, evalEvery);
  const trials = settings.map((own, i): Trial => ({ number: i + 1, settings: own }));
  return { plan: { trials, rungs, eta: options.eta, measure }, fixed, task };
}

function measureOf(by: string): Measure {
  if (by === 'return' || by === 'success') return by;
  throw new InputError(`there is no measure named ${by}`, { repair: 'measures: return, success' });
}

/** The sweep's folder, new or of the same sweep. @throws InputError when it is another's */
async function openFolder(
  experiment: string,
  plan: SweepPlan,
  fixed: readonly string[],
  { name, runs, with: module, dryRun }: SweepOptions,
): Promise<string> {
  const spec = JSON.parse(
    JSON.stringify({ experiment, module: module === undefined ? null : resolve(module), fixed, ...plan }),
  );
  const hash = createHash('sha256').update(JSON.stringify(spec)).digest('hex').slice(0, 8);
  const folder = join(runs, 'sweeps', name ?? `${experiment}-${hash}`);
  const path = join(folder, 'sweep.json');
  if (existsSync(path)) {
    if (JSON.stringify(await readJson(path)) === JSON.stringify(spec)) return folder;
    throw new InputError(`${folder}: is a sweep of other settings`, { repair: 'choose another --name' });
  }
  if (dryRun !== true) await writeJson(path, spec);
  return folder;
}

function judgement({ evaluation, error, stopped }: TrialResult): string {
  if (evaluation === null) return stopped ? 'stopped' : `failed: ${error}`;
  return `return ${interval(evaluation.meanReturn, evaluation.ci95)}  success ${percent(evaluation.successRate)}`;
}

function trainCommand(experiment: string, settings: readonly string[], module: string | undefined): string {
  const quoted = settings.map((word) => (/^[\w.,=+-]+$/.test(word) ? word : `'${word}'`));
  const withModule = module === undefined ? [] : ['--with', module];
  return ['landfall train', experiment, ...withModule, ...quoted].join(' ');
}

function summary(results: readonly TrialResult[], best: TrialResult | null, command: string | null): string[] {
  const rows = results.map((result) => [
    `trial ${result.trial.number}`,
    `iter ${result.iterations}`,
    judgement(result),
    clock(result.seconds),
    result.trial.settings.join(' '),
  ]);
  if (best === null || command === null) return [...table(rows), 'no trial has been judged'];
  return [
    ...table(rows),
    '',
    'the best, and the command that makes it again:',
    `  ${command}`,
    `  landfall runs show ${relative(process.cwd(), best.path)}`,
    `  landfall eval ${relative(process.cwd(), best.path)} --engine mujoco`,
  ];
}
