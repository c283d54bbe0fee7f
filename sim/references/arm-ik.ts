/**
 * Moves an arm's tool to a pose by damped least squares (Nakamura and Hanafusa, 1986), and stays on it: the joint targets
 * integrate the pose's error, so that gravity's sag is driven out. Joints turn about z of the links 1 to 6, as the arm's do.
 * Knows no task and no engine; allocates nothing per step.
 */

import { atan2 } from '../../core/math.ts';
import { quatConjugate, quatMultiply } from '../../core/rotation.ts';
import type { SensedWorld } from '../sensed-world.ts';

const JOINTS = 6;
/** Damping, m: far from singular poses it costs 1% of a step. */
const LAMBDA = 0.05;
/** Rotations count as if at the end of a lever this long, m. */
const LEVER = 0.3;
/** Share of the error that one control step corrects. At 25 Hz a loop of 4 Hz under drives of 3.6 Hz would ring. */
const GAIN = 0.2;

export class ArmIk {
  /** Where the tool is, x, y, z, x, y, z, w, since the last `follow`. */
  readonly tool = new Float64Array(7);
  readonly #link: number;
  readonly #step: number;
  readonly #pose = new Float64Array(7);
  /** Columns of the Jacobian, [JOINTS][6], rotations times the lever. */
  readonly #jacobian = new Float64Array(JOINTS * 6);
  readonly #matrix = new Float64Array(36);
  readonly #error = new Float64Array(6);
  readonly #turn = new Float64Array(4);
  readonly #quat = new Float64Array(4);
  /** Joint targets from the default pose, rad. */
  readonly #offset = new Float64Array(JOINTS);

  /** @param link of the tool @param step largest change of a joint's target in a control step, rad */
  constructor(link: number, step: number) {
    this.#link = link;
    this.#step = step;
  }

  /**
   * @param target pose of the tool, [7] @param scale rad of a joint's target from its default an action of 1 stands for
   * @param action receives the joint targets, [6]
   */
  follow(world: SensedWorld, target: ArrayLike<number>, scale: number, action: Float32Array): void {
    const { tool } = this;
    world.linkPose(this.#link, tool);
    this.#measure(target);
    this.#differentiate(world);
    this.#solve();
    const e = this.#error;
    let largest = 0;
    for (let j = 0; j < JOINTS; j++) {
      // dq = J^T (J J^T + lambda^2)^-1 e
      let change = 0;
      for (let k = 0; k < 6; k++) change += this.#jacobian[j * 6 + k]! * e[k]!;
      this.#pose[j] = GAIN * change;
      largest = Math.max(largest, Math.abs(GAIN * change));
    }
    // Slowed together, so that the tool keeps its direction.
    const slower = largest > this.#step ? this.#step / largest : 1;
    for (let j = 0; j < JOINTS; j++) {
      this.#offset[j] = this.#offset[j]! + slower * this.#pose[j]!;
      action[j] = this.#offset[j]! / scale;
    }
  }

  /** Pose error: position, m, and the lever times the rotation vector. */
  #measure(target: ArrayLike<number>): void {
    const { tool } = this;
    const e = this.#error;
    for (let k = 0; k < 3; k++) e[k] = target[k]! - tool[k]!;
    for (let k = 0; k < 4; k++) this.#quat[k] = tool[3 + k]!;
    quatConjugate(this.#quat, this.#quat);
    for (let k = 0; k < 4; k++) this.#turn[k] = target[3 + k]!;
    quatMultiply(this.#turn, this.#quat, this.#turn);
    const [x, y, z, w] = [this.#turn[0]!, this.#turn[1]!, this.#turn[2]!, this.#turn[3]!];
    const s = Math.sqrt(x * x + y * y + z * z);
    const angle = 2 * atan2(w < 0 ? -s : s, Math.abs(w));
    const share = s > 1e-9 ? (LEVER * angle) / s : 0;
    e[3] = share * x;
    e[4] = share * y;
    e[5] = share * z;
  }

  #differentiate(world: SensedWorld): void {
    const { tool } = this;
    const pose = this.#pose;
    for (let j = 0; j < JOINTS; j++) {
      world.linkPose(j + 1, pose);
      const [x, y, z, w] = [pose[3]!, pose[4]!, pose[5]!, pose[6]!];
      // a = R z
      const ax = 2 * (x * z + w * y);
      const ay = 2 * (y * z - w * x);
      const az = 1 - 2 * (x * x + y * y);
      const rx = tool[0]! - pose[0]!;
      const ry = tool[1]! - pose[1]!;
      const rz = tool[2]! - pose[2]!;
      const at = j * 6;
      // column = (a x r, a)
      this.#jacobian[at] = ay * rz - az * ry;
      this.#jacobian[at + 1] = az * rx - ax * rz;
      this.#jacobian[at + 2] = ax * ry - ay * rx;
      this.#jacobian[at + 3] = LEVER * ax;
      this.#jacobian[at + 4] = LEVER * ay;
      this.#jacobian[at + 5] = LEVER * az;
    }
  }

  /** The error becomes (J J^T + lambda^2)^-1 times itself, by Gauss; the matrix is positive definite. */
  #solve(): void {
    const a = this.#matrix;
    const e = this.#error;
    const jacobian = this.#jacobian;
    for (let i = 0; i < 6; i++) {
      for (let k = 0; k < 6; k++) {
        let sum = i === k ? LAMBDA * LAMBDA : 0;
        for (let j = 0; j < JOINTS; j++) sum += jacobian[j * 6 + i]! * jacobian[j * 6 + k]!;
        a[i * 6 + k] = sum;
      }
    }
    for (let p = 0; p < 6; p++) {
      for (let row = p + 1; row < 6; row++) {
        const factor = a[row * 6 + p]! / a[p * 6 + p]!;
        for (let k = p; k < 6; k++) a[row * 6 + k] = a[row * 6 + k]! - factor * a[p * 6 + k]!;
        e[row] = e[row]! - factor * e[p]!;
      }
    }
    for (let p = 5; p >= 0; p--) {
      for (let k = p + 1; k < 6; k++) e[p] = e[p]! - a[p * 6 + k]! * e[k]!;
      e[p] = e[p]! / a[p * 6 + p]!;
    }
  }
}
