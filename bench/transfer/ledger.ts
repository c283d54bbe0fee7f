/** What a long study has measured so far, on disk: a study that was cut off goes on where it stopped. Knows no measurement. */

import { existsSync } from 'node:fs';
import { writeJson } from '../../policy/checkpoint.ts';
import { readJson } from '../../policy/run-directory.ts';

export class Ledger {
  readonly #path: string;
  readonly #entries: Record<string, unknown>;

  private constructor(path: string, entries: Record<string, unknown>) {
    this.#path = path;
    this.#entries = entries;
  }

  /** @param path of a JSON file in a directory that is there */
  static async open(path: string): Promise<Ledger> {
    return new Ledger(path, existsSync(path) ? ((await readJson(path)) as Record<string, unknown>) : {});
  }

  /** @param key everything that the value depends on; the value is JSON */
  async once<T>(key: string, measure: () => Promise<T>): Promise<T> {
    if (!Object.hasOwn(this.#entries, key)) {
      this.#entries[key] = await measure();
      await writeJson(this.#path, this.#entries);
    }
    return this.#entries[key] as T;
  }
}
