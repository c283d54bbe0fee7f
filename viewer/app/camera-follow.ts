/** Keeps a camera with a point that moves: how much to shift the camera in every picture. Knows no camera. */

import { Vector3 } from 'three';

/** The camera trails behind with this time constant, so that a robot's bobbing does not shake it, s. */
const LAG_SECONDS = 0.2;
/** A point that moves further than this between two pictures was put there: the camera goes with it at once, m. */
const MAX_STEP = 1;

export class CameraFollow {
  readonly #at = new Vector3();
  readonly #last = new Vector3();
  readonly #shift = new Vector3();

  /** Follow this point from now on. */
  start(point: Vector3): void {
    this.#at.copy(point);
    this.#last.copy(point);
  }

  /** @param point where it is now, m @param seconds since the last call @returns the shift, reused */
  step(point: Vector3, seconds: number): Vector3 {
    const isJump = this.#last.distanceTo(point) > MAX_STEP;
    this.#last.copy(point);
    // d at / dt = (point - at) / T, held over the step
    const share = isJump ? 1 : 1 - Math.exp(-seconds / LAG_SECONDS);
    this.#shift.copy(point).sub(this.#at).multiplyScalar(share);
    this.#at.add(this.#shift);
    return this.#shift;
  }
}
