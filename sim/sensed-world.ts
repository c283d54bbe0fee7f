/** What simulated sensors ask of an engine: where links are, what a ray meets, what presses on a link. */

export interface SensedWorld {
  /** m/s2, along -z */
  readonly gravity: number;
  /** Pose of a link's frame in the world: x, y, z, then x, y, z, w, [7]. @param link index into the model's links */
  linkPose(link: number, out: Float64Array): void;
  /** Velocity of the link frame's origin, then angular velocity, both along the world's axes, [6]. */
  linkTwist(link: number, out: Float64Array): void;
  /**
   * Distance along a ray to the first thing that is not the robot, m; `maxRange` when there is none.
   * @param direction a unit vector along the world's axes
   */
  castRay(ox: number, oy: number, oz: number, dx: number, dy: number, dz: number, maxRange: number): number;
  /** How hard anything but the robot itself presses on a link over the last physics step, N. */
  contactForce(link: number): number;
}

/** Where nothing is known of links and surroundings, as in a recording: poses and velocities are NaN, rays meet nothing. */
export const UNKNOWN_WORLD: SensedWorld = {
  gravity: 9.81,
  linkPose(_link, out) {
    out.fill(NaN);
  },
  linkTwist(_link, out) {
    out.fill(NaN);
  },
  castRay: (_ox, _oy, _oz, _dx, _dy, _dz, maxRange) => maxRange,
  contactForce: () => 0,
};
