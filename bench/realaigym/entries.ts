/** The policies that we enter where none are named: trained once with what took them to the figures of docs/results.md, then kept. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { experimentNamed } from '../../configs/index.ts';
import { openExperiment } from '../../loop/experiment.ts';
import { runTraining } from '../../loop/training.ts';
import { readRecord } from '../../policy/run-directory.ts';
import { EFFORT, trainByImitation } from './imitation/train.ts';
import { type JudgedTask, judgedTasks } from './judge.ts';

/** @param directory where they are kept, a folder a task @returns runs and bundles */
export async function ourEntries(directory: string, onProgress: (text: string) => void): Promise<string[]> {
  const entries: string[] = [];
  for (const task of judgedTasks) entries.push(await entryOf(task, join(directory, task), onProgress));
  return entries;
}

async function entryOf(task: JudgedTask, directory: string, onProgress: (text: string) => void): Promise<string> {
  if (task === 'pendulum') {
    if (existsSync(join(directory, 'run.json')) && (await readRecord(directory)).status === 'finished')
      return directory;
    onProgress('pendulum: training');
    const experiment = await openExperiment(experimentNamed('pendulum'));
    await runTraining({ experiment, run: directory, overrides: [], argv: [], backend: 'auto', workers: 0 });
    return directory;
  }
  const path = join(directory, 'policy.safetensors');
  if (existsSync(path)) return path;
  return trainByImitation({
    task,
    directory,
    seed: 1,
    ...EFFORT[task],
    onProgress: (text) => onProgress(`${task}: ${text}`),
  });
}
