/** `landfall episodes`: lists and summarises recordings, and repairs one that was cut off. */

import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { findEpisodeFiles, repairEpisodeFile } from '../bridge/episode-files.ts';
import { importEpisode } from '../bridge/importers/import-episode.ts';
import {
  CUT_OFF,
  type EpisodeSummary,
  type EpisodeTotals,
  summarizeEpisode,
  totalEpisodes,
} from '../core/episode-summary.ts';
import { InputError, messageOf } from '../core/errors.ts';
import type { Register } from './commands.ts';

interface Listed extends EpisodeSummary {
  readonly path: string;
}

interface Unreadable {
  readonly path: string;
  readonly error: string;
  readonly repair: string | undefined;
}

export const register: Register = (program) => {
  const episodes = program
    .command('episodes')
    .description('list and summarise recorded episodes')
    .argument('<paths...>', 'directories of episodes, or recordings (.mcap, .mcap.part, .csv)')
    .option('--json', 'print one JSON object')
    .action(async (paths: string[], options: { json?: boolean }) => {
      const { listed, unreadable } = await readAll(paths);
      const totals = totalEpisodes(listed);
      if (options.json === true) {
        process.stdout.write(`${JSON.stringify({ episodes: listed, unreadable, totals })}\n`);
      } else {
        process.stdout.write(`${[...table(listed), '', totalsLine(totals), nextCommand(listed)].join('\n')}\n`);
      }
      if (unreadable.length > 0) throw unreadableError(unreadable, listed.length);
    });

  episodes
    .command('repair')
    .description('make a complete episode of one that was cut off; the damaged file is kept')
    .argument('<file>', 'a .mcap.part or a truncated .mcap')
    .action(async (file: string) => {
      const { path, damagedPath, episode } = await repairEpisodeFile(file);
      process.stdout.write(`${path}: ${episode.steps.length} steps saved; the damaged file is ${damagedPath}\n`);
      process.stdout.write(`next: landfall episodes ${path}\n`);
    });
};

async function readAll(paths: readonly string[]): Promise<{ listed: Listed[]; unreadable: Unreadable[] }> {
  const files: string[] = [];
  for (const path of paths) files.push(...((await isDirectory(path)) ? await findEpisodeFiles(path) : [path]));
  const listed: Listed[] = [];
  const unreadable: Unreadable[] = [];
  for (const path of files) {
    try {
      listed.push({ path, ...summarizeEpisode(await importEpisode(path)) });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      // One bad file among many must not hide the others.
      if (files.length === 1) throw error;
      unreadable.push({ path, error: messageOf(error), repair: error.repair });
    }
  }
  return { listed, unreadable };
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}

const HEADINGS = ['episode', 'source', 'task', 'steps', 'seconds', 'Hz', 'jitter ms', 'return', 'outcome'];
/** Columns of numbers, to the right. */
const NUMERIC = new Set([3, 4, 5, 6, 7]);

function table(listed: readonly Listed[]): string[] {
  const rows = listed.map((e) => [
    basename(e.path),
    e.shadow ? `${e.source} (shadow)` : e.source,
    e.task,
    String(e.steps),
    e.seconds.toFixed(2),
    e.rateHz.toFixed(1),
    e.jitterMs.toFixed(2),
    e.return?.toFixed(2) ?? '-',
    e.outcome ?? CUT_OFF,
  ]);
  const all = [HEADINGS, ...rows];
  const widths = HEADINGS.map((_, i) => Math.max(...all.map((row) => row[i]!.length)));
  return all.map((row) =>
    row
      .map((cell, i) => (NUMERIC.has(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd(),
  );
}

function totalsLine({ episodes, steps, seconds, meanReturn, completed, cutOff, faults }: EpisodeTotals): string {
  const mean = meanReturn === null ? '' : `; mean return ${meanReturn.toFixed(2)}`;
  const ended = `${completed} completed, ${cutOff} cut off, ${faults} ended by a fault`;
  return `${episodes} ${episodes === 1 ? 'episode' : 'episodes'}, ${steps} steps, ${seconds.toFixed(1)} s: ${ended}${mean}`;
}

/** What to try next: mend what was cut off, else learn from it. */
function nextCommand(listed: readonly Listed[]): string {
  const part = listed.find((e) => e.path.endsWith('.part'));
  if (part !== undefined) return `next: landfall episodes repair ${part.path}`;
  const [first] = listed;
  if (first === undefined) return 'next: landfall deploy RUN --url ws://localhost:9090';
  if (first.source === 'import') return `next: landfall identify ${first.robot} --episodes ${first.path}`;
  return `next: landfall adapt RUN --episodes ${dirname(first.path)}`;
}

function unreadableError(unreadable: readonly Unreadable[], readable: number): InputError {
  const lines = unreadable.map(({ error, repair }) => (repair === undefined ? error : `${error}\n    ${repair}`));
  const all = unreadable.length + readable;
  return new InputError(`${unreadable.length} of ${all} files cannot be read:\n  ${lines.join('\n  ')}`);
}
