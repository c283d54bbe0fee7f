/** `landfall runs`: the runs there are, newest first. */

import { relative } from 'node:path';
import type { Command } from 'commander';
import { listRuns } from '../policy/run-directory.ts';
import { clock, percent } from './progress.ts';

export function register(program: Command): void {
  program
    .command('runs')
    .summary('list runs')
    .description('List the runs there are, newest first.')
    .option('--runs <dir>', 'where runs are kept', 'runs')
    .option('--json', 'one JSON object a line')
    .action(async (options: { runs: string; json?: boolean }) => {
      const runs = await listRuns(options.runs);
      for (const { path, record } of runs) {
        const place = relative(process.cwd(), path);
        process.stdout.write(
          options.json === true
            ? `${JSON.stringify({ path, ...record })}\n`
            : `${record.status.padEnd(9)} ${clock(record.seconds).padStart(6)} ${String(record.envSteps).padStart(9)} steps  best ${record.bestReturn?.toFixed(2) ?? '-'} (${percent(record.bestSuccess)})  ${place}\n`,
        );
      }
      if (runs.length === 0 && options.json !== true)
        process.stdout.write(`no runs in ${options.runs}; landfall train pendulum makes one\n`);
    });
}
