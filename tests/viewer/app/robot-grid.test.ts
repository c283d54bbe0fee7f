/** What is drawn, without drawing it: three's objects need no WebGL. */

import { Color, InstancedMesh, Matrix4, Vector3 } from 'three';
import { expect, test } from 'vitest';
import type { Shape } from '../../../core/robot-model.ts';
import { parseUrdf } from '../../../sim/urdf.ts';
import { RobotGrid } from '../../../viewer/app/robot-grid.ts';
import { floorOf, missingMeshes, reachOf, shapesOf } from '../../../viewer/app/robot-shapes.ts';
import { pendulumUrdf } from '../pendulum-frames.ts';
import { chainModel } from './chain-model.ts';

const pendulum = parseUrdf(pendulumUrdf, { where: 'pendulum.urdf' });

/** Where the instances of a shape have their middle. */
function centres(grid: RobotGrid, geometry: string): Vector3[] {
  const mesh = grid.group.children.find((child) => child instanceof InstancedMesh && child.geometry.type === geometry);
  if (!(mesh instanceof InstancedMesh)) throw new Error(`no ${geometry}`);
  return Array.from({ length: mesh.count }, (_, i) => {
    const matrix = new Matrix4();
    mesh.getMatrixAt(i, matrix);
    return new Vector3().setFromMatrixPosition(matrix);
  });
}

test('the pendulum hangs at 0, and its weight is where forward kinematics puts it', () => {
  const grid = new RobotGrid(pendulum, 1);
  const at = (q: number) => {
    grid.setPoses(Float32Array.of(q));
    // The motor, the rod, the weight.
    return centres(grid, 'CylinderGeometry')[2]!;
  };
  expect(at(0).distanceTo(new Vector3(0, 0, -0.5))).toBeLessThan(1e-6);
  expect(at(Math.PI).distanceTo(new Vector3(0, 0, 0.5))).toBeLessThan(1e-6);
  expect(at(Math.PI / 2).distanceTo(new Vector3(-0.5, 0, 0))).toBeLessThan(1e-6);
});

test('as many meshes for a thousand robots as for one, and no two in one place', () => {
  const one = new RobotGrid(pendulum, 1);
  const many = new RobotGrid(pendulum, 1000);
  expect(many.group.children.length).toBe(one.group.children.length);
  const places = centres(many, 'BoxGeometry').map(({ x, y }) => `${x.toFixed(2)} ${y.toFixed(2)}`);
  expect(new Set(places).size).toBe(1000);
  const { x, y } = many.originOf(421);
  expect(many.cellAt(x, y)).toBe(421);
  expect(many.cellAt(1e6, 0)).toBe(-1);
});

test('the reach holds the swing, and the floor is under what does not move', () => {
  const shapes = shapesOf(pendulum);
  const reach = reachOf(pendulum, shapes);
  // The weight's outer edge: 0.5 m + its radius of 0.05 m; sampled angles come close to it.
  for (const value of [reach.max[0], -reach.min[0], reach.max[2]]) {
    expect(value).toBeGreaterThan(0.5);
    expect(value).toBeLessThan(0.57);
  }
  expect(floorOf(pendulum, shapes, reach)).toBeCloseTo(-0.6, 9);
});

test('only those not selected fade', () => {
  const grid = new RobotGrid(pendulum, 2);
  // One a robot: instance 1 is that of robot 1.
  const isBox = (child: unknown) => child instanceof InstancedMesh && child.geometry.type === 'BoxGeometry';
  const mesh = grid.group.children.find(isBox) as InstancedMesh;
  const colorOf = (instance: number) => {
    const color = new Color();
    mesh.getColorAt(instance, color);
    return color.getHexString();
  };
  grid.paint(0, new Color('#ffffff'));
  const own = colorOf(0);
  const faded = colorOf(1);
  expect(own).not.toBe(faded);
  grid.paint(1, new Color('#ffffff'));
  expect([colorOf(0), colorOf(1)]).toEqual([faded, own]);
});

test('links with meshes alone become rods from joint to joint', () => {
  const mesh: Shape = {
    origin: { xyz: [0, 0, 0], quat: [0, 0, 0, 1] },
    geometry: { kind: 'mesh', file: 'a.stl', scale: [1, 1, 1] },
    color: null,
  };
  const shapes = shapesOf(chainModel(['a', 'b'], [mesh]));
  const rods = shapes.filter(({ kind }) => kind === 'cylinder');
  expect(rods.map(({ link }) => link)).toEqual([0, 1]);
  // Half way up to the next joint, which is 0.5 m above, and as long.
  expect([...rods[0]!.matrix.slice(8)]).toEqual([0, 0, 0.5, 0.25]);
});

test('no robot is too odd to stand somewhere: one without joints, links or shapes', () => {
  const grid = new RobotGrid(chainModel([]), 3);
  grid.setPoses(new Float32Array(0));
  expect(Number.isFinite(grid.floor)).toBe(true);
  expect(grid.boundsOf().isEmpty()).toBe(false);
});

const box: Shape = {
  origin: { xyz: [0, 0, 0], quat: [0, 0, 0, 1] },
  geometry: { kind: 'box', size: [0.1, 0.1, 0.1] },
  color: null,
};

test('a floating base carries the whole robot through its own world', () => {
  const model = { ...chainModel(['a', 'b'], [box]), base: 'floating' } as const;
  const grid = new RobotGrid(model, 2);
  // The second robot lies on its side: a quarter turn about x carries z to -y.
  const half = Math.SQRT1_2;
  const bases = Float32Array.from([...[0, 0, 0, 0, 0, 0, 1], ...[3, 4, 5, half, 0, 0, half]]);
  // The first joint stands at a right angle: what it carries goes along x.
  grid.setPoses(Float32Array.of(0, 0, Math.PI / 2, 0), bases);
  const world = grid.worldOf(1);
  // Links a of both robots, then their links b, in the order of the instances.
  const [, , a, b] = centres(grid, 'BoxGeometry');
  expect(a!.sub(world).distanceTo(new Vector3(3, 3.5, 5))).toBeLessThan(1e-6);
  expect(b!.sub(world).distanceTo(new Vector3(3.5, 3.5, 5))).toBeLessThan(1e-6);
  expect(grid.originOf(1).sub(world).toArray()).toEqual([3, 4, 5]);
  expect(grid.boundsOf(1).containsPoint(grid.originOf(1))).toBe(true);
  expect(grid.floor).toBe(0);
});

test('a mesh is drawn as the scaled hull of its vertices, once for all links that use it', () => {
  const mesh: Shape = { ...box, geometry: { kind: 'mesh', file: 'cube.stl', scale: [0.001, 0.001, 0.002] } };
  // The corners of a cube and its middle, which is inside the hull.
  const corners = Array.from({ length: 8 }, (_, i) => [i & 1, (i >> 1) & 1, i >> 2].map((bit) => 100 * bit)).flat();
  const meshes = { 'cube.stl': Float32Array.from([...corners, 50, 50, 50]) };
  const model = { ...chainModel(['a', 'b'], [mesh]), meshes };
  expect(missingMeshes(model)).toBe(0);
  expect(missingMeshes({ ...model, meshes: {} })).toBe(2);
  const grid = new RobotGrid(model, 3);
  const hulls = grid.group.children.filter(
    (child): child is InstancedMesh => child instanceof InstancedMesh && child.geometry.type === 'BufferGeometry',
  );
  expect(hulls.map(({ count }) => count)).toEqual([6]);
  // Six faces of two triangles.
  expect(hulls[0]!.geometry.getAttribute('position').count).toBe(36);
  hulls[0]!.geometry.computeBoundingBox();
  const size = hulls[0]!.geometry.boundingBox!.getSize(new Vector3());
  expect(size.distanceTo(new Vector3(0.1, 0.1, 0.2))).toBeLessThan(1e-6);
});

test('vertices in one plane are no body and break nothing', () => {
  const mesh: Shape = { ...box, geometry: { kind: 'mesh', file: 'flat.stl', scale: [1, 1, 1] } };
  const meshes = { 'flat.stl': Float32Array.of(0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 1, 0) };
  const grid = new RobotGrid({ ...chainModel(['a'], [mesh]), meshes }, 1);
  expect(Number.isFinite(grid.boundsOf().max.z)).toBe(true);
});

test("robots in the ground of another one's scene are not drawn", () => {
  const grid = new RobotGrid({ ...chainModel(['a'], [box]), base: 'floating' }, 2);
  const wide = Math.abs(grid.worldOf(1).x - grid.worldOf(0).x) + 1;
  grid.clear(0, { min: [-wide, -1], max: [wide, 1] });
  grid.setPoses(new Float32Array(2));
  const mesh = grid.group.children[0] as InstancedMesh;
  const size = (instance: number) => {
    const matrix = new Matrix4();
    mesh.getMatrixAt(instance, matrix);
    return matrix.getMaxScaleOnAxis();
  };
  expect(mesh.count % 2).toBe(0);
  expect(size(0)).toBeGreaterThan(0);
  expect(size(mesh.count / 2)).toBe(0);
  grid.clear(0, null);
  grid.setPoses(new Float32Array(2));
  expect(size(mesh.count / 2)).toBeGreaterThan(0);
});
