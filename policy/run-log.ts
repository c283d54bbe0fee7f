/**
 * What a run says of itself while it learns: a line of metrics.jsonl and a record of its TensorBoard file an iteration. A
 * resumed run first forgets what an earlier process wrote beyond the checkpoint. Knows no training.
 */

import { existsSync } from 'node:fs';
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomically } from './checkpoint.ts';
import type { Evaluation } from './evaluate.ts';
import type { IterationReport } from './iteration-report.ts';
import { encodeRestart, encodeScalars, encodeVersion, type Scalars } from './tensorboard.ts';

/** A line of metrics.jsonl: the report, its reward terms by name. */
export interface MetricsLine extends Omit<IterationReport, 'rewardTerms'> {
  readonly reward: Readonly<Record<string, number>>;
}

export class RunLog {
  readonly #run: string;
  readonly #rewardNames: readonly string[];
  readonly #events: string;

  private constructor(run: string, rewardNames: readonly string[], events: string) {
    this.#run = run;
    this.#rewardNames = rewardNames;
    this.#events = events;
  }

  /**
   * @param now s since 1970
   * @param resumed where the run goes on; null for a new one
   */
  static async open(
    run: string,
    rewardNames: readonly string[],
    now: number,
    resumed: { readonly iteration: number; readonly envSteps: number } | null,
  ): Promise<RunLog> {
    // TensorBoard takes every file of this name for the run's, in the names' order.
    const events = join(run, `events.out.tfevents.${Math.floor(1000 * now)}.landfall`);
    await appendFile(events, encodeVersion(now));
    if (resumed !== null) {
      await forgetAfter(run, resumed.iteration);
      await appendFile(events, encodeRestart(now, resumed.envSteps + 1));
    }
    return new RunLog(run, rewardNames, events);
  }

  /** @param now s since 1970 */
  async write(report: IterationReport, now: number): Promise<void> {
    const { rewardTerms, ...figures } = report;
    const reward = Object.fromEntries(this.#rewardNames.map((name, k) => [name, rewardTerms[k]!]));
    const line: MetricsLine = { ...figures, reward };
    await appendFile(join(this.#run, 'metrics.jsonl'), `${JSON.stringify(line)}\n`);
    await appendFile(this.#events, encodeScalars(now, report.envSteps, scalarsOf(line)));
  }
}

/** Every line of a run's metrics; none before its first iteration. */
export async function readMetrics(run: string): Promise<MetricsLine[]> {
  const path = join(run, 'metrics.jsonl');
  if (!existsSync(path)) return [];
  // The last line is half a line when the process was killed while it wrote.
  return (await readFile(path, 'utf8')).split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as MetricsLine];
    } catch {
      return [];
    }
  });
}

/** The judged iterations alone. */
export function evaluationsOf(lines: readonly MetricsLine[]): (MetricsLine & { readonly evaluation: Evaluation })[] {
  return lines.filter((line): line is MetricsLine & { evaluation: Evaluation } => line.evaluation !== null);
}

async function forgetAfter(run: string, iteration: number): Promise<void> {
  const lines = await readMetrics(run);
  const kept = lines.filter((line) => line.iteration <= iteration);
  const text = kept.map((line) => `${JSON.stringify(line)}\n`).join('');
  if (lines.length > 0) await writeAtomically(join(run, 'metrics.jsonl'), text);
}

/** Tags of an iteration's figures; a figure that is not named here goes under `train/`. */
const TAGS: Readonly<Record<string, string>> = {
  meanReturn: 'train/return',
  successRate: 'train/success',
  meanLength: 'train/episodeLength',
  policyLoss: 'loss/policy',
  valueLoss: 'loss/value',
  entropy: 'policy/entropy',
  approxKl: 'policy/kl',
  clipFraction: 'policy/clipFraction',
  gradNorm: 'policy/gradNorm',
  learningRate: 'policy/learningRate',
  std: 'policy/std',
  stepsPerSecond: 'perf/stepsPerSecond',
  collectSeconds: 'perf/collectSeconds',
  learnSeconds: 'perf/learnSeconds',
};

/** As TensorBoard groups them: the part before the slash is a panel. Only what is a finite number. */
function scalarsOf({ evaluation, reward, envSteps: _, ...figures }: MetricsLine): Scalars {
  const scalars: Record<string, number> = {};
  const add = (tag: string, value: unknown) => {
    if (typeof value === 'number' && Number.isFinite(value)) scalars[tag] = value;
  };
  for (const [name, value] of Object.entries(figures)) add(TAGS[name] ?? `train/${name}`, value);
  for (const [name, value] of Object.entries(reward)) add(`reward/${name}`, value);
  if (evaluation !== null) {
    add('eval/return', evaluation.meanReturn);
    add('eval/returnLow', evaluation.ci95[0]);
    add('eval/returnHigh', evaluation.ci95[1]);
    add('eval/success', evaluation.successRate);
    add('eval/successLow', evaluation.successCi95[0]);
    add('eval/successHigh', evaluation.successCi95[1]);
  }
  return scalars;
}
