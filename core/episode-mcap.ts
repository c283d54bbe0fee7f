/**
 * An episode as an MCAP file: the door to writing and reading one, browser-safe. The layout is in core/episode-format.ts.
 */

import type { IWritable } from '@mcap/core';
import type { Episode } from './episode.ts';
import { type EpisodeWriterOptions, openEpisodeWriter } from './episode-writer.ts';

export { readEpisode, salvageEpisode } from './episode-reader.ts';
export { type EpisodeWriter, type EpisodeWriterOptions, openEpisodeWriter } from './episode-writer.ts';

/** Steps handed over at once; bounds what waits in memory. */
const BATCH = 1000;

/**
 * Write a whole episode.
 * @throws LandfallError when the output fails
 */
export async function writeEpisode(
  out: IWritable,
  episode: Episode,
  options: EpisodeWriterOptions = {},
): Promise<void> {
  const writer = await openEpisodeWriter(out, episode.meta, options);
  for (const [i, step] of episode.steps.entries()) {
    writer.write(step);
    if (i % BATCH === BATCH - 1) await writer.settle();
  }
  await writer.end(episode.outcome);
}

/** The file's bytes, in memory. */
export async function encodeEpisode(episode: Episode, options: EpisodeWriterOptions = {}): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const out: IWritable = {
    position: () => BigInt(length),
    write: async (bytes) => {
      parts.push(bytes.slice());
      length += bytes.length;
    },
  };
  await writeEpisode(out, episode, options);
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
