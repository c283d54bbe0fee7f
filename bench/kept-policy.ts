/** A policy trained for a benchmark and kept: what has finished with this very configuration is not trained again. */

import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Experiment } from '../loop/experiment.ts';
import { runTraining } from '../loop/training.ts';
import { type Bundle, loadBundle } from '../policy/checkpoint.ts';
import { readJson, readRecord } from '../policy/run-directory.ts';

/** @param run its directory @param workers 0 for one a core */
export async function keptPolicy(
  experiment: Experiment,
  run: string,
  workers: number,
  onTraining: () => void,
): Promise<Bundle> {
  if (!(await isTrained(run, experiment))) {
    onTraining();
    await rm(run, { recursive: true, force: true });
    await runTraining({ experiment, run, overrides: [], argv: [], backend: 'auto', workers });
  }
  return loadBundle(run);
}

/** A policy counts only when its training ended by itself, with this very configuration. */
async function isTrained(run: string, { config }: Experiment): Promise<boolean> {
  if (!existsSync(join(run, 'run.json'))) return false;
  const { status } = await readRecord(run);
  return status === 'finished' && isDeepStrictEqual(await readJson(join(run, 'config.json')), asJson(config));
}

function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
