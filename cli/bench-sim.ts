/** `landfall bench sim`: how fast tasks are simulated, and where the time goes. */

import type { Command } from 'commander';
import { type SimBench, simBench } from '../bench/sim.ts';
import { taskNamed, tasks } from '../sim/tasks/index.ts';
import { numberWithin } from './option-values.ts';

interface BenchSimOptions {
  readonly seconds: number;
  readonly environments: number;
  readonly json?: boolean;
}

export function register(bench: Command): void {
  bench
    .command('sim')
    .summary('speed of the simulation')
    .description('Control steps a second, policy included: on one worker, on two, and of the same robot in MuJoCo.')
    .argument('[task...]', 'tasks; all without')
    .option('--seconds <s>', 'of each task', numberWithin({ min: 0.5 }), 10)
    .option('--environments <n>', 'on each worker', numberWithin({ min: 1, max: 4096, integer: true }), 16)
    .option('--json', 'print one JSON object')
    .action(async (names: string[], { seconds, environments, json }: BenchSimOptions) => {
      const chosen = names.length === 0 ? Object.keys(tasks) : names.map((name) => taskNamed(name).name);
      const onProgress = (text: string) => process.stderr.write(`${text}\n`);
      const result = await simBench({ tasks: chosen, seconds, environments, onProgress });
      process.stdout.write(json === true ? `${JSON.stringify(result)}\n` : table(result));
    });
}

/** As docs/results.md keeps it. */
function table({ tasks: results }: SimBench): string {
  const percent = (share: number) => `${(100 * share).toFixed(0)}%`;
  const rows = Object.entries(results).map(([name, result]) => {
    const { share, mujocoWasmStepsPerSecond: mujoco, mujocoRatio, allocatedBytesPerStep: bytes } = result;
    const cells = [
      name,
      result.stepsPerSecondPerCore.toFixed(0),
      `${result.scaling2.toFixed(2)}${result.processorShare < 0.95 ? ' (busy machine)' : ''}`,
      percent(share.physics),
      percent(share.observation),
      percent(share.actor),
      percent(share.other),
      mujoco === null || mujocoRatio === null ? 'none' : `${mujoco.toFixed(0)} (x${mujocoRatio.toFixed(2)})`,
      bytes === null ? '' : bytes.toFixed(0),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  const notes = Object.entries(results).flatMap(([name, { mujocoMissing }]) =>
    mujocoMissing === undefined ? [] : [`${name}: not in MuJoCo: ${mujocoMissing}`],
  );
  return [
    '| task | steps/s a core | two workers over one | physics | observation | actor | other | MuJoCo steps/s | bytes a step |',
    `|---|${'--:|'.repeat(8)}`,
    ...rows,
    ...(notes.length === 0 ? [] : ['', ...notes]),
    '',
  ].join('\n');
}
