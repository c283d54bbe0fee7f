/** Shows a deployment in the viewer: every recorded step becomes a frame of one ring. */

import type { Contract } from '../core/contract.ts';
import type { EpisodeStep } from '../core/episode.ts';
import { baseOf } from '../core/episode-base.ts';
import { makeFrameRing, type OpenFrameRing, openFrameRing } from '../core/frame-ring.ts';
import type { Experiment } from '../loop/experiment.ts';
import { channelsOf } from '../policy/watch.ts';
import type { Viewer } from '../viewer/server/index.ts';

/** Seconds that the ring holds. */
const HISTORY_SECONDS = 4;
const UNKNOWN = new Float64Array(7).fill(Number.NaN);

export class DeployView {
  readonly #ring: OpenFrameRing;
  readonly #values: Float64Array;
  readonly #rewardNames: readonly string[];
  readonly #dt: number;

  constructor(viewer: Viewer, contract: Contract, experiment: Experiment, title: string) {
    const channels = channelsOf(contract, experiment.rewardNames);
    this.#dt = 1 / contract.control.rateHz;
    this.#rewardNames = experiment.rewardNames;
    const ring = makeFrameRing({
      capacity: Math.ceil(HISTORY_SECONDS * contract.control.rateHz),
      numEnvs: 1,
      nJoints: contract.joints.length,
      base: experiment.robot.model.base,
      channels,
      dt: this.#dt,
    });
    this.#values = new Float64Array(channels.length);
    this.#ring = openFrameRing(ring);
    viewer.show({
      title,
      kind: 'deploy',
      urdf: experiment.robot.model.urdf,
      meshes: experiment.robot.model.meshes,
      joints: contract.joints.map((joint) => joint.name),
      ring,
    });
  }

  add(step: EpisodeStep): void {
    let at = 0;
    for (const name of this.#rewardNames) this.#values[at++] = step.rewardTerms[name] ?? 0;
    for (const value of step.obs) this.#values[at++] = value;
    for (const value of step.command) this.#values[at++] = value;
    const frame = this.#ring.published;
    const slot = this.#ring.slotOf(frame);
    this.#ring.setTime(slot, frame * this.#dt);
    this.#ring.setEnv(slot, 0, step.q, this.#values);
    this.#ring.setBase(slot, 0, baseOf(step) ?? UNKNOWN);
    this.#ring.publish(1);
  }
}
