/**
 * One watcher's connection and its back-pressure: frames wait in a slot of one and only for a socket that keeps up;
 * messages are never dropped; a socket that takes nothing for a while is closed. Knows no frame's content.
 */

import type { ServerMessage } from '../protocol.ts';
import type { LoggedScene } from './scene-log.ts';

/** What is needed of a WebSocket. */
export interface ClientSocket {
  /** Bytes accepted by `send` and not yet by the network. */
  readonly bufferedAmount: number;
  send(data: string | Uint8Array): void;
  terminate(): void;
}

/** A socket that holds more than two frames, or this many bytes, gets no further frame. */
const MAX_BUFFERED_BYTES = 256 * 1024;

export class StreamClient {
  /** Environment whose channels this client sees. */
  selected = 0;
  /** The scene this client was last told. */
  scene: LoggedScene | null = null;
  framesSent = 0;
  framesSkipped = 0;
  /** Most bytes that waited in the socket at once. */
  peakBuffered = 0;
  readonly #socket: ClientSocket;
  #slot: Uint8Array | null = null;
  #buffered = 0;
  #lastProgress: number;

  /** @param now s */
  constructor(socket: ClientSocket, now: number) {
    this.#socket = socket;
    this.#lastProgress = now;
  }

  /** Never dropped. */
  tell(message: ServerMessage): void {
    this.#socket.send(JSON.stringify(message));
  }

  /** The newest frame; one that still waited is skipped. */
  offer(frame: Uint8Array): void {
    if (this.#slot !== null) this.framesSkipped++;
    this.#slot = frame;
    this.flush();
  }

  /** Send the waiting frame if the socket keeps up. */
  flush(): void {
    if (this.#slot === null) return;
    const limit = Math.min(2 * this.#slot.byteLength, MAX_BUFFERED_BYTES);
    if (this.#socket.bufferedAmount > limit) return;
    this.#socket.send(this.#slot);
    this.#slot = null;
    this.framesSent++;
    this.peakBuffered = Math.max(this.peakBuffered, this.#socket.bufferedAmount);
  }

  /** True when the socket holds bytes and has taken none for `seconds`. To be asked regularly. @param now s */
  isStalled(now: number, seconds: number): boolean {
    const buffered = this.#socket.bufferedAmount;
    if (buffered === 0 || buffered < this.#buffered) this.#lastProgress = now;
    this.#buffered = buffered;
    return now - this.#lastProgress > seconds;
  }

  close(): void {
    this.#slot = null;
    this.#socket.terminate();
  }
}
