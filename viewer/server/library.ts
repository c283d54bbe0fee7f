/**
 * The runs and recordings the page can open: found below a directory, or named one by one. Hands out only what it found,
 * by an id, so that no path ever comes from the network. Knows no recording's content.
 */

import { createHash } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import type { Library, RecordingEntry, RunEntry } from '../protocol.ts';

/** A run lies at most this deep below the root, and its recordings this deep in it. */
const MAX_DEPTH = 4;
const MAX_FILES = 5000;
const METRICS_FILE = 'metrics.jsonl';
/** What makes a directory a run. */
const RUN_FILES = ['run.json', METRICS_FILE];

export class RecordingLibrary {
  readonly #root: string | null;
  readonly #named: string[] = [];
  /** Everything found so far, by id. */
  readonly #paths = new Map<string, string>();

  constructor(root: string | null) {
    this.#root = root === null ? null : resolve(root);
  }

  /** @returns their ids, to be opened */
  add(paths: readonly string[]): string[] {
    for (const path of paths) {
      if (!this.#named.includes(resolve(path))) this.#named.push(resolve(path));
    }
    return paths.map((path) => this.#remember(resolve(path)));
  }

  /** The file behind an id that `list` or `add` gave out. */
  pathOf(id: string): string | undefined {
    return this.#paths.get(id);
  }

  /** Look again. */
  async list(): Promise<Library> {
    const runs: RunEntry[] = [];
    if (this.#root !== null) await this.#visit(this.#root, MAX_DEPTH, runs);
    const recordings = await this.#entries(this.#named, (path) => basename(path));
    return { runs, recordings };
  }

  async #visit(directory: string, depth: number, runs: RunEntry[]): Promise<void> {
    const items = await readDirectory(directory);
    const isRun = items.some((item) => item.isFile() && RUN_FILES.includes(item.name));
    const files = isRun ? await recordingsBelow(directory, MAX_DEPTH) : recordingsIn(directory, items);
    if (isRun || files.length > 0) {
      const hasMetrics = items.some((item) => item.name === METRICS_FILE);
      runs.push({
        id: this.#remember(join(directory, METRICS_FILE)),
        name: relative(this.#root!, directory) || basename(directory),
        hasMetrics,
        recordings: await this.#entries(files, (path) => relative(directory, path).replace(/^episodes[/\\]/, '')),
      });
    }
    if (isRun || depth === 0) return;
    // Newest names first: run directories begin with their date.
    const below = items.filter((item) => isVisible(item)).sort((a, b) => (a.name < b.name ? 1 : -1));
    for (const item of below) await this.#visit(join(directory, item.name), depth - 1, runs);
  }

  async #entries(paths: readonly string[], nameOf: (path: string) => string): Promise<RecordingEntry[]> {
    const entries: RecordingEntry[] = [];
    for (const path of paths.slice(0, MAX_FILES)) {
      const found = await stat(path).catch(() => null);
      if (found?.isFile()) entries.push({ id: this.#remember(path), name: nameOf(path), bytes: found.size });
    }
    return entries;
  }

  #remember(path: string): string {
    const id = createHash('sha256').update(path).digest('hex').slice(0, 16);
    this.#paths.set(id, path);
    return id;
  }
}

function isVisible(item: Dirent): boolean {
  return item.isDirectory() && !item.name.startsWith('.') && item.name !== 'node_modules';
}

function recordingsIn(directory: string, items: readonly Dirent[]): string[] {
  return items.filter((item) => item.isFile() && item.name.endsWith('.mcap')).map((item) => join(directory, item.name));
}

async function recordingsBelow(directory: string, depth: number): Promise<string[]> {
  const items = await readDirectory(directory);
  const found = recordingsIn(directory, items);
  if (depth === 0) return found;
  for (const item of items.filter(isVisible))
    found.push(...(await recordingsBelow(join(directory, item.name), depth - 1)));
  return found;
}

/** Nothing for a directory that cannot be read: the rest of the library is still of use. */
async function readDirectory(directory: string): Promise<Dirent[]> {
  const items = await readdir(directory, { withFileTypes: true }).catch(() => []);
  return items.sort((a, b) => (a.name < b.name ? -1 : 1));
}
