/** `landfall adapt RUN --episodes DIR`: makes a policy fit a robot from its recorded episodes, or says why it did not. */

import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Command } from 'commander';
import { listEpisodes } from '../bridge/episode-files.ts';
import { InputError } from '../core/errors.ts';
import {
  type Bundle,
  encodeBundle,
  loadBundle,
  loadTrainingState,
  writeAtomically,
  writeJson,
} from '../policy/checkpoint.ts';
import { WorkerPool } from '../policy/collector.ts';
import { resolveRun } from '../policy/run-directory.ts';
import { type Adaptation, type AdaptationReport, adapt } from './adaptation.ts';
import { experimentOf } from './eval.ts';
import { fitterOf } from './fitting.ts';
import { numberWithin } from './option-values.ts';
import { percent } from './progress.ts';

interface AdaptOptions {
  readonly episodes: string;
  readonly out?: string;
  readonly seed: number;
  readonly iterations: number;
  readonly json?: boolean;
  readonly runs: string;
}

export function register(program: Command): void {
  program
    .command('adapt')
    .summary('adapt a policy to recorded episodes')
    .description(
      [
        "Fit the simulator to recorded episodes, learn the policy's last layer in it, and keep the result only if it is",
        'not worse on episodes that were held out. The body stays as it is, to the byte.',
        '',
        'Example:',
        '  landfall adapt latest --episodes episodes',
      ].join('\n'),
    )
    .argument('<run>', 'a run, a checkpoint, a file, or latest')
    .requiredOption('--episodes <dir>', 'directory of .mcap recordings')
    .option('--out <dir>', 'where the adapted policy and the report go (default: adapted/ beside the policy)')
    .option('--seed <n>', 'of learning and judging', numberWithin({ min: 0, integer: true }), 1)
    .option('--iterations <n>', 'of learning', numberWithin({ min: 1, integer: true }), 30)
    .option('--json', 'one JSON object')
    .option('--runs <dir>', 'where runs are kept', 'runs')
    .action(run);
}

async function run(name: string, options: AdaptOptions): Promise<void> {
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
      onStage: say,
    });
    const out = options.out ?? join(runOf(bundle), 'adapted');
    await saveAdaptation(out, bundle, adaptation);
    const { report } = adaptation;
    process.stdout.write(
      options.json === true
        ? `${JSON.stringify({ accepted: report.accepted, before: report.verdict.before, after: report.verdict.after, scratch: report.scratch.after, out, report })}\n`
        : `${explain(report)}\n${nextCommand(report, out)}\n`,
    );
  } finally {
    await pool.close();
  }
}

/** All parameters that the run ended with, so that its critic need not be learned again. */
export async function learnedParameters({ path }: Bundle): Promise<Float32Array | null> {
  const folder = dirname(path);
  if (!existsSync(join(folder, 'learner.safetensors'))) return null;
  return (await loadTrainingState(folder)).learner.parameters;
}

/** The adapted policy when it was accepted; the report always. */
export async function saveAdaptation(out: string, bundle: Bundle, { actor, report }: Adaptation): Promise<void> {
  const policy = join(out, 'policy.safetensors');
  if (report.accepted) await writeAtomically(policy, encodeBundle(bundle.contract, actor));
  else if (existsSync(policy)) {
    throw new InputError(`${policy}: an earlier adaptation lies here, and this one was not accepted`, {
      repair: 'give another --out',
    });
  }
  await writeJson(join(out, 'report.json'), report);
  await writeAtomically(join(out, 'report.md'), `# Adaptation\n\n${explain(report)}\n`);
}

/** The report in words. */
export function explain(report: AdaptationReport): string {
  const { verdict, scratch, fitted, fittedHeld } = report;
  const row = (name: string, value: number, success: number) =>
    `  ${name.padEnd(22)} ${value.toFixed(2).padStart(8)}   ${percent(success).padStart(4)}`;
  const width = Math.abs(verdict.ci90[1] - verdict.ci90[0]) / 2;
  return [
    `learned from ${report.trainEpisodes.length} episodes, judged by ${report.heldEpisodes.length} held out (${verdict.pairs} paired simulated episodes)`,
    `open-loop error of the simulator: ${fitted.nominalError.toFixed(3)} nominal, ${fitted.error.toFixed(3)} fitted (held out: ${fittedHeld.nominalError.toFixed(3)}, ${fittedHeld.error.toFixed(3)})`,
    '',
    '                            return   success',
    row('before', verdict.before, verdict.successBefore),
    row('last layer adapted', verdict.after, verdict.successAfter),
    row('from scratch', scratch.after, scratch.successAfter),
    '',
    `difference ${verdict.difference.toFixed(2)} ±${width.toFixed(2)} (90%); accepted from ${(-verdict.margin).toFixed(2)} upwards: ${report.accepted ? 'accepted' : 'not accepted, rolled back: the policy stays as it was'}`,
    `frozen body ${report.bodyBefore.slice(0, 16)} before, ${report.bodyAfter.slice(0, 16)} after`,
  ].join('\n');
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
