/** `landfall bench learn`: how fast PPO learns on every backend that is here, and PyTorch beside it. */

import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { LEARN_BATCHES, LEARN_SIZES, type LearnBench, learnBench } from '../bench/learn.ts';
import { InputError } from '../core/errors.ts';
import { type BackendName, backendNames } from '../policy/backend.ts';
import { numberWithin } from './option-values.ts';

interface BenchLearnOptions {
  readonly seconds: number;
  readonly rounds: number;
  readonly threads?: number;
  readonly python: string;
  readonly json?: boolean;
}

export function register(bench: Command): void {
  bench
    .command('learn')
    .summary('speed of the learner')
    .description('PPO samples a second, complete minibatch steps: of every backend that is here, and of PyTorch.')
    .argument('[backend...]', 'backends; all without')
    .option('--seconds <s>', 'of one turn', numberWithin({ min: 0.05 }), 0.5)
    .option('--rounds <n>', 'turns of each', numberWithin({ min: 1, max: 1000, integer: true }), 5)
    .option('--threads <n>', 'that learn at once; one a core without', numberWithin({ min: 1, max: 64, integer: true }))
    .option('--python <command>', 'a Python that has torch', process.env.LANDFALL_PYTHON ?? 'python3')
    .option('--json', 'print one JSON object')
    .action(async (names: string[], { seconds, rounds, threads, python, json }: BenchLearnOptions) => {
      const result = await learnBench({
        backends: names.length === 0 ? backendNames : names.map(backendNamed),
        sizes: LEARN_SIZES,
        batches: LEARN_BATCHES,
        seconds,
        rounds,
        threads: threads ?? availableParallelism(),
        python,
        onProgress: (text) => process.stderr.write(`${text}\n`),
      });
      process.stdout.write(json === true ? `${JSON.stringify(result)}\n` : table(result));
    });
}

function backendNamed(name: string): BackendName {
  const found = backendNames.find((known) => known === name);
  if (found !== undefined) return found;
  throw new InputError(`no backend is called ${name}`, { repair: `one of ${backendNames.join(', ')}` });
}

/** As docs/results.md keeps it. */
function table({ backends, torch, overTorch, threads }: LearnBench): string {
  const names = Object.keys(backends);
  const rows = LEARN_SIZES.flatMap((hidden) =>
    LEARN_BATCHES.map((batch) => {
      const size = hidden.join('-');
      const thousands = (samples: number | undefined) => ((samples ?? 0) / 1000).toFixed(1);
      const cells = names.map((name) => {
        const ratio = overTorch[name]?.[size]?.[batch];
        return `${thousands(backends[name]![size]![batch])}${ratio === undefined ? '' : ` (x${ratio.toFixed(2)})`}`;
      });
      return `| ${[size, batch, ...cells, ...(torch === null ? [] : [thousands(torch[size]![batch])])].join(' | ')} |`;
    }),
  );
  return [
    `Thousands of samples a second, ${threads} threads; in brackets over PyTorch's.`,
    '',
    `| network | minibatch | ${[...names, ...(torch === null ? [] : ['torch'])].join(' | ')} |`,
    `|---|${'--:|'.repeat(names.length + (torch === null ? 1 : 2))}`,
    ...rows,
    '',
  ].join('\n');
}
