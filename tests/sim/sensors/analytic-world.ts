/** A world of a floor and axis-aligned boxes whose rays are solved in closed form, with links put where a test wants them. */

import type { Vec3 } from '../../../core/robot-model.ts';
import { RAY_STRIDE, type SensedWorld } from '../../../sim/sensed-world.ts';

export interface Block {
  readonly min: Vec3;
  readonly max: Vec3;
}

export class AnalyticWorld implements SensedWorld {
  gravity = 9.81;
  /** Of every link. */
  readonly pose = Float64Array.of(0, 0, 0, 0, 0, 0, 1);
  readonly twist = new Float64Array(6);
  readonly forces: Float64Array;
  /** Rays cast so far. */
  rays = 0;
  readonly #floor: number;
  readonly #blocks: readonly Block[];

  /** @param floor height of the ground, -Infinity for none */
  constructor(floor: number, blocks: readonly Block[], nLinks = 8) {
    this.#floor = floor;
    this.#blocks = blocks;
    this.forces = new Float64Array(nLinks);
  }

  linkPose(_link: number, out: Float64Array): void {
    out.set(this.pose);
  }

  linkTwist(_link: number, out: Float64Array): void {
    out.set(this.twist);
  }

  contactForces(links: readonly number[], out: Float64Array): void {
    for (let i = 0; i < links.length; i++) out[i] = this.forces[links[i]!]!;
  }

  castRays(rays: Float64Array, out: Float64Array): void {
    for (let i = 0; i < out.length; i++) {
      const [ox, oy, oz, dx, dy, dz, range] = rays.subarray(RAY_STRIDE * i, RAY_STRIDE * (i + 1));
      out[i] = this.castRay(ox!, oy!, oz!, dx!, dy!, dz!, range!);
    }
  }

  /** m; `maxRange` where it meets nothing. */
  castRay(ox: number, oy: number, oz: number, dx: number, dy: number, dz: number, maxRange: number): number {
    this.rays++;
    let nearest = maxRange;
    // the plane: oz + t dz = floor
    if (dz < 0 && oz >= this.#floor) nearest = Math.min(nearest, (this.#floor - oz) / dz);
    for (let i = 0; i < this.#blocks.length; i++) {
      const { min, max } = this.#blocks[i]!;
      // Slabs (Kay & Kajiya, 1986): inside all three between the last entry and the first exit.
      const x1 = (min[0] - ox) / dx;
      const x2 = (max[0] - ox) / dx;
      const y1 = (min[1] - oy) / dy;
      const y2 = (max[1] - oy) / dy;
      const z1 = (min[2] - oz) / dz;
      const z2 = (max[2] - oz) / dz;
      const entry = Math.max(Math.min(x1, x2), Math.min(y1, y2), Math.min(z1, z2), 0);
      const exit = Math.min(Math.max(x1, x2), Math.max(y1, y2), Math.max(z1, z2));
      if (entry <= exit && entry < nearest) nearest = entry;
    }
    return nearest;
  }
}
