/** Episodes in files and directories: read, list, write whole, repair. Nothing half-written is ever left under a final name. */

import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Episode } from '../core/episode.ts';
import { type EpisodeWriterOptions, encodeEpisode, readEpisode, salvageEpisode } from '../core/episode-mcap.ts';
import { CUT_OFF } from '../core/episode-summary.ts';
import { InputError, messageOf } from '../core/errors.ts';
import { EPISODE_SUFFIX, exists, PART_SUFFIX } from './recorder.ts';

export interface EpisodeFile {
  readonly path: string;
  readonly episode: Episode;
  /** True for a .part: its recorder was killed or is still at work. */
  readonly cutOff: boolean;
}

/**
 * One whole episode; of a `.mcap.part`, what can be read of it.
 * @throws InputError when the file is missing, damaged or no episode
 */
export async function readEpisodeFile(path: string): Promise<Episode> {
  const bytes = await readBytes(path);
  return path.endsWith(PART_SUFFIX) ? salvageEpisode(bytes, path) : readEpisode(bytes, path);
}

/**
 * The paths of a directory's episodes, `.mcap` and left-over `.mcap.part`, by name.
 * @throws InputError when it is missing or holds none
 */
export async function findEpisodeFiles(directory: string): Promise<string[]> {
  let names: string[];
  try {
    names = await readdir(directory);
  } catch (cause) {
    throw new InputError(`cannot read the directory ${directory}: ${messageOf(cause)}`, {
      cause,
      repair: 'give a directory that holds recordings (.mcap)',
    });
  }
  const episodes = names.filter((name) => name.endsWith(EPISODE_SUFFIX) || name.endsWith(EPISODE_SUFFIX + PART_SUFFIX));
  if (episodes.length === 0) {
    throw new InputError(`no episodes in ${directory}: expected .mcap files, found ${names.length} other files`, {
      repair: 'name the files to read, or record some: landfall deploy RUN --url ws://localhost:9090',
    });
  }
  return episodes.sort().map((name) => join(directory, name));
}

/**
 * The episodes of a directory, by file name.
 * @throws InputError when it is missing, holds none, or one of them is damaged
 */
export async function listEpisodes(directory: string): Promise<EpisodeFile[]> {
  const files: EpisodeFile[] = [];
  for (const path of await findEpisodeFiles(directory)) {
    files.push({ path, episode: await readEpisodeFile(path), cutOff: path.endsWith(PART_SUFFIX) });
  }
  return files;
}

/**
 * Write a whole episode as the file `path`, making its directory.
 * @throws InputError when the file is there or cannot be written
 */
export async function writeEpisodeFile(
  path: string,
  episode: Episode,
  options: EpisodeWriterOptions = {},
): Promise<void> {
  if (await exists(path)) {
    throw new InputError(`cannot write ${path}: it is already there`, { repair: 'choose another name' });
  }
  const unfinished = `${path}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(unfinished, await encodeEpisode(episode, options), { flush: true });
    await rename(unfinished, path);
  } catch (cause) {
    await rm(unfinished, { force: true }).catch(() => undefined);
    throw new InputError(`cannot write ${path}: ${messageOf(cause)}`, {
      cause,
      repair: 'choose a directory that can be written',
    });
  }
}

export interface Repair {
  /** The complete episode. */
  readonly path: string;
  /** Where the damaged file was kept. */
  readonly damagedPath: string;
  readonly episode: Episode;
}

/**
 * Make a whole episode of a cut-off or damaged file. The damaged file is kept under another name.
 * @throws InputError when nothing of it can be read, or nothing is wrong with it
 */
export async function repairEpisodeFile(path: string): Promise<Repair> {
  const isPart = path.endsWith(PART_SUFFIX);
  const finalPath = isPart ? path.slice(0, -PART_SUFFIX.length) : path;
  const bytes = await readBytes(path);
  if (!isPart && (await isWhole(bytes, path))) {
    throw new InputError(`${path} is whole: there is nothing to repair`, { repair: `landfall episodes ${path}` });
  }
  const salvaged = await salvageEpisode(bytes, path);
  const episode: Episode = { ...salvaged, outcome: { reason: CUT_OFF, completed: false } };
  const damagedPath = `${finalPath}.damaged`;
  for (const taken of isPart ? [damagedPath, finalPath] : [damagedPath]) {
    if (await exists(taken)) {
      throw new InputError(`cannot repair ${path}: ${taken} is already there`, { repair: `move ${taken} away` });
    }
  }
  const repaired = `${finalPath}.repaired`;
  await writeEpisodeFile(repaired, episode);
  await rename(path, damagedPath);
  await rename(repaired, finalPath);
  return { path: finalPath, damagedPath, episode };
}

async function isWhole(bytes: Uint8Array, path: string): Promise<boolean> {
  return readEpisode(bytes, path).then(
    () => true,
    () => false,
  );
}

/** @throws InputError naming the file when it cannot be read */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    throw new InputError(missing ? `no such file: ${path}` : `cannot read ${path}: ${messageOf(cause)}`, {
      cause,
      repair: 'give a recording (.mcap or .csv)',
    });
  }
}
