/** A list that stays bounded however long training runs: when full, every second entry of its older half goes. */

export class History<T> {
  readonly #limit: number;
  #entries: T[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  get entries(): readonly T[] {
    return this.#entries;
  }

  push(entry: T): void {
    this.#entries.push(entry);
    if (this.#entries.length <= this.#limit) return;
    const half = this.#entries.length >> 1;
    this.#entries = this.#entries.filter((_, i) => i >= half || i % 2 === 0);
  }

  clear(): void {
    this.#entries = [];
  }
}
