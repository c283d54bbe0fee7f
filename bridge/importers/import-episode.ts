/** Any recording as an episode, by the ending of its name. A file type is added by adding one entry to `importers`. */

import { basename, extname } from 'node:path';
import type { Episode } from '../../core/episode.ts';
import { InputError } from '../../core/errors.ts';
import { readBytes, readEpisodeFile } from '../episode-files.ts';
import { importCsv } from './csv.ts';

const importers: Readonly<Record<string, (path: string) => Promise<Episode>>> = {
  '.mcap': readEpisodeFile,
  '.part': readEpisodeFile,
  '.csv': async (path) =>
    importCsv(new TextDecoder().decode(await readBytes(path)), path, basename(path, extname(path))),
};

/** @throws InputError when the file is missing, of an unknown type, or not what its name says */
export async function importEpisode(path: string): Promise<Episode> {
  const importer = importers[extname(path).toLowerCase()];
  if (importer === undefined) {
    // A name that is not there at all says so, instead of what is wrong with its ending.
    await readBytes(path);
    throw new InputError(`${path}: expected a recording, ${Object.keys(importers).join(', ')}`, {
      repair: 'convert it to one of these',
    });
  }
  return importer(path);
}
