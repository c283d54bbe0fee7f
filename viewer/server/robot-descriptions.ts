/** URDF texts by content hash: the robots shown in this session, and those that come with the package. */

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';

export class RobotDescriptions {
  readonly #directory: URL;
  readonly #texts = new Map<string, string>();
  #shipped = false;

  /** @param directory of the robots that come with the package */
  constructor(directory: URL) {
    this.#directory = directory;
  }

  /** @returns its hash, the same as `RobotModel.urdfHash` */
  add(urdf: string): string {
    const hash = createHash('sha256').update(urdf).digest('hex');
    this.#texts.set(hash, urdf);
    return hash;
  }

  async find(hash: string): Promise<string | undefined> {
    const text = this.#texts.get(hash);
    if (text !== undefined || this.#shipped) return text;
    for (const name of await readdir(this.#directory).catch(() => [])) {
      if (name.endsWith('.urdf')) this.add(await readFile(new URL(name, this.#directory), 'utf8'));
    }
    this.#shipped = true;
    return this.#texts.get(hash);
  }
}
