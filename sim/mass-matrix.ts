/**
 * The joint-space mass matrix of a tree of bodies, M(q) = sum_b J_b^T I_b J_b, by composite bodies (Featherstone, "Rigid body
 * dynamics algorithms", 2008), and what inertia each joint feels while the others are free, 1 / (M^-1)_jj. Knows no engine.
 */

import { sinCosEach } from '../core/math.ts';
import type { RobotState } from '../core/robot.ts';
import type { RobotModel } from '../core/robot-model.ts';
import { rotateAt } from '../core/rotation.ts';
import type { RobotRig } from './joint-rig.ts';
import type { MassProperties } from './mass-properties.ts';

/** Of a body or several: mass, mass times centre, inertia about the world's origin (xx, yy, zz, xy, xz, yz). */
const INERTIA = 10;
/** Velocity of the point at the world's origin, and angular velocity, that a unit rate of a coordinate makes. */
const MOTION = 6;

export class MassMatrix {
  /** Coordinates: of a floating base velocity and angular velocity along the world's axes, then the rig's joints. */
  readonly size: number;
  /** Row by row, as `look` last left it, [size * size]. */
  readonly matrix: Float64Array;
  readonly #rig: RobotRig;
  readonly #free: number;
  /** For each body the coordinate that moves it, the first of six for a floating base, -1 for a fixed one. */
  readonly #coordinate: Int32Array;
  /** The coordinate of each moving joint, [nJoints]; -1 for one that does not turn in the engine. */
  readonly #coordinateOf: Int32Array;
  readonly #kept: Uint8Array;
  readonly #origins: Float64Array;
  readonly #rotations: Float64Array;
  readonly #bodies: Float64Array;
  readonly #motions: Float64Array;
  /** Added to the diagonal, kg m2, [rig.joints]. */
  readonly #armature: Float64Array;
  readonly #a = new Float64Array(3);
  readonly #b = new Float64Array(3);
  readonly #turn = new Float64Array(4);
  /** Half of each hinge's angle, [rig.joints]. */
  readonly #halves: Float64Array;
  readonly #sines: Float64Array;
  readonly #cosines: Float64Array;
  #masses: readonly MassProperties[] = [];

  constructor(rig: RobotRig, base: RobotModel['base']) {
    this.#rig = rig;
    this.#free = base === 'floating' ? 6 : 0;
    this.size = this.#free + rig.joints.length;
    this.matrix = new Float64Array(this.size ** 2);
    this.#coordinate = new Int32Array(rig.bodies.length).fill(-1);
    if (this.#free > 0) this.#coordinate[0] = 0;
    for (const [i, { child }] of rig.joints.entries()) this.#coordinate[child] = this.#free + i;
    this.#coordinateOf = new Int32Array(rig.joints.length + rig.still.length).fill(-1);
    for (const [i, { dof, mimic }] of rig.joints.entries())
      if (mimic === null) this.#coordinateOf[dof] = this.#free + i;
    this.#kept = new Uint8Array(this.size);
    this.#origins = new Float64Array(3 * rig.bodies.length);
    this.#rotations = new Float64Array(4 * rig.bodies.length);
    this.#rotations[3] = 1;
    this.#bodies = new Float64Array(INERTIA * rig.bodies.length);
    this.#motions = new Float64Array(MOTION * this.size);
    this.#armature = new Float64Array(rig.joints.length);
    this.#halves = new Float64Array(rig.joints.length);
    this.#sines = new Float64Array(rig.joints.length);
    this.#cosines = new Float64Array(rig.joints.length);
  }

  /**
   * @param masses of the rig's bodies
   * @param armature of the moving joints, where the masses do not include it, kg m2, [nJoints]
   */
  weigh(masses: readonly MassProperties[], armature?: ArrayLike<number>): void {
    this.#masses = masses;
    for (const [i, { dof, mimic }] of this.#rig.joints.entries())
      this.#armature[i] = mimic === null ? (armature?.[dof] ?? 0) : 0;
  }

  /** Write M of a state to `matrix`. Allocates nothing. */
  look({ q, base }: Pick<RobotState, 'q' | 'base'>): void {
    this.#place(q, base);
    for (let b = 0; b < this.#masses.length; b++) this.#gather(b);
    const { matrix, size } = this;
    const { joints } = this.#rig;
    matrix.fill(0);
    // Children before parents: each hands all that it carries down.
    for (let b = this.#coordinate.length - 1; b >= 0; b--) {
      const at = this.#coordinate[b]!;
      if (at < 0) continue;
      if (at < this.#free) {
        for (let k = 0; k < 6; k++) this.#row(b, k);
        continue;
      }
      this.#row(b, at);
      const i = at - this.#free;
      matrix[at * size + at] = matrix[at * size + at]! + this.#armature[i]!;
      const to = INERTIA * joints[i]!.parent;
      for (let k = 0; k < INERTIA; k++) this.#bodies[to + k] = this.#bodies[to + k]! + this.#bodies[INERTIA * b + k]!;
    }
  }

  /**
   * What moving joints feel together while all other coordinates are free, ((M^-1)_jj)^-1, kg m2 or kg.
   * `matrix` is used up. @param joints as indices into q @param out [n * n] of them
   */
  among(joints: ArrayLike<number>, state: Pick<RobotState, 'q' | 'base'>, out: Float64Array): void {
    this.look(state);
    const { matrix, size } = this;
    const n = joints.length;
    const at = this.#coordinateOf;
    const kept = this.#kept.fill(0);
    for (let i = 0; i < n; i++) kept[at[joints[i]!]!] = 1;
    // Gauss takes the others out one by one: what remains of the rest is the Schur complement.
    for (let p = 0; p < size; p++) {
      if (kept[p] === 1) continue;
      for (let row = 0; row < size; row++) {
        const factor = row === p ? 0 : matrix[row * size + p]! / matrix[p * size + p]!;
        if (factor === 0) continue;
        for (let k = 0; k < size; k++)
          matrix[row * size + k] = matrix[row * size + k]! - factor * matrix[p * size + k]!;
      }
    }
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < n; k++) out[i * n + k] = matrix[at[joints[i]!]! * size + at[joints[k]!]!]!;
    }
  }

  /** Where the bodies are, and the motion that each coordinate makes. */
  #place(q: ArrayLike<number>, base: ArrayLike<number>): void {
    const origins = this.#origins;
    const rotations = this.#rotations;
    const motions = this.#motions;
    if (this.#free > 0) {
      for (let k = 0; k < 3; k++) {
        origins[k] = base[k]!;
        motions[MOTION * k + k] = 1;
      }
      for (let k = 0; k < 4; k++) rotations[k] = base[3 + k]!;
      for (let k = 0; k < 3; k++) {
        const axis = this.#a;
        axis.fill(0);
        axis[k] = 1;
        this.#spin(3 + k, axis, origins, 0);
      }
    }
    const { joints } = this.#rig;
    for (let i = 0; i < joints.length; i++) {
      const { mimic, dof, type } = joints[i]!;
      this.#halves[i] = type === 'prismatic' ? 0 : ((mimic?.multiplier ?? 1) * q[dof]!) / 2;
    }
    sinCosEach(this.#halves, this.#sines, this.#cosines);
    // Parents come before children.
    for (let b = 1; b < this.#coordinate.length; b++) {
      const at = this.#coordinate[b]!;
      const i = at - this.#free;
      const { axis, anchor, mimic, dof, type, parent } = joints[i]!;
      const slides = type === 'prismatic';
      const out = slides ? (mimic?.multiplier ?? 1) * q[dof]! : 0;
      rotateAt(rotations, 4 * parent, anchor, this.#b);
      rotateAt(rotations, 4 * parent, axis, this.#a);
      for (let k = 0; k < 3; k++) origins[3 * b + k] = origins[3 * parent + k]! + this.#b[k]! + out * this.#a[k]!;
      const turn = this.#turn;
      for (let k = 0; k < 3; k++) turn[k] = this.#sines[i]! * axis[k]!;
      turn[3] = this.#cosines[i]!;
      multiplyAt(rotations, 4 * parent, turn, 4 * b);
      if (!slides) this.#spin(at, this.#a, origins, 3 * b);
      else {
        for (let k = 0; k < 3; k++) motions[MOTION * at + k] = this.#a[k]!;
        for (let k = 3; k < 6; k++) motions[MOTION * at + k] = 0;
      }
    }
  }

  /** Coordinate `at` turns about an axis through the point that stands at `from` in `points`. */
  #spin(at: number, axis: Float64Array, points: Float64Array, from: number): void {
    const x = points[from]!;
    const y = points[from + 1]!;
    const z = points[from + 2]!;
    const to = MOTION * at;
    // v = p x a
    this.#motions[to] = y * axis[2]! - z * axis[1]!;
    this.#motions[to + 1] = z * axis[0]! - x * axis[2]!;
    this.#motions[to + 2] = x * axis[1]! - y * axis[0]!;
    for (let k = 0; k < 3; k++) this.#motions[to + 3 + k] = axis[k]!;
  }

  /** Inertia of body b alone about the world's origin. A fixed base's counts for nothing. */
  #gather(b: number): void {
    const bodies = this.#bodies;
    const at = INERTIA * b;
    const { mass, com, moments, frame } = this.#masses[b]!;
    rotateAt(this.#rotations, 4 * b, com, this.#a);
    const x = this.#origins[3 * b]! + this.#a[0]!;
    const y = this.#origins[3 * b + 1]! + this.#a[1]!;
    const z = this.#origins[3 * b + 2]! + this.#a[2]!;
    bodies[at] = mass;
    bodies[at + 1] = mass * x;
    bodies[at + 2] = mass * y;
    bodies[at + 3] = mass * z;
    // I + m (c.c 1 - c c^T), I = sum_k I_k e_k e_k^T along the principal axes e_k
    bodies[at + 4] = mass * (y * y + z * z);
    bodies[at + 5] = mass * (x * x + z * z);
    bodies[at + 6] = mass * (x * x + y * y);
    bodies[at + 7] = -mass * x * y;
    bodies[at + 8] = -mass * x * z;
    bodies[at + 9] = -mass * y * z;
    const turn = this.#turn;
    for (let k = 0; k < 4; k++) turn[k] = frame[k]!;
    for (let k = 0; k < 3; k++) {
      const e = this.#b;
      this.#a.fill(0);
      this.#a[k] = 1;
      rotateAt(turn, 0, this.#a, e);
      rotateAt(this.#rotations, 4 * b, e, e);
      const moment = moments[k]!;
      bodies[at + 4] = bodies[at + 4]! + moment * e[0]! * e[0]!;
      bodies[at + 5] = bodies[at + 5]! + moment * e[1]! * e[1]!;
      bodies[at + 6] = bodies[at + 6]! + moment * e[2]! * e[2]!;
      bodies[at + 7] = bodies[at + 7]! + moment * e[0]! * e[1]!;
      bodies[at + 8] = bodies[at + 8]! + moment * e[0]! * e[2]!;
      bodies[at + 9] = bodies[at + 9]! + moment * e[1]! * e[2]!;
    }
  }

  /** Entries of coordinate `at` with itself and all that carry body b: its momentum times their motions. */
  #row(b: number, at: number): void {
    const { matrix, size } = this;
    const motions = this.#motions;
    const I = this.#bodies;
    const i = INERTIA * b;
    const m = MOTION * at;
    const vx = motions[m]!;
    const vy = motions[m + 1]!;
    const vz = motions[m + 2]!;
    const wx = motions[m + 3]!;
    const wy = motions[m + 4]!;
    const wz = motions[m + 5]!;
    const hx = I[i + 1]!;
    const hy = I[i + 2]!;
    const hz = I[i + 3]!;
    // L = m v + w x h, H = I w + h x v
    const lx = I[i]! * vx + wy * hz - wz * hy;
    const ly = I[i]! * vy + wz * hx - wx * hz;
    const lz = I[i]! * vz + wx * hy - wy * hx;
    const kx = I[i + 4]! * wx + I[i + 7]! * wy + I[i + 8]! * wz + hy * vz - hz * vy;
    const ky = I[i + 7]! * wx + I[i + 5]! * wy + I[i + 9]! * wz + hz * vx - hx * vz;
    const kz = I[i + 8]! * wx + I[i + 9]! * wy + I[i + 6]! * wz + hx * vy - hy * vx;
    for (let body = b; body >= 0; ) {
      const first = this.#coordinate[body]!;
      if (first < 0) break;
      const count = first < this.#free ? 6 : 1;
      for (let other = first; other < first + count; other++) {
        const o = MOTION * other;
        const entry =
          motions[o]! * lx +
          motions[o + 1]! * ly +
          motions[o + 2]! * lz +
          motions[o + 3]! * kx +
          motions[o + 4]! * ky +
          motions[o + 5]! * kz;
        matrix[at * size + other] = entry;
        matrix[other * size + at] = entry;
      }
      body = count === 6 ? -1 : this.#rig.joints[first - this.#free]!.parent;
    }
  }
}

/** Rotation at `from` followed, in its own axes, by `turn`, to `to`. */
function multiplyAt(rotations: Float64Array, from: number, turn: Float64Array, to: number): void {
  const ax = rotations[from]!;
  const ay = rotations[from + 1]!;
  const az = rotations[from + 2]!;
  const aw = rotations[from + 3]!;
  const bx = turn[0]!;
  const by = turn[1]!;
  const bz = turn[2]!;
  const bw = turn[3]!;
  rotations[to] = aw * bx + ax * bw + ay * bz - az * by;
  rotations[to + 1] = aw * by - ax * bz + ay * bw + az * bx;
  rotations[to + 2] = aw * bz + ax * by - ay * bx + az * bw;
  rotations[to + 3] = aw * bw - ax * bx - ay * by - az * bz;
}

/** 1 / (M^-1)_ii of each coordinate, by Gauss and Jordan. @param matrix symmetric positive definite, [n * n] */
export function freeInertias(matrix: Float64Array, n: number): Float64Array {
  const a = matrix.slice();
  const inverse = new Float64Array(n * n);
  for (let i = 0; i < n; i++) inverse[i * n + i] = 1;
  for (let p = 0; p < n; p++) {
    const pivot = a[p * n + p]!;
    for (let k = 0; k < n; k++) {
      a[p * n + k] = a[p * n + k]! / pivot;
      inverse[p * n + k] = inverse[p * n + k]! / pivot;
    }
    for (let row = 0; row < n; row++) {
      const factor = a[row * n + p]!;
      if (row === p || factor === 0) continue;
      for (let k = 0; k < n; k++) {
        a[row * n + k] = a[row * n + k]! - factor * a[p * n + k]!;
        inverse[row * n + k] = inverse[row * n + k]! - factor * inverse[p * n + k]!;
      }
    }
  }
  return Float64Array.from({ length: n }, (_, i) => 1 / inverse[i * n + i]!);
}

/** What each joint of the rig feels of inertia in a state while the others are free, kg m2 or kg, [rig.joints]. */
export function feltInertias(mass: MassMatrix, rig: RobotRig, state: Pick<RobotState, 'q' | 'base'>): Float64Array {
  mass.look(state);
  return freeInertias(mass.matrix, mass.size).subarray(mass.size - rig.joints.length);
}
