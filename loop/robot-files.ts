/**
 * A URDF on disk with the meshes it names: package://, relative and file:// references, found as ROS finds them. A mesh that is
 * not there or cannot be read is a note, not an error. Of each mesh the vertices that span its convex hull are kept.
 */

import { existsSync, readFileSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InputError, messageOf } from '../core/errors.ts';
import type { RobotModel } from '../core/robot-model.ts';
import { extremeVertices, isFlat } from '../sim/mesh/extremes.ts';
import { readMesh } from '../sim/mesh/mesh.ts';
import { parseUrdf, type UrdfOptions } from '../sim/urdf.ts';

export interface LoadOptions {
  /** As in `UrdfOptions`. */
  readonly base?: RobotModel['base'];
  /** Names the file, for errors. Default: its path. */
  readonly where?: string;
  /** Folders that hold ROS packages. Default: those of the variable ROS_PACKAGE_PATH. */
  readonly packagePath?: readonly string[];
}

/** @throws InputError when the file is not there or is no URDF */
export async function loadUrdf(path: string, options: LoadOptions = {}): Promise<RobotModel> {
  const { where = path, base } = options;
  if (!isFile(path)) throw new InputError(`${path}: no such file`, { repair: 'give the path of a .urdf file' });
  const text = await readFile(path, 'utf8');
  const packagePath = options.packagePath ?? (process.env.ROS_PACKAGE_PATH ?? '').split(delimiter).filter(Boolean);
  const common: UrdfOptions = { where, ...(base === undefined ? {} : { base }) };
  const meshes: Record<string, Float32Array> = {};
  const meshProblems: Record<string, string> = {};
  for (const file of meshReferences(parseUrdf(text, common))) {
    const found = findMesh(path, file, packagePath);
    if (found === undefined) continue;
    try {
      const vertices = extremeVertices(readMesh(found, await readFile(found)));
      if (isFlat(vertices)) meshProblems[file] = 'is flat and encloses nothing';
      else meshes[file] = vertices;
    } catch (error) {
      meshProblems[file] = `cannot be read (${messageOf(error)})`;
    }
  }
  return parseUrdf(text, { ...common, meshes, meshProblems });
}

function meshReferences(model: RobotModel): Set<string> {
  const shapes = model.links.flatMap((link) => [...link.visuals, ...link.collisions]);
  return new Set(shapes.flatMap(({ geometry }) => (geometry.kind === 'mesh' ? [geometry.file] : [])));
}

/**
 * The file behind a mesh reference. A package is sought from the URDF's folder upwards, as a folder of its name or one
 * whose package.xml says the name, then in `packagePath`. An exported URDF whose package folder was renamed is met by
 * looking beside and above the URDF for the rest of the path.
 */
export function findMesh(urdf: string, reference: string, packagePath: readonly string[] = []): string | undefined {
  const folder = dirname(resolve(urdf));
  const inPackage = /^package:\/\/([^/]+)\/(.+)$/.exec(reference);
  if (inPackage === null) {
    const path = reference.startsWith('file://') ? pathOf(reference, folder) : resolve(folder, reference);
    return isFile(path) ? path : undefined;
  }
  const [, name, rest] = inPackage;
  const above = ancestors(folder);
  const roots = [
    ...above.flatMap((up) => [...(isPackage(up, name!) ? [up] : []), join(up, name!)]),
    ...packagePath.flatMap((entry) => [...(isPackage(entry, name!) ? [entry] : []), join(entry, name!)]),
    ...above.slice(0, 2),
  ];
  return roots.map((root) => join(root, rest!)).find(isFile);
}

function ancestors(folder: string): string[] {
  const found = [folder];
  for (let up = dirname(folder); up !== found.at(-1); up = dirname(up)) found.push(up);
  return found;
}

function isPackage(folder: string, name: string): boolean {
  if (basename(folder) === name) return true;
  const manifest = join(folder, 'package.xml');
  if (!existsSync(manifest)) return false;
  return /<name>\s*([^<\s]+)\s*<\/name>/.exec(readFileSync(manifest, 'utf8'))?.[1] === name;
}

/** file:///absolute, and the file://relative that some exporters write. */
function pathOf(url: string, folder: string): string {
  try {
    return fileURLToPath(url);
  } catch {
    return resolve(folder, url.slice('file://'.length));
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
