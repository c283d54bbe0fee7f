/** `landfall bench transfer`: the evidence that what was learned in simulation holds on what was not. */

import type { Command } from 'commander';
import { parts } from '../bench/transfer/index.ts';
import { InputError, nearest } from '../core/errors.ts';
import { numberWithin } from './option-values.ts';

interface BenchTransferOptions {
  readonly seeds?: number;
  readonly workers: number;
  readonly directory: string;
  readonly json?: boolean;
}

export function register(bench: Command): void {
  bench
    .command('transfer')
    .summary('evidence of transfer')
    .description(
      [
        'Measure what docs/results.md reports of transfer, part by part. What is trained is kept, and judged again when asked again.',
        '',
        'Examples:',
        '  landfall bench transfer pendulum',
        '  landfall bench transfer lidar --seeds 3 --json',
      ].join('\n'),
    )
    .argument('[part...]', `parts: ${Object.keys(parts).join(', ')}; all without`)
    .option('--seeds <n>', 'how many (default: what the part needs)', numberWithin({ min: 1, integer: true }))
    .option('--workers <n>', 'worker threads; 0: one a core', numberWithin({ min: 0, max: 64, integer: true }), 0)
    .option('--directory <dir>', 'where what was trained is kept', 'runs/bench-transfer')
    .option('--json', 'print one JSON object')
    .action(async (names: string[], { seeds, workers, directory, json }: BenchTransferOptions) => {
      const chosen = names.length === 0 ? Object.keys(parts) : names.map(partNamed);
      const results: Record<string, unknown> = {};
      const tables: string[] = [];
      for (const name of chosen) {
        const part = await parts[name]!();
        const onProgress = (text: string) => process.stderr.write(`${name}: ${text}\n`);
        const figures = await part.run({ seeds: seeds ?? part.seeds, workers, directory, onProgress });
        results[name] = figures.json;
        tables.push(`### ${name}: ${part.doc}\n\n${figures.table}`);
      }
      process.stdout.write(json === true ? `${JSON.stringify(results)}\n` : `${tables.join('\n')}\n`);
    });
}

function partNamed(name: string): string {
  if (Object.hasOwn(parts, name)) return name;
  const near = nearest(name, Object.keys(parts));
  throw new InputError(`bench transfer has no part named ${name}`, {
    repair: near === undefined ? `parts: ${Object.keys(parts).join(', ')}` : `did you mean ${near}?`,
  });
}
