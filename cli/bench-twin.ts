/** `landfall bench twin`: zero-shot, adapted and from scratch on twins that differ from the simulator. */

import type { Command } from 'commander';
import { type TwinBench, twinBench } from '../bench/twin.ts';
import type { Interval } from '../bench/twin-shift.ts';
import { numberWithin } from './option-values.ts';

interface BenchTwinOptions {
  readonly seeds: number;
  readonly episodes: number;
  readonly iterations: number;
  readonly directory: string;
  readonly json?: boolean;
}

export function register(bench: Command): void {
  bench
    .command('twin')
    .description(
      'Train, land on twins that differ from the simulator, adapt to ten episodes, learn from scratch on the same ten.',
    )
    .option('--seeds <n>', 'how many', numberWithin({ min: 1, integer: true }), 5)
    .option('--episodes <n>', 'episodes of each judgement', numberWithin({ min: 1, integer: true }), 50)
    .option('--iterations <n>', 'of learning', numberWithin({ min: 1, integer: true }), 100)
    .option('--directory <dir>', 'where the trained policies are kept', 'runs/bench-twin')
    .option('--json', 'one JSON object')
    .action(async (options: BenchTwinOptions) => {
      const result = await twinBench({
        seeds: options.seeds,
        evalEpisodes: options.episodes,
        iterations: options.iterations,
        directory: options.directory,
        onProgress: (text) => process.stderr.write(`${text}\n`),
      });
      process.stdout.write(options.json === true ? `${JSON.stringify(result)}\n` : table(result));
    });
}

function table(result: TwinBench): string {
  const cell = ({ mean, ci95 }: Interval) => `${mean.toFixed(2)} (${ci95[0].toFixed(2)} to ${ci95[1].toFixed(2)})`;
  const rows = Object.entries(result).flatMap(([name, { shift, success, meanReturn, accepted, rows: seeds }]) => [
    `| ${name}: mass x${shift.mass}, friction x${shift.friction}, latency ${shift.latency} s | success | ${cell(success.zeroShot)} | ${cell(success.adapted)} | ${cell(success.scratch)} | ${accepted} of ${seeds.length} |`,
    `| | return | ${cell(meanReturn.zeroShot)} | ${cell(meanReturn.adapted)} | ${cell(meanReturn.scratch)} | |`,
  ]);
  return ['| twin | | zero-shot | adapted | from scratch | accepted |', '|---|---|---|---|---|---|', ...rows, ''].join(
    '\n',
  );
}
