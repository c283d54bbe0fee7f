/**
 * Vertices of an STL file, ASCII or binary, in the file's units and axes. Spec: 3D Systems, StereoLithography Interface
 * Specification, 1989; the binary form is 80 bytes, a count, and 50 bytes a triangle, little-endian.
 */

import { InputError } from '../../core/errors.ts';

const HEADER = 84;
const TRIANGLE = 50;
/** The normal's three floats precede the corners. */
const CORNERS = 12;

/** @returns three vertices a triangle, [n * 3] @throws InputError */
export function readStl(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const triangles = bytes.length >= HEADER ? view.getUint32(80, true) : 0;
  const size = HEADER + TRIANGLE * triangles;
  // Binary files may begin with "solid", too: the length decides.
  if (bytes.length >= HEADER && bytes.length === size) return readBinary(view, triangles);
  const text = new TextDecoder().decode(bytes);
  if (/^\s*solid\b/.test(text) && /\bfacet\b/.test(text)) return readAscii(text);
  // Some writers append a block of their own.
  if (triangles > 0 && bytes.length > size) return readBinary(view, triangles);
  throw new InputError(
    bytes.length < HEADER
      ? `an STL file should have at least ${HEADER} bytes, found ${bytes.length}`
      : `a binary STL file of ${triangles} triangles should have ${size} bytes, found ${bytes.length}`,
    { repair: 'export the mesh again' },
  );
}

function readBinary(view: DataView, triangles: number): Float32Array {
  const vertices = new Float32Array(triangles * 9);
  for (let i = 0; i < triangles; i++) {
    const corners = HEADER + TRIANGLE * i + CORNERS;
    for (let k = 0; k < 9; k++) vertices[9 * i + k] = view.getFloat32(corners + 4 * k, true);
  }
  return vertices;
}

function readAscii(text: string): Float32Array {
  const values: number[] = [];
  for (const [, x, y, z] of text.matchAll(/\bvertex\s+(\S+)\s+(\S+)\s+(\S+)/g)) {
    values.push(Number(x), Number(y), Number(z));
  }
  return Float32Array.from(values);
}
