/** What a viewer is shown of each environment: the channels' names and how a step fills them. Knows no socket. */

import type { Contract } from '../core/contract.ts';
import type { Channel } from '../core/frame-ring.ts';
import { type FrameRing, OpenFrameRing } from '../core/frame-ring.ts';
import type { Environment } from '../sim/environment.ts';

/** Reward terms, then the observation, then the torque each joint was asked for. */
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

/** Writes environments into a ring. Allocates nothing per step. */
export class WatchTap {
  readonly #ring: OpenFrameRing;
  readonly #values: Float32Array;

  constructor(ring: FrameRing) {
    this.#ring = new OpenFrameRing(ring);
    this.#values = new Float32Array(ring.spec.channels.length);
  }

  /** @param frame number in the ring @param n the environment's number; those beyond the ring's are not shown */
  write(frame: number, n: number, environment: Environment, obs: Float32Array, obsOffset: number): void {
    const { spec } = this.#ring;
    if (n >= spec.numEnvs) return;
    const values = this.#values;
    const { rewardTerms, command } = environment;
    let at = 0;
    for (let k = 0; k < rewardTerms.length; k++) values[at++] = rewardTerms[k]!;
    for (let k = 0; k < environment.observer.size; k++) values[at++] = obs[obsOffset + k]!;
    for (let j = 0; j < command.effort.length; j++) values[at++] = command.effort[j]!;
    const slot = this.#ring.slotOf(frame);
    if (n === 0) this.#ring.setTime(slot, frame * spec.dt);
    this.#ring.setEnv(slot, n, environment.robot.truth.q, values);
  }
}
