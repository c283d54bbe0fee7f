/**
 * One connection's subscription to one topic. Several `subscribe` messages of a client share it, each under its id: the
 * lowest throttle and the longest queue win, as in the real server. Knows no socket; time is a passed clock.
 */

import type { Clock } from '../../core/clock.ts';
import type { MessageId } from './protocol.ts';

export interface SubscriptionSettings {
  /** Least time between two messages, ms. */
  readonly throttleMs: number;
  /** Messages kept while throttled, the oldest dropped; 0: whatever comes too early is dropped. */
  readonly queueLength: number;
}

export class Subscription {
  readonly #clock: Clock;
  readonly #send: (msg: Record<string, unknown>) => void;
  readonly #settings = new Map<MessageId | undefined, SubscriptionSettings>();
  #throttleMs = 0;
  #queueLength = 0;
  #lastSent = -Infinity;
  #queue: Record<string, unknown>[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(clock: Clock, send: (msg: Record<string, unknown>) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  add(id: MessageId | undefined, settings: SubscriptionSettings): void {
    this.#settings.set(id, settings);
    this.#merge();
  }

  /** @param id undefined for all of them @returns whether any is left */
  remove(id: MessageId | undefined): boolean {
    if (id === undefined) this.#settings.clear();
    else this.#settings.delete(id);
    if (this.#settings.size === 0) this.close();
    else this.#merge();
    return this.#settings.size > 0;
  }

  offer(msg: Record<string, unknown>): void {
    const waitMs = this.#waitMs();
    if (waitMs <= 0 && this.#queue.length === 0) {
      this.#sendNow(msg);
    } else if (this.#queueLength > 0) {
      this.#queue.push(msg);
      if (this.#queue.length > this.#queueLength) this.#queue.shift();
      this.#timer ??= setTimeout(() => this.#drain(), waitMs);
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#queue = [];
  }

  #drain(): void {
    this.#timer = undefined;
    if (this.#waitMs() <= 0) {
      const msg = this.#queue.shift();
      if (msg !== undefined) this.#sendNow(msg);
    }
    if (this.#queue.length > 0) this.#timer = setTimeout(() => this.#drain(), Math.max(0, this.#waitMs()));
  }

  #sendNow(msg: Record<string, unknown>): void {
    this.#lastSent = this.#clock.now();
    this.#send(msg);
  }

  #waitMs(): number {
    return this.#throttleMs - (this.#clock.now() - this.#lastSent) * 1000;
  }

  #merge(): void {
    const all = [...this.#settings.values()];
    this.#throttleMs = Math.min(...all.map(({ throttleMs }) => throttleMs));
    this.#queueLength = Math.max(...all.map(({ queueLength }) => queueLength));
  }
}
