/**
 * Boxes around shapes, by which MuJoCo finds what may touch: they lie in each body's inertial frame, and the compiler alone
 * makes them. When the centre of mass or the principal axes are written anew they have to move the other way, or contacts
 * are missed. Knows no robot. https://mujoco.readthedocs.io/en/stable/computation/index.html#collision-detection
 */

import type { MjModel } from '@mujoco/mujoco';
import { quatConjugate, quatMultiply, quatRotate } from '../core/rotation.ts';

/** Numbers of one box: centre, half its size, m. */
const STRIDE = 6;

/** Inertial frames and boxes as compiled. */
export class TwinBoxes {
  /** [nbody * 3], m; [nbody * 4], w, x, y, z; [nbvhstatic * 6]. */
  readonly #com: Float64Array;
  readonly #frame: Float64Array;
  readonly #boxes: Float64Array;

  constructor(mj: MjModel) {
    this.#com = Float64Array.from(mj.body_ipos as Float64Array);
    this.#frame = Float64Array.from(mj.body_iquat as Float64Array);
    this.#boxes = Float64Array.from(mj.bvh_aabb as Float64Array);
  }

  /** Lay a body's boxes into its inertial frame as it is now: around the compiled ones. @param id the engine's, of the body */
  fit(mj: MjModel, id: number): void {
    const [com, frame, boxes] = [mj.body_ipos, mj.body_iquat, mj.bvh_aabb] as [
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    const inverse = quatConjugate(turnOf(frame, id), [0, 0, 0, 1]);
    // With p = c0 + R0 b = c + R b': b' = R^T (c0 - c) + (R^T R0) b
    const turn = quatMultiply(inverse, turnOf(this.#frame, id), [0, 0, 0, 1]);
    const shift = quatRotate(
      inverse,
      [0, 1, 2].map((k) => this.#com[3 * id + k]! - com[3 * id + k]!),
      [0, 0, 0],
    );
    const columns = AXES.map((axis) => quatRotate(turn, axis, [0, 0, 0]));
    const first = mj.body_bvhadr[id] as number;
    for (let node = first; node < first + (mj.body_bvhnum[id] as number); node++) {
      const at = STRIDE * node;
      for (let k = 0; k < 3; k++) {
        let [centre, half] = [shift[k]!, 0];
        for (let m = 0; m < 3; m++) {
          centre += columns[m]![k]! * this.#boxes[at + m]!;
          half += Math.abs(columns[m]![k]!) * this.#boxes[at + 3 + m]!;
        }
        boxes[at + k] = centre;
        boxes[at + 3 + k] = half;
      }
    }
  }
}

const AXES = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
] as const;

/** x, y, z, w */
function turnOf(frames: Float64Array, id: number): [number, number, number, number] {
  return [frames[4 * id + 1]!, frames[4 * id + 2]!, frames[4 * id + 3]!, frames[4 * id]!];
}
