/**
 * The owner's end of the viewer: starts the server's thread and tells it what to show. Every call only posts a message
 * or nothing: frames travel through the ring in shared memory, so the owner never waits for a watcher.
 */

import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { InputError, messageOf } from '../../core/errors.ts';
import { workerEntry } from '../../core/worker-entry.ts';
import type { MetricsRecord } from '../protocol.ts';
import type { ShownScene } from '../scene-message.ts';
import type { ServerOptions, ShowSource } from './server.ts';
import type { FromServer, ToServer } from './server-worker.ts';
import type { StreamStats } from './stream.ts';

export interface ViewerOptions {
  /** First port to try; the next free one is taken. 0: any. @default 7777 */
  readonly port?: number;
  /** Address to listen on. @default 127.0.0.1 */
  readonly host?: string;
  /** Directory whose runs and recordings the page can open. */
  readonly root?: string;
  /** Directory of the built page. @default the package's own */
  readonly page?: string;
  /** A client that takes nothing for so long is closed, s. @default 10 */
  readonly stallSeconds?: number;
  /** Called once if the server's thread dies; the owner goes on without viewer. @default a line on stderr */
  readonly onFailure?: (message: string) => void;
}

export interface Viewer {
  readonly url: string;
  /** Show this ring from now on. */
  show(source: ShowSource): void;
  /** Add a point to the training curves. */
  metrics(record: MetricsRecord): void;
  /** What surrounds an environment of the ring from a frame of it on; before that frame is published. */
  scene(env: number, frame: number, scene: ShownScene): void;
  /** Add a line to the page's log. */
  note(text: string): void;
  /** Show these files. */
  openRecordings(paths: readonly string[]): void;
  stats(): Promise<StreamStats>;
  /** End all connections and the thread. Until then the process stays alive. */
  close(): Promise<void>;
}

export const DEFAULT_PORT = 7777;
const DEFAULT_STALL_SECONDS = 10;

/** @throws InputError when no port can be had */
export async function startViewer(options: ViewerOptions = {}): Promise<Viewer> {
  const fromSource = import.meta.url.endsWith('.ts');
  const packageRoot = new URL(fromSource ? '../../' : '../../../', import.meta.url);
  const serverOptions: ServerOptions = {
    port: options.port ?? DEFAULT_PORT,
    host: options.host ?? '127.0.0.1',
    root: options.root ?? null,
    page: options.page ?? fileURLToPath(new URL('dist/viewer/app', packageRoot)),
    robots: new URL('configs/robots/', packageRoot).href,
    stallSeconds: options.stallSeconds ?? DEFAULT_STALL_SECONDS,
  };
  const { url, execArgv } = workerEntry(import.meta.url, 'server-worker');
  const worker = new Worker(url, { execArgv, workerData: serverOptions });
  const [first] = (await once(worker, 'message')) as [FromServer];
  if (first.type !== 'listening') {
    const failure =
      first.type === 'failed' ? first : { message: 'viewer: its server did not start', repair: undefined };
    throw new InputError(failure.message, failure.repair === undefined ? {} : { repair: failure.repair });
  }
  return new ViewerThread(worker, first.url, options.onFailure ?? reportFailure);
}

function reportFailure(message: string): void {
  process.stderr.write(`viewer: stopped: ${message}\n`);
}

class ViewerThread implements Viewer {
  readonly url: string;
  readonly #worker: Worker;
  readonly #exited: Promise<unknown>;
  readonly #waiting = new Map<number, (stats: StreamStats) => void>();
  #requests = 0;

  constructor(worker: Worker, url: string, onFailure: (message: string) => void) {
    this.#worker = worker;
    this.url = url;
    this.#exited = new Promise((resolve) => worker.once('exit', resolve));
    worker.once('error', (error) => onFailure(messageOf(error)));
    worker.on('message', (message: FromServer) => {
      if (message.type !== 'stats') return;
      this.#waiting.get(message.request)?.(message.stats);
      this.#waiting.delete(message.request);
    });
  }

  show(source: ShowSource): void {
    this.#post({ type: 'show', source });
  }

  metrics(record: MetricsRecord): void {
    this.#post({ type: 'metrics', record });
  }

  scene(env: number, frame: number, scene: ShownScene): void {
    this.#post({ type: 'scene', env, frame, scene });
  }

  note(text: string): void {
    this.#post({ type: 'note', text });
  }

  openRecordings(paths: readonly string[]): void {
    this.#post({ type: 'open', paths });
  }

  stats(): Promise<StreamStats> {
    const request = this.#requests++;
    return new Promise((resolve) => {
      this.#waiting.set(request, resolve);
      this.#post({ type: 'stats', request });
    });
  }

  async close(): Promise<void> {
    this.#post({ type: 'close' });
    await this.#exited;
  }

  #post(message: ToServer): void {
    this.#worker.postMessage(message);
  }
}
