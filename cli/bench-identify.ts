/** `landfall bench identify`: identification on the real pendulum's recordings, beside the published model. */

import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { benchIdentify, type IdentifyBench, type ModelErrors } from '../bench/identify.ts';
import { InputError } from '../core/errors.ts';
import { keyOf } from '../core/rng.ts';
import { loadRobot } from '../loop/experiment.ts';
import { budgets } from '../sim/identify/identify.ts';
import { taskNamed } from '../sim/tasks/index.ts';
import { numberWithin } from './option-values.ts';

export function register(bench: Command): void {
  bench
    .command('identify')
    .summary('identification on real recordings')
    .description(
      'Fit the first 60% of each real pendulum recording, test on the rest, compare with the published model.',
    )
    .option('--data <dir>', 'where the recordings are', '../shared/data/pendulum')
    .option('--seed <n>', 'seed of the search', numberWithin({ min: 0, integer: true }), 1)
    .option('--workers <n>', 'worker threads', numberWithin({ min: 1, max: 64, integer: true }), 2)
    .option('--json', 'print one JSON object')
    .action(async (options: { data: string; seed: number; workers: number; json?: boolean }) => {
      if (!(await isDirectory(options.data))) {
        throw new InputError(`no such directory: ${options.data}`, {
          repair: 'give the folder with the four recordings of the torque-limited simple pendulum: --data DIR',
        });
      }
      const { model } = await loadRobot('pendulum');
      const result = await benchIdentify({
        directory: options.data,
        model,
        physics: taskNamed('pendulum').physics,
        budget: budgets.thorough,
        key: keyOf(options.seed),
        workers: options.workers,
        onProgress: (message) => process.stderr.write(`${message}\n`),
      });
      process.stdout.write(options.json === true ? `${JSON.stringify(result)}\n` : `${report(result)}\n`);
    });
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}

/** The result as Markdown tables, as docs/results.md keeps them. */
function report({ recordings, cross, groups }: IdentifyBench): string {
  const names = Object.keys(recordings);
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const line = (count: number) => row(['---', ...Array.from({ length: count }, () => '--:')]);
  const ratio = ({ fitted, published }: ModelErrors) => (fitted / published).toFixed(2);
  const errors = (e: ModelErrors) => [e.fitted.toFixed(3), e.published.toFixed(3), e.nominal.toFixed(3), ratio(e)];
  const heading = row(['recording', 'windows', 'fitted', 'published', 'nominal', 'fitted / published']);
  return [
    'Held-out error, from sound readings, pushes left out:',
    '',
    heading,
    line(5),
    ...names.map((name) => row([name, String(recordings[name]!.windows), ...errors(recordings[name]!)])),
    '',
    'Every window, nothing left out; hindsight: the best that any parameters of the simulator do on these very windows:',
    '',
    row(['recording', 'windows', 'fitted', 'published', 'nominal', 'fitted / published', 'hindsight / published']),
    line(6),
    ...names.map((name) => {
      const { everyWindow } = recordings[name]!;
      const floor = (everyWindow.hindsight / everyWindow.published).toFixed(2);
      return row([name, String(everyWindow.windows), ...errors(everyWindow), floor]);
    }),
    '',
    'Started from the smoothed velocity:',
    '',
    heading,
    line(5),
    ...names.map((name) => row([name, String(recordings[name]!.windows), ...errors(recordings[name]!.smoothedStart)])),
    '',
    'Fitted on (rows) and tested on (columns), held-out error:',
    '',
    row(['fitted on', ...names]),
    line(names.length),
    ...Object.entries(cross).map(([label, tested]) =>
      row([label.replaceAll('+', ' + '), ...names.map((name) => tested[name]!.toFixed(3))]),
    ),
    '',
    `Explained by one parameter set: ${groups.map((members) => members.join(' + ')).join('; ')}.`,
    '',
    row([
      'recording',
      ...(recordings[names[0]!]?.parameters.map((p) => p.name) ?? []),
      'wild velocities',
      'wild torques',
      'pushes, s',
    ]),
    line((recordings[names[0]!]?.parameters.length ?? 0) + 3),
    ...names.map((name) => {
      const { parameters, wildVelocities, wildTorques, disturbances } = recordings[name]!;
      const pushes = disturbances.map(({ begin, end }) => `${begin.toFixed(2)}-${end.toFixed(2)}`);
      return row([
        name,
        ...parameters.map((p) =>
          p.identifiable ? `${p.value.toFixed(3)} (${(100 * p.relativeSd).toFixed(0)}%)` : 'not identifiable',
        ),
        String(wildVelocities),
        `${wildTorques.kept} kept, ${wildTorques.replaced} replaced`,
        pushes.length === 0 ? 'none' : pushes.join(', '),
      ]);
    }),
  ].join('\n');
}
