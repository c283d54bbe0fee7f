/**
 * roslib's transport over `ws`, with the rules of a command link: a publish is dropped and counted unless the socket is
 * open and everything before it has left this process, so that nothing is ever queued; frames are read as one JSON
 * message each; pings with a deadline prove that the other side still reads. Knows no topic and no robot.
 */

import { EventEmitter } from 'node:events';
import { WebSocket } from 'ws';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { type Fault, makeFault, milliseconds } from './faults.ts';
import { FragmentJoiner } from './fragments.ts';
import type { OutgoingMessage, Transport } from './roslib.ts';

export interface TransportSettings {
  readonly clock: Clock;
  /** Longest wait for the WebSocket handshake, s. */
  readonly handshakeSeconds: number;
  /** A larger message is not parsed and is a fault, bytes. */
  readonly messageBytes: number;
  /** A larger message closes the connection before it is in memory, bytes. */
  readonly payloadBytes: number;
  /** A ping not answered within this is a fault, s. */
  readonly pongSeconds: number;
}

export interface TransportCounts {
  received: number;
  malformed: number;
  /** Publishes dropped because the link was not ready for them. */
  refused: number;
}

interface Ping {
  readonly id: number;
  readonly sentAt: number;
  readonly answered?: (seconds: number) => void;
}

/** Pings per deadline. */
const PINGS = 4;

export class WsTransport extends EventEmitter implements Transport {
  readonly counts: TransportCounts = { received: 0, malformed: 0, refused: 0 };
  readonly #socket: WebSocket;
  readonly #settings: TransportSettings;
  readonly #report: (fault: Fault) => void;
  readonly #fragments: FragmentJoiner;
  #bytesRead: () => number = () => 0;
  #readUpTo = 0;
  #pings: Ping[] = [];
  #pingCount = 0;
  #pingTimer: NodeJS.Timeout | undefined;
  #provenAt = -Infinity;

  /**
   * @param report receives every fault of the link
   * @throws SyntaxError when the URL is none
   */
  constructor(url: string, settings: TransportSettings, report: (fault: Fault) => void) {
    super();
    this.#settings = settings;
    this.#report = report;
    this.#fragments = new FragmentJoiner(settings.messageBytes);
    // An EventEmitter throws an error that nobody listens to.
    this.on('error', () => {});
    const socket = new WebSocket(url, {
      handshakeTimeout: settings.handshakeSeconds * 1000,
      maxPayload: settings.payloadBytes,
      perMessageDeflate: false,
    });
    this.#socket = socket;
    socket.on('upgrade', ({ socket: tcp }) => {
      tcp.setNoDelay(true);
      this.#bytesRead = () => tcp.bytesRead;
    });
    socket.on('open', () => {
      this.#pingTimer = setInterval(() => this.#watchPings(), (settings.pongSeconds / PINGS) * 1000);
      this.emit('open', undefined);
    });
    socket.on('message', (data, isBinary) => this.#receive(data as Buffer, isBinary));
    socket.on('pong', (data) => this.#pong(Number(data.toString())));
    socket.on('error', (error) => this.#socketError(error));
    socket.on('close', (code, reason) => {
      clearInterval(this.#pingTimer);
      this.emit('close', { code, reason: reason.toString() });
    });
  }

  /** Nothing that was sent waits in this process. */
  get ready(): boolean {
    return this.isOpen() && this.#socket.bufferedAmount === 0;
  }

  /** When the newest answered ping was sent: the other side was reading then, s on the clock. */
  get provenAt(): number {
    return this.#provenAt;
  }

  /** Bytes received of a message that is not complete yet. */
  get pendingBytes(): number {
    return this.#bytesRead() - this.#readUpTo;
  }

  send(message: OutgoingMessage): void {
    if (!this.isOpen() || (message.op === 'publish' && !this.ready)) {
      this.counts.refused++;
      return;
    }
    this.#socket.send(JSON.stringify(message));
  }

  /** Ask for a sign of life, unless such a question is already open. @param answered receives the round trip, s */
  probe(answered?: (seconds: number) => void): void {
    if (!this.ready || (this.#pings.length > 0 && answered === undefined)) return;
    const id = this.#pingCount++;
    this.#pings.push({ id, sentAt: this.#settings.clock.now(), ...(answered && { answered }) });
    this.#socket.ping(String(id));
  }

  close(): void {
    this.#socket.close();
  }

  /** End the connection without another byte. */
  terminate(): void {
    this.#socket.terminate();
  }

  isConnecting(): boolean {
    return this.#socket.readyState === WebSocket.CONNECTING;
  }

  isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  isClosing(): boolean {
    return this.#socket.readyState === WebSocket.CLOSING;
  }

  isClosed(): boolean {
    return this.#socket.readyState === WebSocket.CLOSED;
  }

  #receive(data: Buffer, isBinary: boolean): void {
    this.counts.received++;
    this.#readUpTo = this.#bytesRead();
    const { messageBytes } = this.#settings;
    if (data.length > messageBytes) {
      this.#report(largeMessage(data.length, messageBytes));
    } else if (isBinary) {
      this.#malformed(`a binary message of ${data.length} bytes; only JSON text was asked for`);
    } else {
      this.#parse(data.toString());
    }
  }

  #parse(text: string): void {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      this.#malformed(`not JSON (${messageOf(error)})`);
      return;
    }
    if (!isMessage(value)) {
      this.#malformed('JSON without an operation');
    } else if (value.op === 'fragment') {
      const joined = this.#fragments.add(value);
      if (joined.kind === 'bad') this.#malformed(joined.reason);
      else if (joined.kind === 'whole') this.#parse(joined.text);
    } else {
      this.emit('message', value);
    }
  }

  #malformed(what: string): void {
    this.counts.malformed++;
    this.#report(
      makeFault(
        'bad-message',
        `the robot's server sent ${what}`,
        'run the server with JSON encoding and look into its log',
      ),
    );
  }

  #pong(id: number): void {
    const now = this.#settings.clock.now();
    while (this.#pings.length > 0 && this.#pings[0]!.id <= id) {
      const ping = this.#pings.shift()!;
      this.#provenAt = ping.sentAt;
      ping.answered?.(now - ping.sentAt);
    }
  }

  /** What has arrived is read before silence is concluded: this process may itself have been stopped. */
  #watchPings(): void {
    if (this.#overdue() > 0) setImmediate(() => setImmediate(() => this.#concludeSilence()));
    this.probe();
  }

  #concludeSilence(): void {
    const overdue = this.#overdue();
    if (overdue <= 0 || !this.isOpen()) return;
    const waited = milliseconds(overdue + this.#settings.pongSeconds);
    this.#report(
      makeFault(
        'silence',
        `no answer to a ping for ${waited} (limit ${milliseconds(this.#settings.pongSeconds)}), the socket is open`,
        'look whether the server and the network are alive',
      ),
    );
  }

  /** Seconds by which the oldest open ping is past its deadline. */
  #overdue(): number {
    const oldest = this.#pings[0];
    if (oldest === undefined) return -Infinity;
    return this.#settings.clock.now() - oldest.sentAt - this.#settings.pongSeconds;
  }

  #socketError(error: Error): void {
    const tooLarge = 'code' in error && error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
    if (tooLarge) this.#report(largeMessage(this.#settings.payloadBytes, this.#settings.messageBytes, 'more than '));
    this.emit('error', error);
  }
}

/** @param bytes that came @param limit for one message */
export function largeMessage(bytes: number, limit: number, than = ''): Fault {
  const found = `${than}${(bytes / 2 ** 20).toFixed(1)} MB`;
  return makeFault(
    'large-message',
    `the robot's server sent a message of ${found}, the limit is ${(limit / 2 ** 20).toFixed(1)} MB`,
    'images and maps belong on another connection: subscribe to joint states only',
  );
}

function isMessage(value: unknown): value is { op: string } & Record<string, unknown> {
  return typeof value === 'object' && value !== null && 'op' in value && typeof value.op === 'string';
}
