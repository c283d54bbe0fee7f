/**
 * What is drawn of a robot: its URDF's boxes, cylinders and spheres, and the convex hulls of its meshes; for a link that has
 * none (a mesh was not found) a rod to each joint it carries. Every shape is one of three unit bodies or a hull under an
 * affine map, so that one draw call draws all of a kind. Knows no renderer.
 */

import { forwardKinematics } from '../../core/kinematics.ts';
import { keyOf, RandomStream } from '../../core/rng.ts';
import type { Geometry, Pose, RobotModel, Shape, Vec3 } from '../../core/robot-model.ts';
import { quatRotate } from '../../core/rotation.ts';
import type { UnitBody } from './solid-geometry.ts';

export interface DrawnShape {
  readonly link: number;
  /** A unit body of solid-geometry.ts, or the hull of `vertices`. */
  readonly kind: UnitBody | 'hull';
  /** Of a hull, m, [n * 3]; the same array wherever the same mesh is used. */
  readonly vertices: Float32Array | null;
  /** From the body to the link's frame: three rows of four. */
  readonly matrix: Float64Array;
  /** Linear r, g, b in [0, 1]; null for the page to choose. */
  readonly color: readonly [number, number, number] | null;
}

/** An axis-aligned box in the base frame, m. */
export interface Extent {
  readonly min: Vec3;
  readonly max: Vec3;
}

export function shapesOf(model: RobotModel): DrawnShape[] {
  const hulls = new Hulls(model);
  return model.links.flatMap((link, index) => {
    const visuals = link.visuals.map((shape) => drawn(shape, index, hulls)).filter((shape) => shape !== null);
    if (visuals.length > 0) return visuals;
    const collisions = link.collisions.map((shape) => drawn(shape, index, hulls)).filter((shape) => shape !== null);
    return collisions.length > 0 ? collisions : bonesOf(model, index);
  });
}

/** How many meshes the page leaves out, to be told. */
export function missingMeshes(model: RobotModel): number {
  const hulls = new Hulls(model);
  const visuals = model.links.flatMap((link) => link.visuals);
  return visuals.filter(({ geometry }) => geometry.kind === 'mesh' && hulls.of(geometry) === null).length;
}

/** Fewest vertices that span a volume. */
const LEAST_VERTICES = 4;

/** The scaled vertices of a robot's meshes, one array for each mesh and scale. */
class Hulls {
  readonly #meshes: RobotModel['meshes'];
  readonly #scaled = new Map<string, Float32Array>();

  constructor({ meshes }: RobotModel) {
    this.#meshes = meshes;
  }

  /** null for a mesh that was not found. */
  of({ file, scale }: Extract<Geometry, { kind: 'mesh' }>): Float32Array | null {
    const vertices = Object.hasOwn(this.#meshes, file) ? this.#meshes[file] : undefined;
    if (vertices === undefined || vertices.length < 3 * LEAST_VERTICES) return null;
    const key = `${scale.join(' ')} ${file}`;
    const scaled = this.#scaled.get(key) ?? vertices.map((value, i) => value * scale[i % 3]!);
    this.#scaled.set(key, scaled);
    return scaled;
  }
}

function drawn(shape: Shape, link: number, hulls: Hulls): DrawnShape | null {
  const { geometry, origin } = shape;
  const color = shape.color === null ? null : ([shape.color[0], shape.color[1], shape.color[2]] as const);
  switch (geometry.kind) {
    case 'box':
      return { link, kind: 'box', vertices: null, matrix: affine(origin, geometry.size), color };
    case 'cylinder':
      return {
        link,
        kind: 'cylinder',
        vertices: null,
        matrix: affine(origin, [geometry.radius, geometry.radius, geometry.length]),
        color,
      };
    case 'sphere':
      return {
        link,
        kind: 'sphere',
        vertices: null,
        matrix: affine(origin, [geometry.radius, geometry.radius, geometry.radius]),
        color,
      };
    case 'mesh': {
      const vertices = hulls.of(geometry);
      return vertices === null ? null : { link, kind: 'hull', vertices, matrix: affine(origin, [1, 1, 1]), color };
    }
    default:
      return geometry satisfies never;
  }
}

/** Rods from the link's frame to the joints it carries, and a ball in its own. */
function bonesOf(model: RobotModel, link: number): DrawnShape[] {
  const carried = model.joints.filter((joint) => joint.parent === link);
  const lengths = carried.map((joint) => lengthOf(joint.origin.xyz)).filter((length) => length > 1e-3);
  const radius = 0.06 * Math.max(0.05, ...lengths.map((length) => Math.min(length, 1)));
  const upright: Pose = { xyz: [0, 0, 0], quat: [0, 0, 0, 1] };
  const bones: DrawnShape[] = [
    {
      link,
      kind: 'sphere',
      vertices: null,
      matrix: affine(upright, [1.5 * radius, 1.5 * radius, 1.5 * radius]),
      color: null,
    },
  ];
  for (const { origin } of carried) {
    const length = lengthOf(origin.xyz);
    if (length <= 1e-3) continue;
    const [x, y, z] = origin.xyz;
    const middle: Vec3 = [x / 2, y / 2, z / 2];
    const quat = fromZ([x / length, y / length, z / length]);
    bones.push({
      link,
      kind: 'cylinder',
      vertices: null,
      matrix: affine({ xyz: middle, quat }, [radius, radius, length]),
      color: null,
    });
  }
  return bones;
}

function lengthOf([x, y, z]: Vec3): number {
  return Math.sqrt(x * x + y * y + z * z);
}

/** The rotation that carries z to the unit vector d: (z x d, 1 + z d), normalised. */
function fromZ([x, y, z]: Vec3): [number, number, number, number] {
  if (z < -1 + 1e-9) return [1, 0, 0, 0];
  const s = Math.sqrt(2 * (1 + z));
  return [-y / s, x / s, 0, s / 2];
}

/** R diag(size) | xyz */
function affine({ xyz, quat }: Pose, size: Vec3): Float64Array {
  const matrix = new Float64Array(12);
  const column: [number, number, number] = [0, 0, 0];
  for (let k = 0; k < 3; k++) {
    quatRotate(quat, [k === 0 ? size[0] : 0, k === 1 ? size[1] : 0, k === 2 ? size[2] : 0], column);
    for (let row = 0; row < 3; row++) matrix[row * 4 + k] = column[row]!;
  }
  for (let row = 0; row < 3; row++) matrix[row * 4 + 3] = xyz[row]!;
  return matrix;
}

/** Joint states sampled to find how far a robot reaches. */
const SAMPLES = 64;

/** The space a robot can take up, from sampled joint states within its limits. */
export function reachOf(model: RobotModel, shapes: readonly DrawnShape[]): Extent {
  const random = new RandomStream(keyOf(1));
  const poses = new Float64Array(model.links.length * 7);
  const q = new Float64Array(model.dof.length);
  const min: [number, number, number] = [-0.05, -0.05, 0];
  const max: [number, number, number] = [0.05, 0.05, 0.05];
  for (let sample = 0; sample < SAMPLES; sample++) {
    for (const [j, joint] of model.dof.entries()) {
      const { lower, upper } = model.joints[joint]!;
      const isBounded = Number.isFinite(lower) && Number.isFinite(upper);
      q[j] = sample === 0 ? 0 : isBounded ? random.between(lower, upper) : random.between(-Math.PI, Math.PI);
    }
    forwardKinematics(model, q, poses);
    for (const shape of shapes) grow(min, max, poses, shape);
  }
  return { min, max };
}

/** The underside of a robot at rest in its zero pose, in the base frame, m. */
export function lowestOf(model: RobotModel, shapes: readonly DrawnShape[]): number {
  const min: [number, number, number] = [0, 0, 0];
  const poses = new Float64Array(model.links.length * 7);
  forwardKinematics(model, new Float64Array(model.dof.length), poses);
  for (const shape of shapes) grow(min, [0, 0, 0], poses, shape);
  return min[2];
}

/** The height of the floor: the underside of what does not move. */
export function floorOf(model: RobotModel, shapes: readonly DrawnShape[], reach: Extent): number {
  const carried = new Set(model.joints.filter((joint) => joint.type !== 'fixed').map((joint) => joint.child));
  for (const { type, parent, child } of model.joints) if (type === 'fixed' && carried.has(parent)) carried.add(child);
  const min: [number, number, number] = [0, 0, Infinity];
  const poses = new Float64Array(model.links.length * 7);
  forwardKinematics(model, new Float64Array(model.dof.length), poses);
  for (const shape of shapes) if (!carried.has(shape.link)) grow(min, [0, 0, 0], poses, shape);
  return Number.isFinite(min[2]) ? min[2] : reach.min[2];
}

const _centre: [number, number, number] = [0, 0, 0];
const _axis: [number, number, number] = [0, 0, 0];

/** Widen the extent by the shape's box. */
function grow(min: number[], max: number[], poses: Float64Array, shape: DrawnShape): void {
  const { link, kind, matrix, vertices } = shape;
  const rotation = poses.subarray(link * 7 + 3, link * 7 + 7);
  for (let v = 0; vertices !== null && v < vertices.length; v += 3) {
    for (let row = 0; row < 3; row++) {
      const m = 4 * row;
      _axis[row] =
        matrix[m]! * vertices[v]! +
        matrix[m + 1]! * vertices[v + 1]! +
        matrix[m + 2]! * vertices[v + 2]! +
        matrix[m + 3]!;
    }
    quatRotate(rotation, _axis, _centre);
    for (let row = 0; row < 3; row++) {
      const at = poses[link * 7 + row]! + _centre[row]!;
      min[row] = Math.min(min[row]!, at);
      max[row] = Math.max(max[row]!, at);
    }
  }
  if (vertices !== null) return;
  quatRotate(rotation, [matrix[3]!, matrix[7]!, matrix[11]!], _centre);
  const half: [number, number, number] = [0, 0, 0];
  for (let k = 0; k < 3; k++) {
    quatRotate(rotation, [matrix[k]!, matrix[4 + k]!, matrix[8 + k]!], _axis);
    // The unit box and the cylinder's length reach half a unit from the centre, radii a whole one.
    const reach = kind === 'box' || (kind === 'cylinder' && k === 2) ? 0.5 : 1;
    for (let row = 0; row < 3; row++) half[row] = half[row]! + reach * Math.abs(_axis[row]!);
  }
  for (let row = 0; row < 3; row++) {
    const at = poses[link * 7 + row]! + _centre[row]!;
    min[row] = Math.min(min[row]!, at - half[row]!);
    max[row] = Math.max(max[row]!, at + half[row]!);
  }
}
