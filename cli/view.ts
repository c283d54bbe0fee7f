/** `landfall view`: serves the page for runs and recordings until Ctrl-C. */

import { stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { InputError } from '../core/errors.ts';
import { resolveRun } from '../policy/run-directory.ts';
import { DEFAULT_PORT, startViewer } from '../viewer/server/index.ts';
import type { Register } from './commands.ts';
import { numberWithin } from './option-values.ts';

interface ViewOptions {
  readonly runs: string;
  readonly port: number;
  readonly host: string;
}

/** What was asked for, sorted. */
interface Targets {
  /** Directory to browse; null for the given files alone. */
  readonly root: string | null;
  readonly files: readonly string[];
}

export const register: Register = (program) => {
  program
    .command('view')
    .summary('look at runs and recordings in the browser')
    .description(
      'Look at runs and recordings in the browser.\n\nExamples:\n  landfall view latest\n  landfall view episode-1.mcap episode-2.mcap',
    )
    .argument('[what...]', 'a run, a directory of runs or recordings, .mcap files, or latest; none for all runs')
    .option('--runs <dir>', 'where runs are kept', 'runs')
    .option('--port <port>', 'first port to try', numberWithin({ min: 0, max: 65_535, integer: true }), DEFAULT_PORT)
    .option('--host <address>', 'address to listen on; there is no authentication', '127.0.0.1')
    .action(view);
};

async function view(names: string[], { runs, port, host }: ViewOptions): Promise<void> {
  const { root, files } = await targetsOf(names, runs);
  const end = interrupted();
  const viewer = await startViewer({ port, host, ...(root === null ? {} : { root }) });
  if (files.length > 0) viewer.openRecordings(files);
  process.stdout.write(`view  ${viewer.url}\n`);
  const own = new URL(viewer.url).port;
  process.stderr.write(`from another machine: ssh -L ${own}:127.0.0.1:${own} ${hostname()}\nCtrl-C ends it\n`);
  await end;
  await viewer.close();
}

/** @throws InputError for a name that is no run, directory or recording */
async function targetsOf(names: readonly string[], runs: string): Promise<Targets> {
  if (names.length === 0) return { root: runs, files: [] };
  const directories: string[] = [];
  const files: string[] = [];
  for (const name of names) {
    const path = await resolveRun(name, runs);
    const found = await stat(path);
    if (found.isDirectory()) directories.push(path);
    else if (path.endsWith('.mcap')) files.push(path);
    else throw new InputError(`${name}: expected a run, a directory or an .mcap file`);
  }
  if (directories.length > 1) {
    throw new InputError(`expected one directory, found ${directories.length}: ${directories.join(', ')}`, {
      repair: 'give the directory that holds them',
    });
  }
  return { root: directories[0] ?? null, files };
}

function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}
