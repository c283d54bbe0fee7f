/** `landfall bench skill`: how long it takes to learn a task. */

import type { Command } from 'commander';
import { type Algorithm, algorithms, bars, type SkillBench, type SkillRow, skillBench } from '../bench/skill.ts';
import { spread } from '../bench/spread.ts';
import { InputError, nearest } from '../core/errors.ts';
import { numberWithin } from './option-values.ts';

interface BenchSkillOptions {
  readonly seeds: number;
  readonly algorithm: readonly string[];
  readonly set: readonly string[];
  readonly workers: number;
  readonly directory: string;
  readonly json?: boolean;
}

export function register(bench: Command): void {
  bench
    .command('skill')
    .summary('time to learn')
    .description(
      [
        "Train from nothing until a checkpoint passes the task's bar; wall-clock and control steps, seed by seed.",
        '',
        'Examples:',
        '  landfall bench skill pendulum',
        '  landfall bench skill cartpole-balance --seeds 3 --algorithm ppo --json',
      ].join('\n'),
    )
    .argument('[task...]', `tasks: ${Object.keys(bars).join(', ')}; all without`)
    .option('--seeds <n>', 'how many', numberWithin({ min: 1, integer: true }), 5)
    .option('--algorithm <name...>', algorithms.join(', '), [...algorithms])
    .option('--set <key=value...>', 'settings that differ from the config', [])
    .option('--workers <n>', 'worker threads; 0: one a core', numberWithin({ min: 0, max: 64, integer: true }), 0)
    .option('--directory <dir>', 'where the runs are kept', 'runs/bench-skill')
    .option('--json', 'print one JSON object')
    .action(async (names: string[], options: BenchSkillOptions) => {
      const result = await skillBench({
        tasks: names.length === 0 ? Object.keys(bars) : names.map(withBar),
        algorithms: options.algorithm.map(algorithmNamed),
        seeds: options.seeds,
        workers: options.workers,
        overrides: options.set,
        directory: options.directory,
        onProgress: (text) => process.stderr.write(`${text}\n`),
      });
      process.stdout.write(options.json === true ? `${JSON.stringify(result)}\n` : table(result));
    });
}

function withBar(name: string): string {
  if (Object.hasOwn(bars, name)) return name;
  const near = nearest(name, Object.keys(bars));
  throw new InputError(`no bar is set for ${name}`, {
    repair: near === undefined ? `tasks with a bar: ${Object.keys(bars).join(', ')}` : `did you mean ${near}?`,
  });
}

function algorithmNamed(name: string): Algorithm {
  const found = algorithms.find((known) => known === name);
  if (found !== undefined) return found;
  throw new InputError(`there is no algorithm named ${name}`, { repair: `algorithms: ${algorithms.join(', ')}` });
}

/** As docs/results.md keeps it. */
function table({ tasks }: SkillBench): string {
  const rows = Object.entries(tasks).flatMap(([name, { bar, ...rest }]) =>
    Object.entries(rest as Partial<Record<Algorithm, SkillRow>>).map(([algorithm, row]) => {
      const passed = row.reached.filter(Boolean).length;
      return `| ${name} | ${bar} | ${algorithm} | ${passed} of ${row.reached.length} | ${spread(row.seconds, 1)} | ${spread(row.envSteps, 0)} |`;
    }),
  );
  return [
    '| task | bar | algorithm | passed | s | control steps |',
    `|---|---|---|${'--:|'.repeat(3)}`,
    ...rows,
    '',
  ].join('\n');
}
