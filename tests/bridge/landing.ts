/** A deployment under test: a served twin, a policy, and the order of what happened. */

import { mkdtempSync, rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DeployOptions, deployPolicy } from '../../bridge/deploy.ts';
import { DeployFault, type DeployReport } from '../../bridge/deploy-report.ts';
import { listEpisodes } from '../../bridge/episode-files.ts';
import type { LoopState } from '../../bridge/states.ts';
import type { Episode } from '../../core/episode.ts';
import { pendulumContract, pump } from './contract.ts';
import { until } from './server/served-robot.ts';

const directories: string[] = [];

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'landfall-bridge-'));
  directories.push(directory);
  return directory;
}

export function removeDirectories(): void {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
}

export interface Landing {
  readonly directory: string;
  readonly way: LoopState[];
  readonly steps: () => number;
  /** The report, or what was thrown. */
  readonly outcome: Promise<{ report: DeployReport | null; error: Error | null }>;
  /** Resolves when the loop is in this state, or the deployment is over. */
  reached(state: LoopState): Promise<void>;
  /** Resolves when so many steps have been recorded, or the deployment is over. */
  recorded(steps: number): Promise<void>;
  readonly stop: () => void;
}

export function land(url: string, options: Partial<DeployOptions> = {}): Landing {
  const directory = options.recordTo ?? temporaryDirectory();
  const way: LoopState[] = [];
  const abort = new AbortController();
  let steps = 0;
  let over = false;
  const outcome = deployPolicy({
    contract: pendulumContract(),
    actor: pump,
    url,
    episodes: 1,
    seconds: 60,
    holdSeconds: 0.1,
    recordTo: directory,
    source: 'twin',
    confirmArm: () => Promise.resolve(true),
    signal: abort.signal,
    ...options,
    onTransition: (_, to) => way.push(to),
    onStep: (step) => {
      steps++;
      options.onStep?.(step);
    },
  })
    .then(
      (report) => ({ report, error: null }),
      (error: Error) => ({ report: error instanceof DeployFault ? error.report : null, error }),
    )
    .finally(() => {
      over = true;
    });
  return {
    directory,
    way,
    steps: () => steps,
    outcome,
    reached: (state) => until(() => over || way.includes(state)),
    recorded: (count) => until(() => over || steps >= count),
    stop: () => abort.abort(),
  };
}

/** The episodes on disk, and that none is half there. */
export async function recordedEpisodes(directory: string): Promise<Episode[]> {
  const names = await readdir(directory);
  const partial = names.filter((name) => !name.endsWith('.mcap'));
  if (partial.length > 0) throw new Error(`half-written: ${partial.join(', ')}`);
  return (await listEpisodes(directory)).map(({ episode }) => episode);
}
