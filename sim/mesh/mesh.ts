/** Vertices of a mesh file, whatever its format. Knows no file system: bytes come in. */

import { InputError } from '../../core/errors.ts';
import { readDae } from './dae.ts';
import { readObj } from './obj.ts';
import { readStl } from './stl.ts';

const READERS: Readonly<Record<string, (bytes: Uint8Array) => Float32Array>> = {
  stl: readStl,
  obj: readObj,
  dae: readDae,
};

/**
 * @param file its suffix says the format: .stl, .obj or .dae, in any case
 * @returns [n * 3], finite; STL and OBJ in the file's units and axes, COLLADA in metres with z up
 * @throws InputError that names no file
 */
export function readMesh(file: string, bytes: Uint8Array): Float32Array {
  const suffix = file.slice(file.lastIndexOf('.') + 1).toLowerCase();
  const read = Object.hasOwn(READERS, suffix) ? READERS[suffix] : undefined;
  if (read === undefined) {
    throw new InputError(`a mesh should end in .stl, .obj or .dae, found .${suffix}`, { repair: 'convert the mesh' });
  }
  const vertices = read(bytes);
  if (vertices.length === 0) throw new InputError('the mesh has no vertices', { repair: 'export the mesh again' });
  if (!vertices.every(Number.isFinite)) {
    throw new InputError('the mesh has coordinates that are no finite numbers', { repair: 'export the mesh again' });
  }
  return vertices;
}
