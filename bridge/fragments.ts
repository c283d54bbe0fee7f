/**
 * Joins the fragments of a message by their number, whatever their order. Accepts what the real server sends: a numeric
 * id, 0 included, and a total with a fraction. Bounded in memory. Knows no socket.
 * Spec: rosbridge protocol v2, 3.2.1; facts: the server's total is (length - 1) / size + 1, and its ids start at 0.
 */

interface Partial {
  readonly total: number;
  readonly parts: Map<number, string>;
  length: number;
}

/** Messages that may be incomplete at once; the oldest is forgotten for a new one. */
const MAX_OPEN = 8;

export type Joined =
  | { readonly kind: 'whole'; readonly text: string }
  | { readonly kind: 'partial' }
  | { readonly kind: 'bad'; readonly reason: string };

export class FragmentJoiner {
  readonly #open = new Map<string, Partial>();
  readonly #maxLength: number;

  /** @param maxLength of a joined message, characters */
  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  add(message: Readonly<Record<string, unknown>>): Joined {
    const { id, data, num } = message;
    const total = typeof message.total === 'number' ? Math.floor(message.total) : NaN;
    const named = typeof id === 'string' || typeof id === 'number';
    if (!named || typeof data !== 'string' || typeof num !== 'number' || !(num >= 0 && num < total)) {
      return { kind: 'bad', reason: `fragment without a usable id, data, num or total (num ${num}, total ${total})` };
    }
    const key = `${typeof id} ${id}`;
    let partial = this.#open.get(key);
    // A number that is already there starts the next message of an id that is used again.
    if (partial === undefined || partial.total !== total || partial.parts.has(num)) {
      this.#open.delete(key);
      if (this.#open.size >= MAX_OPEN) this.#open.delete(this.#open.keys().next().value ?? '');
      partial = { total, parts: new Map(), length: 0 };
      this.#open.set(key, partial);
    }
    partial.parts.set(num, data);
    partial.length += data.length;
    if (partial.length > this.#maxLength) {
      this.#open.delete(key);
      return { kind: 'bad', reason: `fragments of more than ${this.#maxLength} characters` };
    }
    if (partial.parts.size < total) return { kind: 'partial' };
    this.#open.delete(key);
    let text = '';
    for (let i = 0; i < total; i++) text += partial.parts.get(i) ?? '';
    return { kind: 'whole', text };
  }
}
