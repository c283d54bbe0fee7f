/**
 * A height field as Rapier's collider takes it. Rapier's field lies in its own x-z plane with y up, its matrix is column-major
 * with rows along z, and it cuts each cell along the other diagonal than MuJoCo does. Turned by a quarter about the vertical
 * its diagonals are MuJoCo's, so both engines stand on the same surface. Plain data; knows no engine.
 */

import type { Quat, Vec3 } from '../../core/robot-model.ts';
import type { HeightField } from '../scene.ts';

export interface RapierHeightField {
  /** Cells, one less than points. */
  readonly rows: number;
  readonly columns: number;
  /** [(columns + 1) * (rows + 1)] */
  readonly heights: Float32Array;
  readonly scale: Vec3;
  /** Of the collider in the world: its x, y, z point along the world's -x, z, y. */
  readonly rotation: Quat;
  /**
   * `HeightFieldFlags.FIX_INTERNAL_EDGES`. Without it feet catch on the edges between triangles: on a level field without friction
   * a ball of 1 m/s loses three quarters of its speed within 4 s and a box stops.
   */
  readonly flags: 1;
}

export function rapierHeightField({ nx, ny, size, heights }: HeightField): RapierHeightField {
  const turned = new Float32Array(nx * ny);
  for (let j = 0; j < ny; j++) {
    for (let i = 0; i < nx; i++) turned[j + (nx - 1 - i) * ny] = heights[i + j * nx]!;
  }
  return {
    rows: ny - 1,
    columns: nx - 1,
    heights: turned,
    scale: [size[0], 1, size[1]],
    rotation: [0, Math.SQRT1_2, Math.SQRT1_2, 0],
    flags: 1,
  };
}
