/** `landfall reproduce EXPERIMENT`: measures a row of the learning curves of docs/results.md again. */

import { join } from 'node:path';
import type { Command } from 'commander';
import { learningCurves, type SeedCurve } from '../bench/curve.ts';
import { curvePicture } from '../bench/curve-picture.ts';
import { spread } from '../bench/spread.ts';
import { experimentNamed, experiments } from '../configs/index.ts';
import { writeAtomically } from '../policy/checkpoint.ts';
import { numberWithin } from './option-values.ts';

interface ReproduceOptions {
  readonly seeds: number;
  readonly episodes: number;
  readonly workers: number;
  readonly set: readonly string[];
  readonly directory: string;
  readonly pictures?: string;
  readonly json?: boolean;
}

export function register(program: Command): void {
  program
    .command('reproduce')
    .summary('measure a learning curve again')
    .description(
      [
        'Train an experiment as configured with seeds 1, 2, ... and judge each best checkpoint in both engines:',
        'a row of the learning curves in docs/results.md.',
        '',
        'Example:',
        '  landfall reproduce cartpole-balance',
      ].join('\n'),
    )
    .argument('<experiment>', `one of ${Object.keys(experiments).join(', ')}`)
    .option('--seeds <n>', 'how many', numberWithin({ min: 1, integer: true }), 3)
    .option('--episodes <n>', 'of each final judgement', numberWithin({ min: 1, integer: true }), 100)
    .option('--workers <n>', 'worker threads; 0: one a core', numberWithin({ min: 0, max: 64, integer: true }), 0)
    .option('--set <key=value...>', 'settings that differ from the config', [])
    .option('--directory <dir>', 'where the runs are kept; finished ones are not trained again', 'runs/reproduce')
    .option('--pictures <dir>', 'write the curve as EXPERIMENT.svg there')
    .option('--json', 'one JSON object')
    .action(async (name: string, options: ReproduceOptions) => {
      experimentNamed(name);
      const curves = await learningCurves(name, {
        seeds: options.seeds,
        workers: options.workers,
        evalEpisodes: options.episodes,
        overrides: options.set,
        directory: options.directory,
        onProgress: (text) => process.stderr.write(`${text}\n`),
      });
      if (options.pictures !== undefined) {
        const lines = Object.fromEntries(curves.map(({ seed, points }) => [`seed ${seed}`, points]));
        const picture = curvePicture(`${name}: success`, lines, ({ successRate }) => successRate, [0, 1]);
        await writeAtomically(join(options.pictures, `${name}.svg`), picture);
      }
      process.stdout.write(
        options.json === true ? `${JSON.stringify({ experiment: name, curves })}\n` : row(name, curves),
      );
    });
}

/** As docs/results.md keeps it: medians, and from least to most. */
function row(name: string, curves: readonly SeedCurve[]): string {
  const { backend, workers, host, git } = curves[0]!;
  const of = (pick: (curve: SeedCurve) => number, digits: number) => spread(curves.map(pick), digits);
  const cells = [
    name,
    of(({ envSteps }) => envSteps / 1e6, 2),
    of(({ seconds }) => seconds, 0),
    of(({ final }) => final.rapier.successRate, 2),
    of(({ final }) => final.mujoco.successRate, 2),
    of(({ final }) => final.rapier.meanReturn, 1),
    of(({ final }) => final.mujoco.meanReturn, 1),
    git?.slice(0, 8) ?? '',
  ];
  return [
    '| experiment | million steps | s | success, Rapier | success, twin | return, Rapier | return, twin | commit |',
    `|---|${'--:|'.repeat(7)}`,
    `| ${cells.join(' | ')} |`,
    '',
    `${curves.length} seeds; ${backend}, ${workers} workers; ${host}`,
    '',
  ].join('\n');
}
