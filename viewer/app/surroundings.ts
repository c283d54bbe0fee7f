/**
 * Draws what surrounds a robot: terrain, what stands still, and objects that move. Everything is in the frame of the
 * robot's own world. One instanced mesh per kind of body. Knows no robot.
 */

import {
  Box2,
  type BufferGeometry,
  type Color,
  Group,
  InstancedMesh,
  Matrix4,
  MeshStandardMaterial,
  Quaternion,
  Vector2,
  Vector3,
} from 'three';
import { POSE_SIZE } from '../../core/frame-ring.ts';
import type { SceneSolid, ShownScene, SolidGeometry } from '../scene-message.ts';
import type { Footprint } from './robot-grid.ts';
import { unitBodies, unitGeometry } from './solid-geometry.ts';
import { makeTerrain, type Terrain } from './terrain.ts';

export interface SceneColors {
  readonly ground: Color;
  readonly line: Color;
  readonly solid: Color;
  readonly object: Color;
}

/** A body that is drawn: instance `at` of a mesh. */
interface Placed {
  readonly mesh: InstancedMesh;
  readonly at: number;
  readonly size: Vector3;
  readonly solid: SceneSolid;
}

export class Surroundings {
  readonly group = new Group();
  readonly #geometries = new Map<string, BufferGeometry>(unitBodies.map((kind) => [kind, unitGeometry(kind)]));
  readonly #material = new MeshStandardMaterial({ roughness: 0.85, metalness: 0 });
  #terrain: Terrain | null = null;
  #meshes: InstancedMesh[] = [];
  #statics: readonly Placed[] = [];
  #objects: readonly Placed[] = [];
  #colors: SceneColors | null = null;
  /** What is drawn. */
  scene: ShownScene | null = null;

  /** Draw another scene; null for none. */
  show(scene: ShownScene | null): void {
    this.#clear();
    this.scene = scene;
    if (scene === null) return;
    if (typeof scene.ground !== 'string') {
      this.#terrain = makeTerrain(scene.ground);
      this.group.add(this.#terrain.mesh);
    }
    const solids = [...scene.statics, ...scene.objects];
    const placed = new Map<SceneSolid, Placed>();
    for (const [kind, geometry] of this.#geometries) {
      const ofKind = solids.filter((solid) => solid.geometry.kind === kind);
      if (ofKind.length === 0) continue;
      const mesh = new InstancedMesh(geometry, this.#material, ofKind.length);
      mesh.frustumCulled = false;
      mesh.castShadow = true;
      mesh.receiveShadow = true;
      this.group.add(mesh);
      this.#meshes.push(mesh);
      for (const [at, solid] of ofKind.entries()) placed.set(solid, { mesh, at, size: sizeOf(solid.geometry), solid });
    }
    const found = (list: readonly SceneSolid[]) =>
      list.map((solid) => placed.get(solid)).filter((body) => body !== undefined);
    this.#statics = found(scene.statics);
    this.#objects = found(scene.objects);
    for (const body of [...this.#statics, ...this.#objects]) place(body, startOf(body.solid), 0);
    if (this.#colors !== null) this.paint(this.#colors);
  }

  /** @param poses [nObjects, 7]; objects whose pose is not known stay where they are */
  placeObjects(poses: ArrayLike<number>): void {
    for (const [o, body] of this.#objects.entries()) {
      if (Number.isFinite(poses[o * POSE_SIZE] ?? Number.NaN)) place(body, poses, o * POSE_SIZE);
    }
  }

  paint(colors: SceneColors): void {
    this.#colors = colors;
    this.#terrain?.paint(colors.ground, colors.line);
    for (const { mesh, at } of this.#statics) mesh.setColorAt(at, colors.solid);
    for (const { mesh, at } of this.#objects) mesh.setColorAt(at, colors.object);
    for (const { instanceColor } of this.#meshes) if (instanceColor !== null) instanceColor.needsUpdate = true;
  }

  /** The ground that the terrain and what stands on it take up; null when there is nothing but a plane. */
  get footprint(): Footprint | null {
    const scene = this.scene;
    if (scene === null) return null;
    const box = new Box2();
    if (typeof scene.ground !== 'string') {
      const [x, y] = scene.ground.size;
      box.expandByPoint(new Vector2(x / 2, y / 2)).expandByPoint(new Vector2(-x / 2, -y / 2));
    }
    for (const { geometry, pose } of [...scene.statics, ...scene.objects]) {
      const half = sizeOf(geometry).length() * (geometry.kind === 'box' ? 0.5 : 1);
      box.expandByPoint(new Vector2(pose.xyz[0] - half, pose.xyz[1] - half));
      box.expandByPoint(new Vector2(pose.xyz[0] + half, pose.xyz[1] + half));
    }
    return box.isEmpty() ? null : { min: [box.min.x, box.min.y], max: [box.max.x, box.max.y] };
  }

  /** Whether the ground is uneven: a flat floor would cut through it. */
  get hasTerrain(): boolean {
    return this.#terrain !== null;
  }

  #clear(): void {
    this.group.clear();
    for (const mesh of this.#meshes) mesh.dispose();
    this.#terrain?.dispose();
    this.#terrain = null;
    this.#meshes = [];
    this.#statics = [];
    this.#objects = [];
  }
}

/** By how much its unit body is stretched, m. */
function sizeOf(geometry: SolidGeometry): Vector3 {
  switch (geometry.kind) {
    case 'box':
      return new Vector3(...geometry.size);
    case 'cylinder':
      return new Vector3(geometry.radius, geometry.radius, geometry.length);
    case 'sphere':
      return new Vector3(geometry.radius, geometry.radius, geometry.radius);
    default:
      return geometry satisfies never;
  }
}

function startOf({ pose }: SceneSolid): number[] {
  return [...pose.xyz, ...pose.quat];
}

const _matrix = new Matrix4();
const _position = new Vector3();
const _rotation = new Quaternion();

function place({ mesh, at, size }: Placed, pose: ArrayLike<number>, from: number): void {
  _position.set(pose[from]!, pose[from + 1]!, pose[from + 2]!);
  _rotation.set(pose[from + 3]!, pose[from + 4]!, pose[from + 5]!, pose[from + 6]!);
  mesh.setMatrixAt(at, _matrix.compose(_position, _rotation, size));
  mesh.instanceMatrix.needsUpdate = true;
}
