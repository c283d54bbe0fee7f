/**
 * Vertices of a Wavefront OBJ file, in the file's units and axes. Only what a face uses counts: exporters leave helper
 * points. Spec: Wavefront Advanced Visualizer, appendix B1. Knows no normals, textures or curves.
 */

import { InputError } from '../../core/errors.ts';

/** @returns [n * 3] @throws InputError */
export function readObj(bytes: Uint8Array): Float32Array {
  const values: number[] = [];
  const used = new Set<number>();
  // A backslash continues a line.
  const lines = new TextDecoder()
    .decode(bytes)
    .replace(/\\\r?\n/g, ' ')
    .split(/\r?\n/);
  for (const line of lines) {
    const [kind, ...fields] = line.trim().split(/\s+/);
    if (kind === 'v') {
      if (fields.length < 3) throw new InputError(`a vertex should have 3 numbers, found "${line}"`);
      values.push(Number(fields[0]), Number(fields[1]), Number(fields[2]));
    } else if (kind === 'f') {
      for (const field of fields) {
        // vertex/texture/normal; counted from 1, or from the end when negative
        const index = Number.parseInt(field, 10);
        const vertex = index < 0 ? values.length / 3 + index : index - 1;
        used.add(vertex);
      }
    }
  }
  if (used.size === 0) return Float32Array.from(values);
  const vertices = new Float32Array(used.size * 3);
  let at = 0;
  for (const vertex of used) {
    if (!(vertex >= 0 && vertex < values.length / 3)) throw new InputError(`a face uses a vertex that is not there`);
    for (let k = 0; k < 3; k++) vertices[at++] = values[3 * vertex + k]!;
  }
  return vertices;
}
