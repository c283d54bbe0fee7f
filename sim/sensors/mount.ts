/** Where a sensor is: its frame in the world, from the link that carries it. Knows no sensor kind. */

import type { Pose } from '../../core/robot-model.ts';
import { quatMultiply, quatRotate } from '../../core/rotation.ts';
import type { SensedWorld } from '../sensed-world.ts';

export class Mount {
  /** The sensor's origin in the world, m, [3]. */
  readonly origin = new Float64Array(3);
  /** The sensor's frame in the world: x, y, z, w, [4]. */
  readonly quat = new Float64Array(4);
  /** From the link's origin to the sensor's, along the world's axes, m, [3]. */
  readonly lever = new Float64Array(3);
  readonly link: number;
  readonly #pose: Pose;
  readonly #linkPose = new Float64Array(7);
  readonly #linkQuat = this.#linkPose.subarray(3);

  /** @param link index into the model's links @param pose the sensor's frame in the link's */
  constructor(link: number, pose: Pose) {
    this.link = link;
    this.#pose = pose;
  }

  /** Follow the link. */
  place(world: SensedWorld): void {
    world.linkPose(this.link, this.#linkPose);
    quatMultiply(this.#linkQuat, this.#pose.quat, this.quat);
    quatRotate(this.#linkQuat, this.#pose.xyz, this.lever);
    for (let k = 0; k < 3; k++) this.origin[k] = this.#linkPose[k]! + this.lever[k]!;
  }
}
