/**
 * Draws one robot many times: every environment's world has its own cell of a grid, which a robot that moves may leave. One
 * instanced mesh per kind of shape, so the number of draw calls does not depend on the number of environments. Knows no
 * camera.
 */

import {
  Box3,
  type BufferGeometry,
  Color,
  DynamicDrawUsage,
  Group,
  InstancedMesh,
  type Intersection,
  MeshStandardMaterial,
  Vector3,
} from 'three';
import { POSE_SIZE } from '../../core/frame-ring.ts';
import { forwardKinematics } from '../../core/kinematics.ts';
import type { RobotModel } from '../../core/robot-model.ts';
import { basesAt, carry } from './base-pose.ts';
import { type DrawnShape, type Extent, floorOf, lowestOf, reachOf, shapesOf } from './robot-shapes.ts';
import { hullGeometry, unitGeometry } from './solid-geometry.ts';

/** Free space between neighbours, as a share of a robot's reach. */
const GAP = 0.25;
/** The same between robots that move. */
const FLOATING_GAP = 1.5;
/** A cell's depth is at least this share of its width: rows stand behind one another and must not hide each other. */
const MIN_DEPTH = 0.8;
/** So many stand in one row. */
export const MAX_SINGLE_ROW = 4;
/** Radius of the ring around the selected robot, as a share of its cell. */
const RING = 0.4;
/** The same, of a robot that moves: its cell is wide. */
const FLOATING_RING = 0.24;
/** How far the robots that are not selected fade into the background. */
const FADE = 0.45;
/** Colour of shapes whose URDF names none. */
const PLAIN = [0.72, 0.74, 0.78] as const;

/** A rectangle of the ground in an environment's own world, m. */
export interface Footprint {
  readonly min: readonly [x: number, y: number];
  readonly max: readonly [x: number, y: number];
}

interface Batch {
  readonly mesh: InstancedMesh;
  /** Of one robot; instance = env * shapes.length + index. */
  readonly shapes: readonly DrawnShape[];
}

export class RobotGrid {
  readonly group = new Group();
  readonly numEnvs: number;
  readonly reach: Extent;
  /** Height of the ground under the robots, m. */
  readonly floor: number;
  /** Of the base of robots that move when nobody has said where it is, [numEnvs, 7]. */
  readonly restBases: Float32Array;
  /** Size of a cell, m. */
  readonly cell: readonly [number, number];
  readonly #model: RobotModel;
  readonly #batches: readonly Batch[];
  readonly #offsets: Float64Array;
  readonly #links: Float64Array;
  /** In each environment's own world, [numEnvs, 7]. */
  readonly #bases: Float32Array;
  #alone: { readonly env: number; readonly footprint: Footprint } | null = null;
  readonly #material = new MeshStandardMaterial({ roughness: 0.5, metalness: 0.1 });

  constructor(model: RobotModel, numEnvs: number) {
    this.#model = model;
    this.numEnvs = numEnvs;
    const shapes = shapesOf(model);
    this.reach = reachOf(model, shapes);
    const isFloating = model.base === 'floating';
    // A robot that moves stands on the ground of its world.
    this.floor = isFloating ? 0 : floorOf(model, shapes, this.reach);
    this.restBases = basesAt(isFloating ? -lowestOf(model, shapes) : 0, numEnvs);
    this.#bases = this.restBases.slice();
    const { min, max } = this.reach;
    const gap = (isFloating ? FLOATING_GAP : GAP) * Math.max(max[0] - min[0], max[1] - min[1]);
    const width = max[0] - min[0] + gap;
    this.cell = [width, Math.max(max[1] - min[1] + gap, MIN_DEPTH * width)];
    this.#offsets = gridOffsets(numEnvs, this.cell);
    this.#links = new Float64Array(model.links.length * 7);
    this.#batches = grouped(shapes).flatMap((ofKind) => {
      const geometry = geometryOf(ofKind[0]!);
      if (geometry === null) return [];
      const mesh = new InstancedMesh(geometry, this.#material, ofKind.length * numEnvs);
      mesh.instanceMatrix.setUsage(DynamicDrawUsage);
      // The instances leave the unit body's bounds.
      mesh.frustumCulled = false;
      mesh.castShadow = true;
      mesh.receiveShadow = true;
      this.group.add(mesh);
      return [{ mesh, shapes: ofKind }];
    });
    this.setPoses(new Float32Array(numEnvs * model.dof.length), this.restBases);
  }

  /** Radius of a ring that goes around one robot and keeps clear of its neighbours, m. */
  get ringRadius(): number {
    return (this.#model.base === 'floating' ? FLOATING_RING : RING) * Math.min(...this.cell);
  }

  /** Where an environment's base frame is. */
  originOf(env: number, into = new Vector3()): Vector3 {
    return this.worldOf(env, into).add(new Vector3().fromArray(this.#bases, env * POSE_SIZE));
  }

  /** Where the origin of an environment's world is. */
  worldOf(env: number, into = new Vector3()): Vector3 {
    return into.set(this.#offsets[2 * env] ?? 0, this.#offsets[2 * env + 1] ?? 0, 0);
  }

  /** Let no other robot stand in the ground that one environment's scene takes up. */
  clear(env: number, footprint: Footprint | null): void {
    this.#alone = footprint === null ? null : { env, footprint };
  }

  /** The environment whose robot's cell holds this point of the floor; -1 for none. */
  cellAt(x: number, y: number): number {
    const middle = [(this.reach.min[0] + this.reach.max[0]) / 2, (this.reach.min[1] + this.reach.max[1]) / 2] as const;
    for (let env = 0; env < this.numEnvs; env++) {
      const dx = x - this.#offsets[2 * env]! - this.#bases[env * POSE_SIZE]! - middle[0];
      const dy = y - this.#offsets[2 * env + 1]! - this.#bases[env * POSE_SIZE + 1]! - middle[1];
      if (Math.abs(dx) <= this.cell[0] / 2 && Math.abs(dy) <= this.cell[1] / 2) return env;
    }
    return -1;
  }

  /** @param q rad or m, [numEnvs, nJoints] @param bases in each environment's own world, [numEnvs, 7] */
  setPoses(q: Float32Array, bases: Float32Array = this.#bases): void {
    this.#bases.set(bases);
    const nJoints = this.#model.dof.length;
    for (let env = 0; env < this.numEnvs; env++) {
      forwardKinematics(this.#model, q, this.#links, env * nJoints);
      if (this.#model.base === 'floating') carry(this.#bases, env * POSE_SIZE, this.#links);
      const isHidden = this.#isInTheWay(env);
      const x = this.#offsets[2 * env]!;
      const y = this.#offsets[2 * env + 1]!;
      for (const { mesh, shapes } of this.#batches) {
        const array = mesh.instanceMatrix.array as Float32Array;
        for (let s = 0; s < shapes.length; s++) {
          const at = (env * shapes.length + s) * 16;
          if (isHidden) array.fill(0, at, at + 15);
          else placeShape(this.#links, shapes[s]!, x, y, array, at);
        }
      }
    }
    for (const { mesh } of this.#batches) {
      mesh.instanceMatrix.needsUpdate = true;
      mesh.boundingSphere = null;
    }
  }

  #isInTheWay(env: number): boolean {
    const alone = this.#alone;
    if (alone === null || alone.env === env) return false;
    const at = (axis: 0 | 1) =>
      this.#offsets[2 * env + axis]! + this.#bases[env * POSE_SIZE + axis]! - this.#offsets[2 * alone.env + axis]!;
    const { min, max } = alone.footprint;
    return at(0) >= min[0] && at(0) <= max[0] && at(1) >= min[1] && at(1) <= max[1];
  }

  /** Colour every robot; when there are several, those not selected fade. @param background to fade into */
  paint(selected: number, background: Color): void {
    const color = new Color();
    for (const { mesh, shapes } of this.#batches) {
      for (let env = 0; env < this.numEnvs; env++) {
        for (const [s, shape] of shapes.entries()) {
          color.setRGB(...(shape.color ?? PLAIN), 'srgb');
          if (env !== selected) color.lerp(background, FADE);
          mesh.setColorAt(env * shapes.length + s, color);
        }
      }
      if (mesh.instanceColor !== null) mesh.instanceColor.needsUpdate = true;
    }
  }

  /** The environment that a ray hit. */
  envOf({ object, instanceId }: Intersection): number {
    const batch = this.#batches.find(({ mesh }) => mesh === object);
    return batch === undefined || instanceId === undefined ? -1 : Math.floor(instanceId / batch.shapes.length);
  }

  /** The box that one environment can take up, ring included; of all of them without `env`. */
  boundsOf(env?: number): Box3 {
    const { min, max } = this.reach;
    const ring = this.numEnvs > 1 ? this.ringRadius : 0;
    const middle = (min[1] + max[1]) / 2;
    // Down to the floor, where the robot stands on it; a robot that moves may be high above it.
    const low = new Vector3(Infinity, Infinity, this.#model.base === 'floating' ? Infinity : this.floor);
    const high = new Vector3(-Infinity, -Infinity, -Infinity);
    for (let e = 0; e < this.numEnvs; e++) {
      if (env !== undefined && e !== env) continue;
      const { x, y, z } = this.originOf(e);
      low.x = Math.min(low.x, x + min[0]);
      low.y = Math.min(low.y, y + Math.min(min[1], middle - ring));
      low.z = Math.min(low.z, z + min[2]);
      high.x = Math.max(high.x, x + max[0]);
      high.y = Math.max(high.y, y + Math.max(max[1], middle + ring));
      high.z = Math.max(high.z, z + max[2]);
    }
    return new Box3(low, high);
  }

  dispose(): void {
    for (const { mesh } of this.#batches) {
      mesh.geometry.dispose();
      mesh.dispose();
    }
    this.#material.dispose();
  }
}

/** Shapes that are drawn from the same geometry. */
function grouped(shapes: readonly DrawnShape[]): DrawnShape[][] {
  const groups = new Map<unknown, DrawnShape[]>();
  for (const shape of shapes) {
    const key = shape.vertices ?? shape.kind;
    groups.set(key, [...(groups.get(key) ?? []), shape]);
  }
  return [...groups.values()];
}

function geometryOf({ kind, vertices }: DrawnShape): BufferGeometry | null {
  return kind === 'hull' ? hullGeometry(vertices!) : unitGeometry(kind);
}

/** Rows from front (-y) to back, each from left to right. @returns x, y of each cell */
function gridOffsets(numEnvs: number, [width, depth]: readonly [number, number]): Float64Array {
  const columns = numEnvs <= MAX_SINGLE_ROW ? numEnvs : Math.ceil(Math.sqrt(numEnvs));
  const rows = Math.ceil(numEnvs / columns);
  const offsets = new Float64Array(numEnvs * 2);
  for (let env = 0; env < numEnvs; env++) {
    offsets[2 * env] = ((env % columns) - (columns - 1) / 2) * width;
    offsets[2 * env + 1] = (Math.floor(env / columns) - (rows - 1) / 2) * depth;
  }
  return offsets;
}

/** The instance's matrix: (link pose + offset) * shape, column by column. */
function placeShape(
  links: Float64Array,
  { link, matrix }: DrawnShape,
  offsetX: number,
  offsetY: number,
  out: Float32Array,
  at: number,
): void {
  const p = link * 7;
  const x = links[p + 3]!;
  const y = links[p + 4]!;
  const z = links[p + 5]!;
  const w = links[p + 6]!;
  const r00 = 1 - 2 * (y * y + z * z);
  const r01 = 2 * (x * y - z * w);
  const r02 = 2 * (x * z + y * w);
  const r10 = 2 * (x * y + z * w);
  const r11 = 1 - 2 * (x * x + z * z);
  const r12 = 2 * (y * z - x * w);
  const r20 = 2 * (x * z - y * w);
  const r21 = 2 * (y * z + x * w);
  const r22 = 1 - 2 * (x * x + y * y);
  for (let k = 0; k < 4; k++) {
    const a = matrix[k]!;
    const b = matrix[4 + k]!;
    const c = matrix[8 + k]!;
    out[at + 4 * k] = r00 * a + r01 * b + r02 * c;
    out[at + 4 * k + 1] = r10 * a + r11 * b + r12 * c;
    out[at + 4 * k + 2] = r20 * a + r21 * b + r22 * c;
    out[at + 4 * k + 3] = 0;
  }
  out[at + 12] = out[at + 12]! + links[p]! + offsetX;
  out[at + 13] = out[at + 13]! + links[p + 1]! + offsetY;
  out[at + 14] = out[at + 14]! + links[p + 2]!;
  out[at + 15] = 1;
}
