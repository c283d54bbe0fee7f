/** A URDF with its meshes from a real folder: every kind of reference, and meshes that are missing or broken. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { findMesh, loadUrdf } from '../../loop/robot-files.ts';

const OBJ = 'v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\n';
let root = '';

function write(path: string, text: string): string {
  const full = join(root, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, text);
  return full;
}

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'landfall-robot-files-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

it('finds references as ROS does', () => {
  const urdf = write('ws/src/my_robot/urdf/r.urdf', '');
  const beside = write('ws/src/my_robot/meshes/a.obj', OBJ);
  const other = write('ws/src/other/meshes/b.obj', OBJ);
  write('ws/src/checkout-of-third/package.xml', '<package><name> third </name></package>');
  const third = write('ws/src/checkout-of-third/c.obj', OBJ);
  expect(findMesh(urdf, 'package://my_robot/meshes/a.obj')).toBe(beside);
  expect(findMesh(urdf, 'package://other/meshes/b.obj')).toBe(other);
  expect(findMesh(urdf, '../meshes/a.obj')).toBe(beside);
  expect(findMesh(urdf, `file://${beside}`)).toBe(beside);
  expect(findMesh(urdf, 'file://../meshes/a.obj')).toBe(beside);
  // a renamed package, as exporters leave them
  expect(findMesh(urdf, 'package://Old_Name/meshes/a.obj')).toBe(beside);
  expect(findMesh(urdf, 'package://third/c.obj')).toBeUndefined();
  expect(findMesh(urdf, 'package://third/c.obj', [join(root, 'ws/src/checkout-of-third')])).toBe(third);
  expect(findMesh(urdf, 'package://other/meshes/b.obj', [join(root, 'ws/src')])).toBe(other);
  expect(findMesh(urdf, 'package://my_robot')).toBeUndefined();
  expect(findMesh(urdf, '../meshes')).toBeUndefined();
});

it('a package is known by its package.xml, whatever its folder is called', async () => {
  write('clone/package.xml', '<package format="2"><name>arm_description</name></package>');
  const mesh = write('clone/meshes/deep/a.obj', OBJ);
  const urdf = write('clone/robots/urdf/r.urdf', '');
  expect(findMesh(urdf, 'package://arm_description/meshes/deep/a.obj')).toBe(mesh);
});

it('loads what can be read, and says of the rest which link goes without and why', async () => {
  const shape = (file: string) => `<collision><geometry><mesh filename="${file}"/></geometry></collision>`;
  const files = ['good.obj', 'flat.obj', 'broken.stl', 'strange.ply', 'missing.dae'];
  write('mixed/good.obj', OBJ);
  write('mixed/flat.obj', 'v 0 0 0\nv 1 0 0\nv 0 1 0\nv 1 1 0\n');
  write('mixed/broken.stl', 'solid nothing');
  write('mixed/strange.ply', 'ply');
  const urdf = write('mixed/r.urdf', `<robot name="r"><link name="a">${files.map(shape).join('')}</link></robot>`);
  const model = await loadUrdf(urdf, { packagePath: [] });
  expect(Object.keys(model.meshes)).toEqual(['good.obj']);
  expect([...model.meshes['good.obj']!]).toEqual([0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1]);
  expect(model.notes).toEqual([
    expect.stringMatching(/^link a <collision>: mesh flat.obj is flat and encloses nothing; the link goes without/),
    expect.stringMatching(/^link a <collision>: mesh broken.stl cannot be read \(an STL file/),
    expect.stringMatching(/^link a <collision>: mesh strange.ply cannot be read \(.*found .ply\)/),
    expect.stringMatching(/^link a <collision>: mesh missing.dae was not found/),
  ]);
  await expect(loadUrdf(urdf, { base: 'floating', where: 'mine' })).rejects.toThrow(/^mine: link a: a base/);
});

it('refuses a path that is no file', async () => {
  await expect(loadUrdf(join(root, 'nowhere.urdf'))).rejects.toThrow(InputError);
});
