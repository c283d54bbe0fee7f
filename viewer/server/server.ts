/**
 * The viewer's HTTP and WebSocket server: the page, robot descriptions, recordings, and live frames. Runs in a thread of
 * its own (server-worker.ts), so that neither a busy learner nor a control loop waits for it, nor it for them.
 */

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { WebSocketServer } from 'ws';
import { systemClock } from '../../core/clock.ts';
import { InputError, messageOf } from '../../core/errors.ts';
import type { FrameRing } from '../../core/frame-ring.ts';
import type { RobotModel } from '../../core/robot-model.ts';
import {
  type MetricsRecord,
  PROTOCOL_VERSION,
  parseClientMessage,
  type ServerMessage,
  SOCKET_PATH,
  type SourceKind,
} from '../protocol.ts';
import type { ShownScene } from '../scene-message.ts';
import { StreamClient } from './client.ts';
import { History } from './history.ts';
import { RecordingLibrary } from './library.ts';
import { isForeign } from './origin.ts';
import { PageFiles } from './page-files.ts';
import { RobotDescriptions } from './robot-descriptions.ts';
import { FrameStream, frameRateOf, type StreamStats } from './stream.ts';

export interface ServerOptions {
  /** The first port to try; the next free one is taken. 0: any. */
  readonly port: number;
  readonly host: string;
  /** Directory whose runs and recordings can be opened. */
  readonly root: string | null;
  /** Directory of the built page. */
  readonly page: string;
  /** Directory, as a URL, of the robots that come with the package. */
  readonly robots: string;
  /** A client that takes nothing for so long is closed, s. */
  readonly stallSeconds: number;
}

/** Something to watch. */
export interface ShowSource {
  readonly title: string;
  readonly kind: SourceKind;
  readonly urdf: string;
  /** In the order of q in the ring. */
  readonly joints: readonly string[];
  readonly ring: FrameRing;
  /** Vertices of the robot's meshes: `RobotModel.meshes`. */
  readonly meshes?: RobotModel['meshes'];
}

const PORTS_TO_TRY = 100;
const METRICS_KEPT = 4000;
const NOTES_KEPT = 200;
/** Records in one message: large messages would look like a stalled client on a slow line. */
const METRICS_PER_MESSAGE = 200;
/** Largest message a page may send; its messages are tiny. */
const MAX_CLIENT_MESSAGE = 4096;

export class LiveServer {
  readonly #options: ServerOptions;
  readonly #http: Server;
  readonly #sockets: WebSocketServer;
  readonly #stream: FrameStream;
  readonly #page: PageFiles;
  readonly #library: RecordingLibrary;
  readonly #robots: RobotDescriptions;
  readonly #clients = new Set<StreamClient>();
  readonly #metrics = new History<MetricsRecord>(METRICS_KEPT);
  readonly #notes = new History<string>(NOTES_KEPT);
  #opened: readonly string[] = [];
  #streams = 0;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#stream = new FrameStream(systemClock, options.stallSeconds);
    this.#page = new PageFiles(options.page);
    this.#library = new RecordingLibrary(options.root);
    this.#robots = new RobotDescriptions(new URL(options.robots));
    this.#http = createServer((request, response) => void this.#answer(request, response));
    this.#sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: MAX_CLIENT_MESSAGE });
    this.#http.on('upgrade', (request, socket, head) => {
      if (isForeign(request, options.host) || pathOf(request) !== SOCKET_PATH) {
        socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
        return;
      }
      this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
        const client = new StreamClient(webSocket, systemClock.now());
        webSocket.on('message', (data) => this.#receive(client, String(data)));
        webSocket.on('close', () => this.#leave(client));
        webSocket.on('error', () => webSocket.terminate());
        this.#welcome(client);
      });
    });
  }

  /** @returns the page's address @throws InputError when no port can be had */
  async listen(): Promise<string> {
    const { port: first, host } = this.#options;
    let port = first;
    for (;;) {
      try {
        await listenOn(this.#http, port, host);
        break;
      } catch (error) {
        const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
        if (isTaken && port < Math.min(first + PORTS_TO_TRY, 65_535)) port++;
        else {
          throw new InputError(`viewer: cannot listen on ${host}:${port}: ${messageOf(error)}`, {
            repair: 'choose another host or port',
            cause: error,
          });
        }
      }
    }
    const address = this.#http.address();
    if (typeof address === 'object' && address !== null) port = address.port;
    return `http://${host.includes(':') ? `[${host}]` : host}:${port}/`;
  }

  show(source: ShowSource): void {
    const { title, kind, urdf, joints, ring, meshes = {} } = source;
    const { spec } = ring;
    const model = this.#robots.add(urdf, meshes);
    const stream = ++this.#streams;
    this.#opened = [];
    if (kind === 'train') {
      // Another training has curves of its own.
      this.#metrics.clear();
      this.#broadcast({ type: 'metrics', reset: true, records: [] });
    }
    this.#stream.show({ stream, kind, title, model, joints, spec, frameRate: frameRateOf(spec) }, ring);
  }

  addMetrics(record: MetricsRecord): void {
    this.#metrics.push(record);
    this.#broadcast({ type: 'metrics', reset: false, records: [record] });
  }

  addScene(env: number, frame: number, scene: ShownScene): void {
    this.#stream.addScene(env, frame, scene);
  }

  addNote(note: string): void {
    this.#notes.push(note);
    this.#broadcast({ type: 'notes', reset: false, notes: [note] });
  }

  openRecordings(paths: readonly string[]): void {
    this.#opened = this.#library.add(paths);
    this.#broadcast({ type: 'open', ids: this.#opened });
  }

  stats(): StreamStats {
    return this.#stream.stats();
  }

  /** Ends every connection at once: nobody waits for a client. */
  async close(): Promise<void> {
    this.#stream.close();
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  #welcome(client: StreamClient): void {
    this.#clients.add(client);
    client.tell({ type: 'hello', protocol: PROTOCOL_VERSION });
    const records = this.#metrics.entries;
    for (let i = 0; i === 0 || i < records.length; i += METRICS_PER_MESSAGE) {
      client.tell({ type: 'metrics', reset: i === 0, records: records.slice(i, i + METRICS_PER_MESSAGE) });
    }
    client.tell({ type: 'notes', reset: true, notes: this.#notes.entries });
    this.#stream.add(client);
    if (this.#opened.length > 0) client.tell({ type: 'open', ids: this.#opened });
  }

  #leave(client: StreamClient): void {
    this.#clients.delete(client);
    this.#stream.remove(client);
  }

  #receive(client: StreamClient, text: string): void {
    const message = parseClientMessage(text);
    if (message?.type === 'select') this.#stream.select(client, message.env);
    else if (message?.type === 'ping') client.tell({ type: 'pong', sent: message.sent });
  }

  #broadcast(message: ServerMessage): void {
    for (const client of this.#clients) client.tell(message);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      response.setHeader('x-content-type-options', 'nosniff');
      if (isForeign(request, this.#options.host))
        return text(response, 403, 'This viewer answers to its own page only.');
      if (request.method !== 'GET' && request.method !== 'HEAD') return text(response, 405, 'GET only');
      const path = pathOf(request);
      const [, kind = '', id = ''] = path.split('/');
      if (path === '/library') return json(response, await this.#library.list());
      if (kind === 'model') return this.#sendModel(id, response);
      if (kind === 'meshes') return json(response, this.#robots.meshesOf(id));
      if (kind === 'recording' || kind === 'metrics') return this.#sendFile(this.#library.pathOf(id), response);
      if (!(await this.#page.serve(path, request, response))) text(response, 404, 'not found');
    } catch (error) {
      if (response.headersSent) response.destroy();
      else text(response, 500, messageOf(error));
    }
  }

  async #sendModel(hash: string, response: ServerResponse): Promise<void> {
    const urdf = await this.#robots.find(hash);
    if (urdf === undefined) return text(response, 404, `no robot with hash ${hash}`);
    const headers = { 'content-type': 'application/xml', 'cache-control': 'public, max-age=31536000, immutable' };
    response.writeHead(200, headers).end(urdf);
  }

  async #sendFile(path: string | undefined, response: ServerResponse): Promise<void> {
    const found = path === undefined ? null : await stat(path).catch(() => null);
    if (path === undefined || !found?.isFile()) return text(response, 404, 'no such file');
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      'content-length': found.size,
      'cache-control': 'no-store',
    });
    // A run may be appending to the file: send what was announced.
    const end = found.size - 1;
    if (end < 0) response.end();
    else await pipeline(createReadStream(path, { end }), response);
  }
}

function listenOn(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** The decoded path, or one that names nothing. */
function pathOf(request: IncomingMessage): string {
  try {
    return decodeURIComponent(new URL(request.url ?? '/', 'http://viewer').pathname);
  } catch {
    return '/?';
  }
}

function text(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(body);
}

function json(response: ServerResponse, body: unknown): void {
  response
    .writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    .end(JSON.stringify(body));
}
