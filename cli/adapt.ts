/** `landfall adapt RUN --episodes DIR`: makes a policy fit a robot from its recorded episodes, or says why it did not. */

import { dirname, join, relative } from 'node:path';
import type { Command } from 'commander';
import { listEpisodes } from '../bridge/episode-files.ts';
import { type AdaptationReport, adapt } from '../loop/adaptation.ts';
import { explain, learnedParameters, saveAdaptation } from '../loop/adapted-policy.ts';
import { type ChooseArm, chooseNamed } from '../loop/arm-choice.ts';
import { experimentOf } from '../loop/experiment.ts';
import { fitterOf } from '../loop/fitting.ts';
import { type Bundle, loadBundle } from '../policy/checkpoint.ts';
import { WorkerPool } from '../policy/collector.ts';
import { resolveRun } from '../policy/run-directory.ts';
import { ARM_NAMES, type ArmName, armDoc, armNamed } from '../policy/transfer/arms.ts';
import { numberWithin } from './option-values.ts';

interface AdaptOptions {
  readonly episodes: string;
  readonly out?: string;
  readonly seed: number;
  readonly iterations: number;
  readonly arms?: string;
  readonly keep?: string;
  readonly json?: boolean;
  readonly runs: string;
}

export function register(program: Command): void {
  program
    .command('adapt')
    .summary('adapt a policy to recorded episodes')
    .description(
      [
        'Fit the simulator to recorded episodes, fine-tune the policy in it, and keep the result only if it is not worse on',
        'episodes that were held out. Doing nothing and learning anew always run beside it. What is frozen stays as it is,',
        'to the byte.',
        '',
        'Arms:',
        ...ARM_NAMES.map((arm) => `  ${arm.padEnd(10)} ${armDoc(arm)}`),
        '',
        'Examples:',
        '  landfall adapt latest --episodes episodes',
        '  landfall adapt latest --episodes episodes --arms head,lora,gradual,l2sp --keep lora',
      ].join('\n'),
    )
    .argument('<run>', 'a run, a checkpoint, a file, or latest')
    .requiredOption('--episodes <dir>', 'directory of .mcap recordings')
    .option('--out <dir>', 'where the adapted policy and the report go (default: adapted/ beside the policy)')
    .option('--seed <n>', 'of learning and judging', numberWithin({ min: 0, integer: true }), 1)
    .option('--iterations <n>', 'of learning', numberWithin({ min: 1, integer: true }), 100)
    .option('--arms <names>', 'what to try and show besides, by commas')
    .option('--keep <arm>', 'what to keep if it is no worse (default: chosen by what is measured)')
    .option('--json', 'one JSON object')
    .option('--runs <dir>', 'where runs are kept', 'runs')
    .action(run);
}

async function run(name: string, options: AdaptOptions): Promise<void> {
  const { arms, choose } = armsOf(options);
  const bundle = await loadBundle(await resolveRun(name, options.runs));
  const experiment = await experimentOf(bundle);
  const files = await listEpisodes(options.episodes);
  const whole = files.filter(({ episode }) => episode.outcome?.completed === true);
  const say = (text: string) => options.json !== true && process.stderr.write(`${text}\n`);
  if (whole.length < files.length)
    say(`${files.length - whole.length} of ${files.length} episodes were cut off or faulted and are left out`);
  const pool = new WorkerPool(2);
  try {
    const adaptation = await adapt({
      bundle,
      learned: await learnedParameters(bundle),
      experiment,
      episodes: whole.map(({ episode }) => episode),
      pool,
      fit: fitterOf(experiment, options.seed),
      seed: options.seed,
      iterations: options.iterations,
      pairs: 60,
      arms,
      ...(choose === undefined ? {} : { choose }),
      onStage: say,
    });
    const out = options.out ?? join(runOf(bundle), 'adapted');
    await saveAdaptation(out, adaptation);
    const { report } = adaptation;
    process.stdout.write(
      options.json === true
        ? `${JSON.stringify({ accepted: report.accepted, before: report.verdict.before, after: report.verdict.after, scratch: report.scratch.after, chosen: report.chosen, out, report })}\n`
        : `${explain(report)}\n${nextCommand(report, out)}\n`,
    );
  } finally {
    await pool.close();
  }
}

/** @throws InputError for an arm that there is not */
function armsOf({ arms, keep }: AdaptOptions): { arms: ArmName[]; choose?: ChooseArm } {
  const named = (arms ?? '')
    .split(',')
    .filter((name) => name !== '')
    .map((name) => armNamed(name.trim()));
  return { arms: named, ...(keep === undefined ? {} : { choose: chooseNamed(armNamed(keep)) }) };
}

function nextCommand(report: AdaptationReport, out: string): string {
  const folder = relative(process.cwd(), out);
  return report.accepted
    ? `  landfall deploy ${folder} --url ws://127.0.0.1:9090`
    : `  ${join(folder, 'report.md')} holds the figures; record more episodes and try again`;
}

/** The run a policy file belongs to: .../RUN/checkpoints/NNNNNN/policy.safetensors; else the file's own directory. */
function runOf({ path }: Bundle): string {
  const folder = dirname(path);
  return dirname(folder).endsWith('checkpoints') ? dirname(dirname(folder)) : folder;
}
