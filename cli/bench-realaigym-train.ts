/** `landfall bench realaigym-train`: the policies that `landfall bench realaigym` judges, of acrobot and pendubot. */

import { join } from 'node:path';
import type { Command } from 'commander';
import { EFFORT, trainByImitation } from '../bench/realaigym/imitation/train.ts';
import { InputError } from '../core/errors.ts';
import { numberWithin } from './option-values.ts';

interface TrainingOptions {
  readonly out?: string;
  readonly seed: number;
  readonly tries?: number;
  readonly evaluations?: number;
  readonly rounds?: number;
}

export function register(bench: Command): void {
  const whole = numberWithin({ min: 1, integer: true });
  bench
    .command('realaigym-train')
    .summary('train for the RealAIGym leaderboards')
    .description(
      'Search a swing-up of acrobot or pendubot that scores well, and teach it to a network that runs on its own (DAgger).',
    )
    .argument('<task>', 'acrobot or pendubot')
    .option('--out <dir>', 'where the bundle goes (default: "runs/realaigym/TASK")')
    .option('--seed <n>', 'of searches and learning', numberWithin({ min: 0, integer: true }), 1)
    .option('--tries <n>', 'searches for a swing-up', whole)
    .option('--evaluations <n>', 'swings simulated in each', whole)
    .option('--rounds <n>', 'of learning', whole)
    .action(async (task: string, options: TrainingOptions) => {
      if (task !== 'acrobot' && task !== 'pendubot') {
        throw new InputError(`${task}: trained by imitation are acrobot and pendubot`, {
          repair: task === 'pendulum' ? 'landfall train pendulum' : 'give one of the two',
        });
      }
      const path = await trainByImitation({
        ...EFFORT[task],
        ...options,
        task,
        directory: options.out ?? join('runs', 'realaigym', task),
        onProgress: (text) => process.stderr.write(`${text}\n`),
      });
      process.stdout.write(`${path}\nnext: landfall bench realaigym ${path}\n`);
    });
}
