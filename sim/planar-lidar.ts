/**
 * What a laser that sweeps a plane measures in a floor plan. Exact: each segment is met by the beams between the bearings of
 * its ends and by no others, so a scan costs segments plus hits, not their product. Knows no error and no engine.
 */

import { atan2Each, cos, sin } from '../core/math.ts';
import type { FloorPlan } from './floor-plan.ts';

/** A sweep, counter-clockwise, bearings from the sensor's x axis. */
export interface PlanarScan {
  /** Bearing of the first beam and from one to the next, rad. */
  readonly from: number;
  readonly step: number;
  /** m; a reading at or past it is no return. */
  readonly maxRange: number;
  /** m, [beams] */
  readonly ranges: Float32Array;
}

const TURN = 2 * Math.PI;

export class PlanarLidar {
  #x = new Float64Array(0);
  #y = new Float64Array(0);
  #bearing = new Float64Array(0);
  /** Polygon that each beam met, -1 for none: [beams] of the last scan. */
  hits = new Int32Array(0);

  /**
   * Fills `scan.ranges`, `maxRange` where nothing is met.
   * @param x,y m, in free space @param heading rad
   */
  measure(plan: FloorPlan, x: number, y: number, heading: number, scan: PlanarScan): void {
    const { corners, next, starts } = plan;
    const { from, step, maxRange, ranges } = scan;
    const count = next.length;
    const beams = ranges.length;
    if (this.#x.length < count) {
      this.#x = new Float64Array(count);
      this.#y = new Float64Array(count);
    }
    if (this.#bearing.length !== count) this.#bearing = new Float64Array(count);
    if (this.hits.length !== beams) this.hits = new Int32Array(beams);
    const [px, py, bearing] = [this.#x, this.#y, this.#bearing];
    const [c, s] = [cos(heading), sin(heading)];
    for (let i = 0; i < count; i++) {
      const [u, v] = [corners[2 * i]! - x, corners[2 * i + 1]! - y];
      px[i] = c * u + s * v;
      py[i] = c * v - s * u;
    }
    atan2Each(py, px, bearing);
    const { cosines, sines } = directions(from, step, beams);
    ranges.fill(maxRange);
    this.hits.fill(-1);
    for (let p = 0; p + 1 < starts.length; p++) {
      for (let i = starts[p]!; i < starts[p + 1]!; i++) {
        const j = next[i]!;
        // Corners go round counter-clockwise: a side that faces the sensor runs clockwise as the sensor sees it.
        const cross = px[j]! * py[i]! - px[i]! * py[j]!;
        if (cross <= 0) continue;
        const first = bearing[j]!;
        let last = bearing[i]!;
        if (last < first) last += TURN;
        const [ex, ey] = [px[i]! - px[j]!, py[i]! - py[j]!];
        for (let shift = -TURN; shift <= TURN; shift += TURN) {
          const low = Math.max(0, Math.ceil((first + shift - from) / step));
          const high = Math.min(beams - 1, Math.floor((last + shift - from) / step));
          for (let k = low; k <= high; k++) {
            // r d = P + t e:  r = (P x e) / (d x e)
            const r = cross / (cosines[k]! * ey - sines[k]! * ex);
            if (r < ranges[k]! && r > 0) {
              ranges[k] = r;
              this.hits[k] = p;
            }
          }
        }
      }
    }
  }
}

interface Directions {
  readonly cosines: Float64Array;
  readonly sines: Float64Array;
}

const known = new Map<string, Directions>();

/** Of all beams; kept, as there are few kinds of laser. */
function directions(from: number, step: number, beams: number): Directions {
  const name = `${from} ${step} ${beams}`;
  let found = known.get(name);
  if (found === undefined) {
    const bearings = Float64Array.from({ length: beams }, (_, k) => from + k * step);
    found = { cosines: bearings.map(cos), sines: bearings.map(sin) };
    if (known.size > 1000) known.clear();
    known.set(name, found);
  }
  return found;
}
