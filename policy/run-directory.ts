/**
 * A run on disk: `runs/TASK/MMDD-HHmm-WORDS/` with run.json, config.json, overrides.json, metrics.jsonl (and the same for
 * TensorBoard), checkpoints/, episodes/, and nan/ where a number was not finite. Knows the layout and no training.
 */

import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { InputError } from '../core/errors.ts';
import { type Key, RandomStream } from '../core/rng.ts';
import { writeJson } from './checkpoint.ts';

export type RunStatus = 'running' | 'finished' | 'stopped' | 'failed';

/** What run.json holds. */
export interface RunRecord {
  readonly id: string;
  readonly task: string;
  readonly status: RunStatus;
  readonly argv: readonly string[];
  readonly seed: number;
  /** Seconds since 1970. */
  readonly startedAt: number;
  readonly seconds: number;
  readonly iteration: number;
  readonly envSteps: number;
  /** Mean return and success rate of the best evaluation. */
  readonly bestReturn: number | null;
  readonly bestSuccess: number | null;
  readonly backend: string;
  readonly workers: number;
  readonly host: string;
  readonly versions: Readonly<Record<string, string>>;
  /** Commit of the working directory, with `+` when it had changes; null outside git. */
  readonly git: string | null;
  /** What ended it, when it failed. */
  readonly error?: string;
}

const ADJECTIVES = [
  'brave',
  'calm',
  'clever',
  'eager',
  'gentle',
  'keen',
  'lucky',
  'nimble',
  'proud',
  'quick',
  'quiet',
  'sunny',
  'swift',
  'warm',
  'wise',
  'witty',
];
const ANIMALS = [
  'badger',
  'crane',
  'falcon',
  'fox',
  'hare',
  'heron',
  'ibex',
  'lark',
  'lynx',
  'marten',
  'otter',
  'owl',
  'raven',
  'seal',
  'swan',
  'wren',
];

/**
 * Make the directory of a new run.
 * @param name of the run; null for two words drawn with `key`
 * @param startedAt seconds since 1970
 * @throws InputError when a run of this name was started in the same minute
 */
export async function createRun(
  root: string,
  task: string,
  name: string | null,
  startedAt: number,
  key: Key,
): Promise<string> {
  const date = new Date(startedAt * 1000);
  const two = (value: number) => String(value).padStart(2, '0');
  const stamp = `${two(date.getMonth() + 1)}${two(date.getDate())}-${two(date.getHours())}${two(date.getMinutes())}`;
  const random = new RandomStream(key);
  for (let attempt = 0; attempt < 100; attempt++) {
    const words = name ?? `${ADJECTIVES[random.below(ADJECTIVES.length)]}-${ANIMALS[random.below(ANIMALS.length)]}`;
    const path = join(root, task, `${stamp}-${words}`);
    if (!existsSync(path)) {
      await mkdir(join(path, 'checkpoints'), { recursive: true });
      return path;
    }
    if (name !== null) {
      throw new InputError(`${path}: there is a run of this name`, {
        repair: 'choose another --name, or resume it with --resume',
      });
    }
  }
  throw new InputError(`${root}: too many runs in one minute`, { repair: 'give the run a --name' });
}

export function writeRecord(run: string, record: RunRecord): Promise<void> {
  return writeJson(join(run, 'run.json'), record);
}

/** @throws InputError when it is missing or not JSON */
export async function readRecord(run: string): Promise<RunRecord> {
  return (await readJson(join(run, 'run.json'))) as RunRecord;
}

export async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new InputError(`${path}: cannot be read`, { repair: 'is this a run directory?', cause: error });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InputError(`${path}: is not JSON`, { repair: 'restore the file, or start a new run', cause: error });
  }
}

/** Every run below `root`, newest first. */
export async function listRuns(root: string): Promise<{ path: string; record: RunRecord }[]> {
  if (!existsSync(root)) return [];
  const found: { path: string; record: RunRecord }[] = [];
  for (const task of await readdir(root)) {
    if (!(await stat(join(root, task))).isDirectory()) continue;
    for (const name of await readdir(join(root, task))) {
      const path = join(root, task, name);
      if (existsSync(join(path, 'run.json'))) found.push({ path, record: await readRecord(path) });
    }
  }
  return found.sort((a, b) => b.record.startedAt - a.record.startedAt);
}

/**
 * The directory or file that a person means by `name`: a path, `latest`, `TASK@latest`, or the beginning of a run's id.
 * @throws InputError when nothing or more than one run fits
 */
export async function resolveRun(name: string, root: string): Promise<string> {
  if (existsSync(name)) return resolve(name);
  const runs = await listRuns(root);
  const [task, which] = name.includes('@') ? name.split('@') : [undefined, name];
  const candidates = task === undefined ? runs : runs.filter(({ record }) => record.task === task);
  const fitting =
    which === 'latest'
      ? candidates.slice(0, 1)
      : candidates.filter(({ path }) => basename(path).startsWith(which!) || basename(path).endsWith(`-${which}`));
  if (fitting.length === 1) return fitting[0]!.path;
  if (fitting.length > 1) {
    throw new InputError(
      `${fitting.length} runs fit ${name}: ${fitting.map(({ path }) => basename(path)).join(', ')}`,
      { repair: 'give more of its id' },
    );
  }
  throw new InputError(`${name}: no such run, checkpoint or file`, {
    repair:
      runs.length === 0
        ? `there are no runs in ${root}: landfall train pendulum makes one`
        : `landfall runs lists them; the newest is ${basename(runs[0]!.path)}`,
  });
}
