/** What an environment asks of a robot in any engine: to be given physics, a scene and a start, and to tell the truth. */

import type { Key } from '../core/rng.ts';
import type { RobotState, SimulatedRobot } from '../core/robot.ts';
import type { Dynamics } from './dynamics.ts';
import type { Scene } from './scene.ts';
import type { SensedWorld } from './sensed-world.ts';
import type { StartState } from './task.ts';

export interface EnvironmentRobot extends SimulatedRobot {
  /** The state without sensor noise. Reused. */
  readonly truth: RobotState;
  /** Where the scene's objects are, [nObjects, OBJECT_STRIDE]. A new array when the scene changes. */
  readonly objects: Float64Array;
  /** Where links are, what a ray meets, what presses on a link. */
  readonly world: SensedWorld;
  /** To be followed by a reset: masses, contacts and shapes change only there. */
  setDynamics(dynamics: Dynamics): void;
  /** To be followed by a reset. */
  setScene(scene: Scene): void;
  /** Seed the sensors' noise of the coming episode. */
  seedNoise(key: Key): void;
  /** Put robot and objects at a start. */
  resetTo(start: StartState): void;
  /**
   * Parameters that take effect at once have changed within the episode: gains, strengths, frictions, latency, gravity.
   */
  updateDynamics(dynamics: Dynamics): void;
  /** Shove the base: dv along x, y, z in m/s, dw about x, y, z in rad/s, world axes, [6]. A fixed base does not feel it. */
  push(change: ArrayLike<number>): void;
}
