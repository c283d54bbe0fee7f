/** Mesh readers: the same tetrahedron in every format, transforms of COLLADA by hand, broken files by their reason. */

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../core/errors.ts';
import { keyOf, RandomStream } from '../../../core/rng.ts';
import { DIRECTIONS, extremeVertices, isFlat } from '../../../sim/mesh/extremes.ts';
import { readMesh } from '../../../sim/mesh/mesh.ts';

const seed = Number(process.env.LANDFALL_TEST_SEED ?? 1);
const bytes = (text: string) => new TextEncoder().encode(text);
const corners = [
  [0, 0, 0],
  [1, 0, 0],
  [0, 2, 0],
  [0, 0, 3],
] as const;
const faces = [
  [0, 2, 1],
  [0, 1, 3],
  [0, 3, 2],
  [1, 2, 3],
] as const;

/** Sorted distinct points, for comparison. */
function points(vertices: Float32Array): string[] {
  const found = new Set<string>();
  for (let i = 0; i < vertices.length; i += 3) found.add([...vertices.subarray(i, i + 3)].map((v) => v + 0).join(' '));
  return [...found].sort();
}

const tetrahedron = points(Float32Array.from(corners.flat()));

function binaryStl(header = ''): Uint8Array {
  const out = new Uint8Array(84 + 50 * faces.length);
  out.set(bytes(header));
  const view = new DataView(out.buffer);
  view.setUint32(80, faces.length, true);
  for (const [i, face] of faces.entries()) {
    for (const [k, value] of face.flatMap((c) => [...corners[c]!]).entries())
      view.setFloat32(84 + 50 * i + 12 + 4 * k, value, true);
  }
  return out;
}

const asciiStl = `solid t\n${faces
  .map(
    (face) =>
      `facet normal 0 0 0\n outer loop\n${face.map((c) => `  vertex ${corners[c]!.map((x) => x.toExponential(3)).join(' ')}`).join('\n')}\n endloop\nendfacet`,
  )
  .join('\n')}\nendsolid t\n`;

const obj = `# a helper point first, which no face uses
v 9 9 9
${corners.map((c) => `v ${c.join(' ')}`).join('\n')}
vn 0 0 1
f 2//1 4//1 3//1
f -4 -3 \\
 -1
f 2/1 5/1 4/1`;

function dae({
  asset = '<up_axis>Z_UP</up_axis>',
  scene = '<instance_geometry url="#g"/>',
  library = '',
} = {}): string {
  return `<COLLADA xmlns="http://www.collada.org/2005/11/COLLADASchema" version="1.4.1"><asset>${asset}</asset>
  <library_geometries><geometry id="g"><mesh>
    <source id="p"><float_array id="pa" count="12">${corners.flat().join(' ')}</float_array>
      <technique_common><accessor source="#pa" count="4" stride="3"/></technique_common></source>
    <source id="n"><float_array id="na" count="3">7 7 7</float_array></source>
    <vertices id="v"><input semantic="POSITION" source="#p"/><input semantic="NORMAL" source="#n"/></vertices>
  </mesh></geometry></library_geometries><library_nodes>${library}</library_nodes>
  <library_visual_scenes><visual_scene id="s"><node>${scene}</node></visual_scene></library_visual_scenes>
  <scene><instance_visual_scene url="#s"/></scene></COLLADA>`;
}

describe('one tetrahedron', () => {
  it.each([
    ['binary STL', 'a.STL', binaryStl()],
    ['binary STL that begins with "solid"', 'a.stl', binaryStl('solid by some exporter')],
    ['ASCII STL', 'a.stl', bytes(asciiStl)],
    ['OBJ', 'a.obj', bytes(obj)],
    ['COLLADA', 'a.dae', bytes(dae())],
  ])('%s', (_name, file, content) => {
    expect(points(readMesh(file, content))).toEqual(tetrahedron);
  });

  it('from a slice of a larger buffer', () => {
    const padded = new Uint8Array(7 + binaryStl().length);
    padded.set(binaryStl(), 7);
    expect(points(readMesh('a.stl', padded.subarray(7)))).toEqual(tetrahedron);
  });
});

describe('COLLADA', () => {
  const last = (text: string) => [...readMesh('a.dae', bytes(text))].slice(9).map((v) => v + 0);

  it('unit and up axis: (0, 0, 3) in a file of centimetres', () => {
    expect(last(dae({ asset: '<unit meter="0.01"/>' }))).toEqual([0, 0, Math.fround(0.03)]);
    expect(last(dae({ asset: '<unit meter="0.5"/><up_axis>Y_UP</up_axis>' }))).toEqual([0, -1.5, 0]);
    expect(last(dae({ asset: '<up_axis>X_UP</up_axis>' }))).toEqual([0, -3, 0]);
  });

  it('node transforms apply in order, the outer ones last', () => {
    // (0, 0, 3): scaled to (0, 0, 6), moved to (1, 0, 6), turned by 90 degrees about y to (6, 0, -1)
    const scene =
      '<rotate>0 1 0 90</rotate><node><translate>1 0 0</translate><scale>2 2 2</scale><instance_geometry url="#g"/></node>';
    const [x, y, z] = last(dae({ scene }));
    // float32 of a rotation that is exact to float64
    expect(x).toBeCloseTo(6, 6);
    expect(y).toBeCloseTo(0, 6);
    expect(z).toBeCloseTo(-1, 6);
    const matrix = '<matrix>0 0 1 5 1 0 0 0 0 1 0 0 0 0 0 1</matrix><instance_geometry url="#g"/>';
    expect(last(dae({ scene: matrix }))).toEqual([8, 0, 0]);
  });

  it('nodes from the library, and one that holds itself', () => {
    const library = '<node id="part"><translate>0 0 1</translate><instance_geometry url="#g"/></node>';
    expect(last(dae({ scene: '<instance_node url="#part"/>', library }))).toEqual([0, 0, 4]);
    const circle = '<node id="part"><instance_node url="#part"/></node>';
    expect(() => readMesh('a.dae', bytes(dae({ scene: '<instance_node url="#part"/>', library: circle })))).toThrow(
      /holds itself/,
    );
  });
});

describe('what cannot be read says why', () => {
  it.each([
    ['a format nobody reads', 'a.ply', bytes('ply'), /\.stl, \.obj or \.dae, found \.ply/],
    ['no suffix', 'toString', bytes(''), /should end in/],
    ['an STL cut short', 'a.stl', binaryStl().subarray(0, 200), /4 triangles should have 284 bytes, found 200/],
    ['an empty file', 'a.stl', new Uint8Array(), /at least 84 bytes/],
    [
      'a Git LFS pointer',
      'a.stl',
      bytes('version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n'.repeat(3)),
      /STL/,
    ],
    ['words for numbers', 'a.obj', bytes('v a b c'), /no finite numbers/],
    ['a face of nothing', 'a.obj', bytes('v 0 0 0\nf 1 2 3'), /vertex that is not there/],
    ['no vertices', 'a.obj', bytes('# nothing'), /no vertices/],
    ['another XML', 'a.dae', bytes('<robot/>'), /<COLLADA>/],
    ['XML cut short', 'a.dae', bytes(dae().slice(0, 400)), /well-formed/],
    ['a geometry that is not there', 'a.dae', bytes(dae({ scene: '<instance_geometry url="#h"/>' })), /id #h/],
    ['a matrix of 3', 'a.dae', bytes(dae({ scene: '<matrix>1 2 3</matrix>' })), /<matrix> should hold 16/],
  ])('%s', (_name, file, content, message) => {
    expect(() => readMesh(file, content)).toThrow(InputError);
    expect(() => readMesh(file, content)).toThrow(message);
  });

  it(`200 damaged files end in vertices or in InputError, seed ${seed}`, () => {
    const random = new RandomStream(keyOf(seed));
    const files = [
      ['a.stl', binaryStl()],
      ['a.stl', bytes(asciiStl)],
      ['a.obj', bytes(obj)],
      ['a.dae', bytes(dae())],
    ] as const;
    let refused = 0;
    for (let i = 0; i < 200; i++) {
      const [file, whole] = files[i % files.length]!;
      const damaged = whole.slice(0, random.below(3) === 0 ? random.below(whole.length) : whole.length);
      for (let k = random.below(4); k > 0; k--) damaged[random.below(Math.max(1, damaged.length))] = random.below(256);
      try {
        expect(readMesh(file, damaged).every(Number.isFinite)).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(20);
    expect(refused).toBeLessThan(190);
  });
});

describe('extremeVertices', () => {
  function support(vertices: Float32Array, [x, y, z]: readonly number[]): number {
    let most = -Infinity;
    for (let i = 0; i < vertices.length; i += 3)
      most = Math.max(most, vertices[i]! * x! + vertices[i + 1]! * y! + vertices[i + 2]! * z!);
    return most;
  }

  /** The largest loss along 1,000 random directions, as a share of the largest extent. */
  function loss(all: Float32Array): number {
    const few = extremeVertices(all);
    expect(few.length / 3).toBeLessThanOrEqual(DIRECTIONS + 6);
    const random = new RandomStream(keyOf(seed));
    const extent = Math.max(
      ...[0, 1, 2].map((k) => {
        const axis = [0, 1, 2].map((i) => (i === k ? 1 : 0));
        return (
          support(all, axis) +
          support(
            all,
            axis.map((v) => -v),
          )
        );
      }),
    );
    let worst = 0;
    for (let i = 0; i < 1000; i++) {
      const d = [random.normal(), random.normal(), random.normal()];
      const n = Math.hypot(...d);
      const u = d.map((v) => v / n);
      worst = Math.max(worst, support(all, u) - support(few, u));
    }
    return worst / extent;
  }

  it(`a ball of 20,000 points loses at most 0.8% of its diameter, seed ${seed}`, () => {
    const random = new RandomStream(keyOf(seed));
    const ball = new Float32Array(60_000);
    for (let i = 0; i < 20_000; i++) {
      const p = [random.normal(), random.normal(), random.normal()];
      ball.set(
        p.map((v) => v / Math.hypot(...p)),
        3 * i,
      );
    }
    // Neighbours on the lattice are about sqrt(4 pi / 256) = 0.22 rad apart, so no direction is farther than about
    // 0.16 rad from one: R (1 - cos 0.16) = 0.013 R, 0.65% of the diameter, and a little for the density of the points.
    expect(loss(ball)).toBeLessThan(0.008);
  });

  it('a box among inner points keeps its corners', () => {
    const random = new RandomStream(keyOf(seed));
    const cloud = new Float32Array(6000);
    for (let i = 0; i < cloud.length; i++) cloud[i] = random.between(-0.9, 0.9);
    for (let c = 0; c < 8; c++) cloud.set([c & 1 ? 1 : -1, c & 2 ? 1 : -1, c & 4 ? 1 : -1], 30 * c);
    expect(points(extremeVertices(cloud))).toHaveLength(8);
  });

  it('few vertices stay as they are, without repeats', () => {
    expect(extremeVertices(readMesh('a.stl', binaryStl()))).toHaveLength(12);
  });

  it
    .skipIf(!existsSync('../shared/data'))
    .each([
      'robots/a1_description/meshes/calf.dae',
      'robots/a1_description/meshes/hip.dae',
      'robots/turtlebot3_description/meshes/wheels/left_tire.stl',
      'robots/z1_description/meshes/collision/z1_Link00.STL',
      'pendulum/meshes/base_link.STL',
    ])('%s loses at most 1.5%% (needs shared/data)', (name) => {
    const path = `../shared/data/${name}`;
    // measured: 0.2%, 0.7%, 0.4%, 0.4%, 1.2%
    expect(loss(readMesh(path, readFileSync(path)))).toBeLessThan(0.015);
  });

  it('knows what is flat', () => {
    expect(isFlat(Float32Array.from(corners.flat()))).toBe(false);
    expect(isFlat(Float32Array.from([0, 0, 1, 1, 0, 1, 0, 1, 1, 1, 1, 1]))).toBe(true);
    expect(isFlat(new Float32Array(30))).toBe(true);
  });
});
