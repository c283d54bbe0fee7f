/**
 * URDF texts by content hash: the robots shown in this session, with their meshes, and those that come with the package.
 * Knows no server.
 */

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type { RobotModel } from '../../core/robot-model.ts';

/** Digits of a mesh's coordinates. */
const MESH_DIGITS = 6;

export class RobotDescriptions {
  readonly #directory: URL;
  readonly #texts = new Map<string, string>();
  readonly #meshes = new Map<string, RobotModel['meshes']>();
  #shipped = false;

  /** @param directory of the robots that come with the package */
  constructor(directory: URL) {
    this.#directory = directory;
  }

  /** @returns its hash, the same as `RobotModel.urdfHash` */
  add(urdf: string, meshes: RobotModel['meshes'] = {}): string {
    const hash = createHash('sha256').update(urdf).digest('hex');
    this.#texts.set(hash, urdf);
    if (Object.keys(meshes).length > 0) this.#meshes.set(hash, meshes);
    return hash;
  }

  /** Vertices by reference, for JSON; nothing for a robot that is not known. */
  meshesOf(hash: string): Record<string, number[]> {
    return Object.fromEntries(
      Object.entries(this.#meshes.get(hash) ?? {}).map(([file, vertices]) => [
        file,
        Array.from(vertices, (value) => Number(value.toPrecision(MESH_DIGITS))),
      ]),
    );
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
