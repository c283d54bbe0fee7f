/** What is drawn around a robot, without drawing it. */

import { Color, InstancedMesh, Matrix4, type Mesh, Vector3 } from 'three';
import { expect, test } from 'vitest';
import { Surroundings } from '../../../viewer/app/surroundings.ts';
import type { ShownScene } from '../../../viewer/scene-message.ts';
import { walkerScene } from '../walker-frames.ts';

function instance(mesh: InstancedMesh, at: number): { centre: Vector3; size: Vector3 } {
  const matrix = new Matrix4();
  mesh.getMatrixAt(at, matrix);
  return { centre: new Vector3().setFromMatrixPosition(matrix), size: new Vector3().setFromMatrixScale(matrix) };
}

function meshOf(surroundings: Surroundings, geometry: string): InstancedMesh {
  const isIt = (child: unknown) => child instanceof InstancedMesh && child.geometry.type === geometry;
  return surroundings.group.children.find(isIt) as InstancedMesh;
}

test('boxes, cylinders and balls stand where the scene says, in one mesh for each kind', () => {
  const surroundings = new Surroundings();
  surroundings.show(walkerScene);
  // The terrain, and three kinds.
  expect(surroundings.group.children).toHaveLength(4);
  const boxes = meshOf(surroundings, 'BoxGeometry');
  expect(boxes.count).toBe(3);
  expect(instance(boxes, 0).centre.distanceTo(new Vector3(1.6, 1.2, 0.15))).toBeLessThan(1e-6);
  expect(instance(boxes, 1).size.distanceTo(new Vector3(0.1, 3, 0.6))).toBeLessThan(1e-6);
  // 9 m of terrain is the widest.
  expect(surroundings.footprint).toEqual({ min: [-4.5, -4.5], max: [4.5, 4.5] });
});

test('objects go where a frame puts them, and stay when it does not know', () => {
  const surroundings = new Surroundings();
  surroundings.show(walkerScene);
  const pose = (x: number) => [x, 0, 0, 0, 0, 0, 1];
  const crate = () => instance(meshOf(surroundings, 'BoxGeometry'), 2).centre.x;
  surroundings.placeObjects([...pose(5), ...pose(6)]);
  expect(instance(meshOf(surroundings, 'SphereGeometry'), 0).centre.x).toBe(5);
  expect(crate()).toBe(6);
  surroundings.placeObjects([...pose(7), ...new Array<number>(7).fill(Number.NaN)]);
  expect(crate()).toBe(6);
});

test('terrain has its heights at the points of its grid, and faces up', () => {
  const surroundings = new Surroundings();
  const ground = { nx: 3, ny: 2, size: [4, 1], heights: [0, 1, 2, 3, 4, 5] } as const;
  surroundings.show({ ground, statics: [], objects: [] });
  surroundings.paint({ ground: new Color(), line: new Color(), solid: new Color(), object: new Color() });
  const [terrain] = surroundings.group.children as [Mesh];
  const position = terrain.geometry.getAttribute('position');
  const point = (k: number) => new Vector3().fromBufferAttribute(position, k).toArray();
  expect([0, 1, 5].map(point)).toEqual([
    [-2, -0.5, 0],
    [0, -0.5, 1],
    [2, 0.5, 5],
  ]);
  const [a, b, c] = [0, 1, 2].map((i) => new Vector3(...point(terrain.geometry.index!.getX(i)))) as Vector3[];
  expect(b!.sub(a!).cross(c!.sub(a!)).z).toBeGreaterThan(0);
  expect(surroundings.hasTerrain).toBe(true);
});

test('another scene takes the place of the one before; a plane takes up no ground', () => {
  const surroundings = new Surroundings();
  surroundings.show(walkerScene);
  const plane: ShownScene = { ground: 'plane', statics: [], objects: [] };
  surroundings.show(plane);
  expect(surroundings.group.children).toHaveLength(0);
  expect(surroundings).toMatchObject({ scene: plane, footprint: null, hasTerrain: false });
  surroundings.show(null);
  expect(surroundings.scene).toBeNull();
});
