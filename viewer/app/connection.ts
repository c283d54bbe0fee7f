/**
 * The page's line to the server it came from: connects again by itself, decodes frames, and measures what the HUD shows:
 * frames a second, share of frames left out for this client, round trip. Knows no drawing.
 */

import type { RobotModel } from '../../core/robot-model.ts';
import {
  type ClientMessage,
  type DecodedFrame,
  decodeFrame,
  type LiveSource,
  PROTOCOL_VERSION,
  type ServerMessage,
  SOCKET_PATH,
  streamOf,
} from '../protocol.ts';
import { fetchRobot } from './robot-file.ts';

export type ConnectionState = 'connecting' | 'connected' | 'lost' | 'incompatible';

export interface ConnectionHandlers {
  onState(state: ConnectionState): void;
  onMessage(message: ServerMessage): void;
  onFrame(frame: DecodedFrame): void;
}

/** What the page needs of whatever shows it something live. */
export interface Line {
  /** Ask for this environment's channels. */
  select(env: number): void;
  /** A robot by the hash of its URDF; null when it is not known there. */
  robot(hash: string): Promise<RobotModel | null>;
  readonly figures: ConnectionFigures;
}

export interface ConnectionFigures {
  readonly framesPerSecond: number;
  /** Of the frames that were due in the last seconds, the share that this client was too slow for. */
  readonly dropShare: number;
  /** Last measured round trip, ms; NaN before the first. */
  readonly roundTripMs: number;
  /** Since the page was loaded. */
  readonly framesReceived: number;
  readonly framesDropped: number;
}

const PING_MS = 2000;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 5000;
/** The figures are over this long, ms. */
const WINDOW_MS = 3000;

interface Arrival {
  readonly at: number;
  readonly dropped: number;
}

export class Connection implements Line {
  readonly #url: string;
  readonly #handlers: ConnectionHandlers;
  #socket: WebSocket | null = null;
  #source: LiveSource | null = null;
  #retryMs = FIRST_RETRY_MS;
  #lastSeq: number | null = null;
  #arrivals: Arrival[] = [];
  #framesReceived = 0;
  #framesDropped = 0;
  #roundTripMs = NaN;
  #selected = 0;

  constructor(page: Location, handlers: ConnectionHandlers) {
    this.#url = `${page.protocol === 'https:' ? 'wss' : 'ws'}://${page.host}${SOCKET_PATH}`;
    this.#handlers = handlers;
    this.#connect();
    setInterval(() => this.#send({ type: 'ping', sent: performance.now() }), PING_MS);
  }

  select(env: number): void {
    this.#selected = env;
    this.#send({ type: 'select', env });
  }

  robot(hash: string): Promise<RobotModel | null> {
    return fetchRobot(hash);
  }

  get figures(): ConnectionFigures {
    const since = performance.now() - WINDOW_MS;
    this.#arrivals = this.#arrivals.filter(({ at }) => at >= since);
    const dropped = this.#arrivals.reduce((sum, arrival) => sum + arrival.dropped, 0);
    const received = this.#arrivals.length;
    return {
      framesPerSecond: received / (WINDOW_MS / 1000),
      dropShare: received + dropped === 0 ? 0 : dropped / (received + dropped),
      roundTripMs: this.#roundTripMs,
      framesReceived: this.#framesReceived,
      framesDropped: this.#framesDropped,
    };
  }

  #connect(): void {
    this.#handlers.onState('connecting');
    const socket = new WebSocket(this.#url);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    socket.addEventListener('open', () => {
      this.#retryMs = FIRST_RETRY_MS;
      this.#handlers.onState('connected');
      this.#send({ type: 'ping', sent: performance.now() });
    });
    socket.addEventListener('message', ({ data }) => {
      if (data instanceof ArrayBuffer) this.#takeFrame(data);
      else this.#takeMessage(JSON.parse(String(data)) as ServerMessage);
    });
    socket.addEventListener('close', () => {
      if (this.#socket !== socket) return;
      this.#source = null;
      this.#handlers.onState('lost');
      setTimeout(() => this.#connect(), this.#retryMs);
      this.#retryMs = Math.min(LAST_RETRY_MS, this.#retryMs * 1.6);
    });
  }

  #takeMessage(message: ServerMessage): void {
    if (message.type === 'pong') {
      this.#roundTripMs = performance.now() - message.sent;
      return;
    }
    if (message.type === 'hello' && message.protocol !== PROTOCOL_VERSION) {
      this.#socket?.close();
      this.#socket = null;
      this.#handlers.onState('incompatible');
      return;
    }
    if (message.type === 'source') {
      this.#source = message.source;
      this.#lastSeq = null;
      this.#selected = Math.min(this.#selected, (message.source?.spec.numEnvs ?? 1) - 1);
      this.#send({ type: 'select', env: this.#selected });
    }
    this.#handlers.onMessage(message);
  }

  #takeFrame(data: ArrayBuffer): void {
    const source = this.#source;
    // A frame of the source before may still be on its way.
    if (source === null || streamOf(data) !== source.stream) return;
    const frame = decodeFrame(source.spec, data);
    const dropped = this.#lastSeq === null ? 0 : Math.max(0, frame.seq - this.#lastSeq - 1);
    this.#lastSeq = frame.seq;
    this.#framesReceived++;
    this.#framesDropped += dropped;
    this.#arrivals.push({ at: performance.now(), dropped });
    this.#handlers.onFrame(frame);
  }

  #send(message: ClientMessage): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }
}
