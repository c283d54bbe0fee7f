/** `landfall runs`: lists runs, shows one, and says what sets two apart. */

import { relative } from 'node:path';
import type { Command } from 'commander';
import { compareRuns, nextCommands, type RunReport, reportRun } from '../loop/run-report.ts';
import { listRuns, resolveRun } from '../policy/run-directory.ts';
import { clock, percent } from './progress.ts';
import { comparisonLines, reportLines } from './run-lines.ts';

interface RunsOptions {
  readonly runs: string;
  readonly json?: boolean;
}

export function register(program: Command): void {
  const runs = program
    .command('runs')
    .summary('list, show and compare runs')
    .description(
      [
        'List the runs there are, show one, or say what sets two apart.',
        '',
        'Examples:',
        '  landfall runs',
        '  landfall runs show latest',
        '  landfall runs diff brave-owl calm-fox',
        '  landfall runs show pendulum@latest --json',
      ].join('\n'),
    );
  const add = (command: Command) =>
    command.option('--runs <dir>', 'where runs are kept', 'runs').option('--json', 'JSON, one object a line');
  add(runs.command('ls', { isDefault: true }).description('list the runs there are, newest first')).action(list);
  add(runs.command('show').description('settings, learning curve, evaluations, checkpoints, what to do next'))
    .argument('<run>', 'a directory, the beginning of its id, its words, latest or TASK@latest')
    .action(show);
  add(runs.command('diff').description('settings, versions and results that two runs differ in'))
    .argument('<a>', 'a run')
    .argument('<b>', 'another')
    .action(diff);
}

async function list(options: RunsOptions): Promise<void> {
  const found = await listRuns(options.runs);
  for (const { path, record } of found) {
    print(
      options.json === true
        ? JSON.stringify({ path, ...record })
        : `${record.status.padEnd(9)} ${clock(record.seconds).padStart(6)} ${String(record.envSteps).padStart(9)} steps  best ${record.bestReturn?.toFixed(2) ?? '-'} (${percent(record.bestSuccess)})  ${place(path)}`,
    );
  }
  if (options.json === true) return;
  print(
    found.length === 0
      ? `no runs in ${options.runs}; landfall train pendulum makes one`
      : 'next: landfall runs show latest',
  );
}

async function show(name: string, options: RunsOptions): Promise<void> {
  const report = await open(name, options);
  const { module } = report.config;
  const next = nextCommands(report, place(report.path), module === undefined ? null : place(module));
  print(options.json === true ? JSON.stringify({ ...report, next }) : reportLines(report, next).join('\n'));
}

async function diff(first: string, second: string, options: RunsOptions): Promise<void> {
  const [a, b] = [await open(first, options), await open(second, options)];
  const comparison = compareRuns(a, b);
  const brief = ({ path, record, best, latest, stepsPerSecond }: RunReport) => ({
    path,
    status: record.status,
    envSteps: record.envSteps,
    seconds: record.seconds,
    stepsPerSecond,
    best,
    latest,
  });
  print(
    options.json === true
      ? JSON.stringify({ a: brief(a), b: brief(b), ...comparison })
      : comparisonLines(a, b, comparison).join('\n'),
  );
}

async function open(name: string, { runs }: RunsOptions): Promise<RunReport> {
  return reportRun(await resolveRun(name, runs));
}

function place(path: string): string {
  return relative(process.cwd(), path);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
