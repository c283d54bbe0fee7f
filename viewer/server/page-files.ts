/** The built page, from memory: each file read and compressed once. Serves what is in its directory and nothing else. */

import { readdir, readFile, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, sep } from 'node:path';
import { gzipSync } from 'node:zlib';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

const NOT_BUILT =
  '<!doctype html><title>Landfall</title><p>The viewer is running, but its page has not been built. Run <code>npm run build:app</code> and reload.</p>';

interface PageFile {
  readonly type: string;
  readonly plain: Buffer;
  readonly gzip: Buffer;
}

export class PageFiles {
  readonly #directory: string;
  #files: ReadonlyMap<string, PageFile> | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @returns false when the page has no such file */
  async serve(path: string, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    this.#files ??= await readFiles(this.#directory);
    const name = path === '/' ? '/index.html' : path;
    const file = this.#files.get(name);
    if (file === undefined) {
      if (name !== '/index.html') return false;
      // Built later, it shall be found.
      this.#files = undefined;
      response.writeHead(503, { 'content-type': TYPES['.html'] }).end(NOT_BUILT);
      return true;
    }
    const zipped = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
    const body = zipped ? file.gzip : file.plain;
    response.writeHead(200, {
      'content-type': file.type,
      'content-length': body.length,
      vary: 'accept-encoding',
      // Names below assets/ contain a hash of their content.
      'cache-control': name.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
      ...(zipped ? { 'content-encoding': 'gzip' } : {}),
    });
    response.end(request.method === 'HEAD' ? undefined : body);
    return true;
  }
}

async function readFiles(directory: string): Promise<ReadonlyMap<string, PageFile>> {
  const files = new Map<string, PageFile>();
  const names = await readdir(directory, { recursive: true }).catch(() => []);
  for (const name of names) {
    const path = join(directory, name);
    if (!(await stat(path)).isFile()) continue;
    const plain = await readFile(path);
    const type = TYPES[extname(name)] ?? 'application/octet-stream';
    files.set(`/${name.split(sep).join('/')}`, { type, plain, gzip: gzipSync(plain, { level: 9 }) });
  }
  return files;
}
