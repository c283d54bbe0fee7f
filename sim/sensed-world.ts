/** What simulated sensors ask of an engine: where links are, what a ray meets, what presses on a link. */

/** Numbers of a ray. */
export const RAY_STRIDE = 7;

export interface SensedWorld {
  /** m/s2, along -z */
  readonly gravity: number;
  /** Pose of a link's frame in the world: x, y, z, then x, y, z, w, [7]. @param link index into the model's links */
  linkPose(link: number, out: Float64Array): void;
  /** Velocity of the link frame's origin, then angular velocity, both along the world's axes, [6]. */
  linkTwist(link: number, out: Float64Array): void;
  /**
   * Distances along rays to the first thing that is not the robot, m; a ray's range when there is none.
   * @param rays origin, unit direction along the world's axes and range of each, [n, RAY_STRIDE] @param out [n]
   */
  castRays(rays: Float64Array, out: Float64Array): void;
  /** How hard anything but the robot itself presses on each link over the last physics step, N. @param out [links] */
  contactForces(links: readonly number[], out: Float64Array): void;
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
  castRays(rays, out) {
    for (let i = 0; i < out.length; i++) out[i] = rays[RAY_STRIDE * i + 6]!;
  },
  contactForces(_links, out) {
    out.fill(0);
  },
};
