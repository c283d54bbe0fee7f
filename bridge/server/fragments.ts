/**
 * Puts fragmented messages together again, by number and not by order of arrival. Bounded in count, size and age, so
 * that a client which never finishes costs nothing for long. Knows no socket.
 */

import type { Fragment, MessageId } from './protocol.ts';

interface Partial {
  readonly parts: (string | undefined)[];
  missing: number;
  length: number;
  readonly since: number;
}

const MAX_OPEN = 16;
const MAX_PARTS = 100_000;
/** As rosbridge's fragment_timeout, s. */
const TIMEOUT = 600;

export type Joined = { readonly text: string } | { readonly refused: string } | undefined;

export class Fragments {
  readonly #open = new Map<MessageId, Partial>();
  readonly #maxLength: number;

  /** @param maxLength of a whole message, characters */
  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /** @param now s @returns the whole text once it is complete */
  add({ id, data, num, total }: Fragment, now: number): Joined {
    if (num >= total || total > MAX_PARTS) return { refused: `fragment ${num} of ${total}` };
    for (const [old, { since }] of this.#open) if (now - since > TIMEOUT) this.#open.delete(old);
    let partial = this.#open.get(id);
    if (partial === undefined) {
      if (this.#open.size === MAX_OPEN) return { refused: `more than ${MAX_OPEN} fragmented messages at once` };
      partial = { parts: new Array<string | undefined>(total), missing: total, length: 0, since: now };
      this.#open.set(id, partial);
    }
    if (partial.parts.length !== total || partial.parts[num] !== undefined) {
      this.#open.delete(id);
      return { refused: `fragment ${num} of ${total} does not fit what came before it` };
    }
    partial.parts[num] = data;
    partial.missing--;
    partial.length += data.length;
    if (partial.length > this.#maxLength) {
      this.#open.delete(id);
      return { refused: `fragments of more than ${this.#maxLength} characters` };
    }
    if (partial.missing > 0) return undefined;
    this.#open.delete(id);
    return { text: partial.parts.join('') };
  }
}
