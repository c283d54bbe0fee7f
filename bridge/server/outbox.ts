/**
 * The way out of one connection: serialised messages in order, split into fragments where the client asked for it,
 * dropped when a slow client would let them pile up, and bent by the switches. Knows sockets only as something to write to.
 */

import { type Key, RandomStream } from '../../core/rng.ts';
import type { Switches } from './misbehaviour.ts';
import type { FragmentOut, ServerMessage } from './protocol.ts';

export interface Wire {
  readonly bufferedAmount: number;
  send(text: string): void;
}

/** Topic messages are dropped while this much is waiting for the client, bytes. */
const MAX_WAITING = 4 * 2 ** 20;
/** Characters per fragment when the `fragment` switch is on. */
const BAD_FRAGMENT = 120;
/** A peak of Nagle's algorithm meeting a delayed acknowledgement: how often, and how long, ms. */
const PEAK_CHANCE = 0.05;
const PEAK_MS = [40, 55] as const;

export class Outbox {
  /** Topic messages dropped because the client was slow. */
  dropped = 0;
  /** Characters per fragment, null for whole messages. */
  fragmentSize: number | null = null;
  readonly #wire: Wire;
  readonly #switches: Switches;
  readonly #random: RandomStream;
  #held: string[] = [];
  #peak: NodeJS.Timeout | undefined;
  #fragments = 0;

  /** @param key of the delays that `nagle` draws */
  constructor(wire: Wire, switches: Switches, key: Key) {
    this.#wire = wire;
    this.#switches = switches;
    this.#random = new RandomStream(key);
  }

  /** A topic's message: may be dropped. */
  publish(message: ServerMessage): void {
    if (this.#wire.bufferedAmount > MAX_WAITING) {
      this.dropped++;
      return;
    }
    const text = JSON.stringify(message);
    if (this.#switches.has('bad-json')) this.#deliver(text.slice(0, text.length / 2));
    else if (this.#switches.has('fragment'))
      this.#fragment(text, BAD_FRAGMENT, 0, (text.length - 1) / BAD_FRAGMENT + 1);
    else this.#whole(text);
  }

  /** A reply: is never dropped. */
  reply(message: ServerMessage): void {
    this.#whole(JSON.stringify(message));
  }

  close(): void {
    clearTimeout(this.#peak);
    this.#held = [];
  }

  #whole(text: string): void {
    const size = this.fragmentSize;
    if (size === null || text.length <= size) this.#deliver(text);
    else this.#fragment(text, size, `fragment:${this.#fragments++}`, Math.ceil(text.length / size));
  }

  #fragment(text: string, size: number, id: string | number, total: number): void {
    for (let num = 0; num * size < text.length; num++) {
      const data = text.slice(num * size, (num + 1) * size);
      this.#deliver(JSON.stringify({ op: 'fragment', id, data, num, total } satisfies FragmentOut));
    }
  }

  #deliver(text: string): void {
    if (this.#switches.has('freeze')) return;
    if (!this.#switches.has('nagle')) {
      this.#release(0);
      this.#wire.send(text);
      return;
    }
    this.#held.push(text);
    if (this.#peak !== undefined) return;
    // The acknowledgement of the last message lets the one before this go.
    this.#release(1);
    if (this.#random.uniform() < PEAK_CHANCE) {
      this.#peak = setTimeout(() => this.#release(0), this.#random.between(...PEAK_MS));
    }
  }

  /** Send what is held back, but for the newest `keep`. */
  #release(keep: number): void {
    if (this.#held.length <= keep) return;
    clearTimeout(this.#peak);
    this.#peak = undefined;
    const due = this.#held.splice(0, this.#held.length - keep);
    for (const text of due) this.#wire.send(text);
  }
}
