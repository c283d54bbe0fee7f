/**
 * What every PPO learner does around its gradients: epochs with a learning rate steered by the KL divergence between them,
 * the bound of the exploration, and the figures of an iteration. Knows neither network nor backend.
 */

import { NumericError } from '../core/errors.ts';
import { type NetworkSettings, type PpoSettings, type PpoStats, steerLearningRate } from './ppo-learner.ts';

const HALF_LOG_TWO_PI_E = 1.4189385332046727;

type Steering = Pick<PpoSettings, 'epochs' | 'targetKl' | 'minLearningRate' | 'maxLearningRate'>;

export interface Epochs {
  /** Means over the epochs, [stats]. */
  readonly means: Float64Array;
  /** Of the last epoch, and for the next one. */
  readonly learningRate: number;
  readonly nextLearningRate: number;
}

/**
 * @param learningRate to begin with @param iteration for the error
 * @param progress share of the training done, 0 to 1: the largest learning rate falls linearly with it
 * @param learn one epoch; returns its means: policy loss, value loss, KL, clip fraction, ...
 * @throws NumericError when the loss is not finite
 */
export async function steeredEpochs(
  { epochs, targetKl, minLearningRate, maxLearningRate: first }: Steering,
  learningRate: number,
  iteration: number,
  progress: number,
  learn: (learningRate: number) => Promise<ArrayLike<number>>,
): Promise<Epochs> {
  const maxLearningRate = Math.max(minLearningRate, first * (1 - progress));
  const bounds = { minLearningRate, maxLearningRate };
  let means = new Float64Array(0);
  let used = learningRate;
  let next = Math.min(learningRate, maxLearningRate);
  for (let epoch = 0; epoch < epochs; epoch++) {
    used = next;
    const figures = await learn(used);
    const [policy, value, kl] = [figures[0]!, figures[1]!, figures[2]!];
    if (!Number.isFinite(kl)) {
      throw new NumericError(
        `the loss is not finite in iteration ${iteration}, epoch ${epoch} (policy ${policy}, value ${value}, KL ${kl})`,
        { repair: 'lower ppo.learningRate, or look at the rewards of the last iterations in metrics.jsonl' },
      );
    }
    if (epoch === 0) means = new Float64Array(figures.length);
    for (let i = 0; i < means.length; i++) means[i] = means[i]! + figures[i]! / epochs;
    if (targetKl !== null) next = steerLearningRate(used, kl, targetKl, bounds);
  }
  return { means, learningRate: used, nextLearningRate: next };
}

/** log sigma <= first + progress (last - first) */
export function logStdBound({ initialLogStd, finalLogStd }: NetworkSettings, progress: number): number {
  return initialLogStd + progress * (finalLogStd - initialLogStd);
}

/** @param means policy loss, value loss, KL, clip fraction, gradient norm @param logStd [actions] */
export function ppoStats({ means, learningRate }: Epochs, logStd: Float32Array): PpoStats {
  return {
    policyLoss: means[0]!,
    valueLoss: means[1]!,
    // H = sum log sigma + log(2 pi e) / 2
    entropy: logStd.reduce((sum, value) => sum + value + HALF_LOG_TWO_PI_E, 0),
    approxKl: means[2]!,
    clipFraction: means[3]!,
    gradNorm: means[4]!,
    learningRate,
  };
}
