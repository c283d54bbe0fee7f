/**
 * A sweep's trial as a process of its own, `landfall train`, in a run directory of the sweep: started, resumed, or already
 * there. What it came to is read from that directory.
 */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { checkpointNamed } from '../policy/checkpoint.ts';
import { readRecord } from '../policy/run-directory.ts';
import { evaluationsOf, readMetrics } from '../policy/run-log.ts';
import type { Rung, Trial, TrialResult } from './sweep.ts';

export interface TrialProcess {
  /** Arguments of node before `train`: the program. */
  readonly program: readonly string[];
  readonly experiment: string;
  /** Name of the task, which its runs are kept under. */
  readonly task: string;
  /** Settings and options of every trial. */
  readonly words: readonly string[];
  /** Where the sweep's runs are kept. */
  readonly runs: string;
  readonly workers: number;
}

/** The children at work; `interrupt` asks them to save and stop. */
export class TrialProcesses {
  readonly #settings: TrialProcess;
  readonly #children = new Set<ReturnType<typeof spawn>>();

  constructor(settings: TrialProcess) {
    this.#settings = settings;
  }

  interrupt(): void {
    for (const child of this.#children) child.kill('SIGINT');
  }

  /** Let a trial learn until the rung's iteration, unless it has. */
  async run(trial: Trial, rung: Rung): Promise<TrialResult> {
    const { task, runs } = this.#settings;
    const name = `trial-${String(trial.number).padStart(3, '0')}`;
    const before = await findTrial(join(runs, task), name);
    if (before !== null) {
      const result = await resultOf(before, trial, rung);
      if (result !== null) return result;
    }
    const resumable = before !== null && (await checkpointNamed(before, 'latest').catch(() => undefined)) !== undefined;
    // Ended before its first checkpoint: nothing to go on from.
    if (before !== null && !resumable) await rm(before, { recursive: true, force: true });
    const ended = await this.#train(resumable ? ['--resume', before] : [...trial.settings, '--name', name], rung);
    const path = await findTrial(join(runs, task), name);
    const result = path === null ? null : await resultOf(path, trial, rung);
    if (result !== null) return result;
    const record = path === null ? null : await readRecord(path).catch(() => null);
    return {
      trial,
      iterations: record?.iteration ?? 0,
      evaluation: null,
      seconds: record?.seconds ?? 0,
      path: path ?? '',
      error: record?.status === 'stopped' ? null : (record?.error ?? ended),
      stopped: record?.status === 'stopped',
    };
  }

  /** @returns what it said last on its error output */
  #train(own: readonly string[], { iterations }: Rung): Promise<string> {
    const { program, experiment, words, runs, workers } = this.#settings;
    const resumed = own[0] === '--resume';
    const args = [
      ...program,
      'train',
      experiment,
      ...(resumed ? words.filter((word) => word.startsWith('--with=')) : words),
      ...own,
      ...['--runs', runs, '--workers', String(workers), '--until', String(iterations), '--no-view', '--quiet'],
    ];
    return new Promise((resolve) => {
      // A process group of its own: a terminal's Ctrl-C comes to it from here, once.
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
      this.#children.add(child);
      let said = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-2000);
      });
      const end = (what: string) => {
        this.#children.delete(child);
        resolve(what);
      };
      child.once('error', (error) => end(error.message));
      child.once('close', (code, signal) => {
        const line = said.split('\n').find((text) => text.startsWith('error: '));
        end(line?.slice('error: '.length) ?? `its process ended with ${signal ?? `code ${code}`}`);
      });
    });
  }
}

async function findTrial(folder: string, name: string): Promise<string | null> {
  if (!existsSync(folder)) return null;
  const found = (await readdir(folder)).find((entry) => entry.endsWith(`-${name}`));
  return found === undefined ? null : join(folder, found);
}

/** What a run came to at a rung, once it has; null while it must learn on. */
async function resultOf(path: string, trial: Trial, { iterations }: Rung): Promise<TrialResult | null> {
  const record = await readRecord(path).catch(() => null);
  if (record === null) return null;
  const { seconds } = record;
  if (record.status === 'failed') {
    const error = record.error ?? 'failed';
    return { trial, iterations: record.iteration, evaluation: null, seconds, path, error, stopped: false };
  }
  const judged = evaluationsOf(await readMetrics(path)).filter((line) => line.iteration <= iterations);
  const at = judged.at(-1);
  // A run that reached its own goal stopped early; what it then was counts on every later rung.
  if (at === undefined || (at.iteration < iterations && record.status !== 'finished')) return null;
  return { trial, iterations: at.iteration, evaluation: at.evaluation, seconds, path, error: null, stopped: false };
}
