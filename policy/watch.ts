/** What a viewer is shown of each environment: the channels' names and how a step fills them. Knows no socket. */

import type { Contract } from '../core/contract.ts';
import type { Channel } from '../core/frame-ring.ts';
import { type FrameRing, OpenFrameRing } from '../core/frame-ring.ts';
import type { Environment } from '../sim/environment.ts';
import type { OBJECT_STRIDE, Scene } from '../sim/scene.ts';

/** Numbers that a robot keeps of each object. */
const STRIDE: typeof OBJECT_STRIDE = 13;

/** What surrounds an environment from a frame of the ring on. */
export interface SceneChange {
  readonly env: number;
  readonly frame: number;
  readonly scene: Scene;
}

/** Reward terms, then the observation, then the torque that each joint's motor gave. */
export function channelsOf(contract: Contract, rewardNames: readonly string[]): Channel[] {
  return [
    ...rewardNames.map((name): Channel => ({ name, group: 'reward', unit: '1/step' })),
    ...contract.observations.flatMap((term) =>
      Array.from(
        { length: term.size },
        (_, i): Channel => ({
          name: term.size === 1 ? term.name : `${term.name}[${i}]`,
          group: 'obs',
          unit: term.scale === 1 ? term.unit : `${term.unit} x ${term.scale}`,
        }),
      ),
    ),
    ...contract.joints.map(
      (joint): Channel => ({ name: joint.name, group: 'torque', unit: joint.unit === 'rad' ? 'N m' : 'N' }),
    ),
  ];
}

/** Writes environments into a ring, and notes when their scenes change. Allocates nothing per step but for a new scene. */
export class WatchTap {
  readonly #ring: OpenFrameRing;
  readonly #values: Float32Array;
  readonly #scenes: (Scene | undefined)[];
  #changes: SceneChange[] = [];

  constructor(ring: FrameRing) {
    this.#ring = new OpenFrameRing(ring);
    this.#values = new Float32Array(ring.spec.channels.length);
    this.#scenes = new Array(ring.spec.numEnvs).fill(undefined);
  }

  /** @param frame number in the ring @param n the environment's number; those beyond the ring's are not shown */
  write(frame: number, n: number, environment: Environment, obs: Float32Array, obsOffset: number): void {
    const { spec } = this.#ring;
    if (n >= spec.numEnvs) return;
    const values = this.#values;
    const { rewardTerms, robot, scene } = environment;
    const { effort } = robot.truth;
    let at = 0;
    for (let k = 0; k < rewardTerms.length; k++) values[at++] = rewardTerms[k]!;
    for (let k = 0; k < environment.observer.size; k++) values[at++] = obs[obsOffset + k]!;
    for (let j = 0; j < effort.length; j++) values[at++] = effort[j]!;
    const slot = this.#ring.slotOf(frame);
    if (n === 0) this.#ring.setTime(slot, frame * spec.dt);
    this.#ring.setEnv(slot, n, robot.truth.q, values);
    this.#ring.setBase(slot, n, robot.truth.base);
    this.#ring.setObjects(slot, n, robot.objects, STRIDE);
    if (scene === this.#scenes[n]) return;
    this.#scenes[n] = scene;
    this.#changes.push({ env: n, frame, scene });
  }

  /** Scenes that are new since this was last asked. */
  takeScenes(): readonly SceneChange[] {
    const changes = this.#changes;
    this.#changes = [];
    return changes;
  }
}
