/**
 * DARC (Eysenbach et al. 2021, 2006.13916): learning in the source with the reward r + Dr makes a policy that avoids what
 * the target cannot do, from target transitions without rewards. Every transition that the target can make must be possible
 * in the source. Corrects the batches of an off-policy learner or an iteration's rollout, in place; knows no learner.
 */

import { clamp, tanh } from '../../core/math.ts';
import type { Key } from '../../core/rng.ts';
import type { TransitionShape, Transitions } from '../replay-buffer.ts';
import type { RolloutBuffer } from '../rollout-buffer.ts';
import { DynamicsGap, dynamicsGapSettings, type TransitionRows } from '../similarity/dynamics-gap.ts';
import { batchRows } from '../similarity/episode-rows.ts';
import type { LogRatioSettings } from '../similarity/log-ratio-network.ts';

export interface DarcSettings {
  /** Reward that one nat is worth; 1 in the paper, whose rewards are per step and of order 1. */
  readonly scale: number;
  readonly classifier: LogRatioSettings;
}

/** Learned once and asked often: worth more steps than a measurement that is repeated for its null. */
export const darcSettings: DarcSettings = {
  scale: 1,
  classifier: { ...dynamicsGapSettings, hidden: 64, steps: 3000, learningRate: 5e-3 },
};

export class DarcReward {
  readonly #gap: DynamicsGap;
  readonly #scale: number;

  /** Learns the two classifiers. @param source,target observations before normalisation, actions in [-1, 1] */
  constructor(source: TransitionRows, target: TransitionRows, key: Key, settings = darcSettings) {
    this.#gap = new DynamicsGap(source, target, key, settings.classifier);
    this.#scale = settings.scale;
  }

  /** r += scale Dr of the first `count` rows, whose observations are before normalisation. @returns the mean of Dr, nats */
  correct(batch: Transitions, shape: TransitionShape, count: number): number {
    return this.#add(this.#gap.corrections(batchRows(batch, shape, count, count)), batch.reward);
  }

  /**
   * The same of an iteration, [T, N]. Where an episode ended, what came next is its last observation.
   * @param isSquashed the actions are those before tanh; else before clipping @returns the mean of Dr, nats
   */
  correctRollout(rollout: RolloutBuffer, isSquashed: boolean): number {
    const { horizon, numEnvs, obsDim, actionDim } = rollout.shape;
    const cells = horizon * numEnvs;
    const dim = 2 * obsDim + actionDim;
    const rows = new Float64Array(cells * dim);
    for (let cell = 0; cell < cells; cell++) {
      const ended = rollout.terminated[cell] !== 0 || rollout.truncated[cell] !== 0;
      const [next, at] = ended ? [rollout.finalObs, cell] : [rollout.obs, cell + numEnvs];
      rows.set(rollout.obs.subarray(cell * obsDim, (cell + 1) * obsDim), cell * dim);
      for (let k = 0; k < actionDim; k++) {
        const a = rollout.action[cell * actionDim + k]!;
        rows[cell * dim + obsDim + k] = isSquashed ? tanh(a) : clamp(a, -1, 1);
      }
      rows.set(next.subarray(at * obsDim, (at + 1) * obsDim), cell * dim + obsDim + actionDim);
    }
    const data = { dim, rows, episode: new Int32Array(cells), episodes: 1, obsDim, actionDim };
    return this.#add(this.#gap.corrections(data), rollout.reward);
  }

  #add(corrections: Float64Array, reward: Float32Array): number {
    let sum = 0;
    for (let i = 0; i < corrections.length; i++) {
      reward[i] = reward[i]! + this.#scale * corrections[i]!;
      sum += corrections[i]!;
    }
    return sum / Math.max(1, corrections.length);
  }
}
