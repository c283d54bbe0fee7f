/**
 * Records an episode into a directory while it happens: NAME.mcap.part grows, and becomes NAME.mcap when it ends well.
 * A killed process leaves a .part that holds all but its last half second. The file part of core/episode-writer.ts.
 */

import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { IWritable } from '@mcap/core';
import type { EpisodeMeta, EpisodeOutcome, EpisodeStep } from '../core/episode.ts';
import { type EpisodeWriter, type EpisodeWriterOptions, openEpisodeWriter } from '../core/episode-mcap.ts';
import { InputError, LandfallError, messageOf } from '../core/errors.ts';

export const EPISODE_SUFFIX = '.mcap';
/** Added to the name while the recording is not complete. */
export const PART_SUFFIX = '.part';

export interface EpisodeRecording extends EpisodeWriter {
  /** Where the episode lies once `end` resolves. */
  readonly path: string;
  /** Where it lies until then. */
  readonly partPath: string;
}

/**
 * Start recording `meta.id`. The directory is made when it is not there.
 * @throws InputError when the directory cannot be written or has a recording of this name
 */
export async function recordEpisode(
  directory: string,
  meta: EpisodeMeta,
  options: EpisodeWriterOptions = {},
): Promise<EpisodeRecording> {
  const path = join(directory, `${fileName(meta.id)}${EPISODE_SUFFIX}`);
  const partPath = path + PART_SUFFIX;
  if (await exists(path)) {
    throw new InputError(`cannot record ${path}: it is already there`, {
      repair: 'give the episode another id, or record into another directory',
    });
  }
  let file: FileHandle;
  try {
    await mkdir(directory, { recursive: true });
    // 'wx' fails when the file is there: two recorders never share one.
    file = await open(partPath, 'wx');
  } catch (cause) {
    const taken = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST';
    throw new InputError(`cannot record ${partPath}: ${messageOf(cause)}`, {
      cause,
      repair: taken ? `landfall episodes repair ${partPath}` : 'choose a directory that can be written',
    });
  }
  try {
    return new FileRecording(await openEpisodeWriter(fileOutput(file), meta, options), file, path, partPath);
  } catch (cause) {
    await file.close();
    await rm(partPath, { force: true }).catch(() => undefined);
    throw new InputError(`cannot record ${partPath}: ${messageOf(cause)}`, { cause, repair: 'free the disk' });
  }
}

class FileRecording implements EpisodeRecording {
  readonly path: string;
  readonly partPath: string;
  readonly #writer: EpisodeWriter;
  readonly #file: FileHandle;
  #ended = false;

  constructor(writer: EpisodeWriter, file: FileHandle, path: string, partPath: string) {
    this.#writer = writer;
    this.#file = file;
    this.path = path;
    this.partPath = partPath;
  }

  get error(): Error | null {
    return this.#writer.error;
  }

  write(step: EpisodeStep): void {
    this.#writer.write(step);
  }

  settle(): Promise<void> {
    return this.#writer.settle();
  }

  async end(outcome: EpisodeOutcome | null): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    try {
      await this.#writer.end(outcome);
      await this.#file.sync();
      await this.#file.close();
      await rename(this.partPath, this.path);
    } catch (cause) {
      // A second close is harmless, and the first may not have happened.
      await this.#file.close().catch(() => undefined);
      throw new LandfallError(`recording ${this.partPath} is not complete: ${messageOf(cause)}`, {
        cause,
        repair: `landfall episodes repair ${this.partPath}`,
      });
    }
  }
}

function fileOutput(file: FileHandle): IWritable {
  let position = 0n;
  return {
    position: () => position,
    async write(bytes) {
      for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten;
      position += BigInt(bytes.length);
    },
  };
}

/** An id as a file name: what a file system or a shell may refuse becomes a dash. */
function fileName(id: string): string {
  const name = id.replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^\.+/, '');
  if (name === '') throw new InputError(`cannot record an episode with the id "${id}"`, { repair: 'give it a name' });
  return name;
}

/** True when something lies at `path`. */
export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
