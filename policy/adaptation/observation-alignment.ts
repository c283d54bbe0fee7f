/**
 * AdaBN for observations (Li et al. 2016, 1603.04779): the statistics that a frozen policy's inputs are normalised with are
 * taken from the target, and nothing else is changed. Undoes a sensor's scale and offset without labels or rewards. A
 * treatment to be chosen by name: a frozen body's normaliser never moves as a side effect, and where the target visits other
 * states, not other sensors, this hurts.
 */

import type { NormalizerContract } from '../../core/contract.ts';
import { RunningNormalizer } from '../normalizer.ts';

/** A target's spread below this share of the source's says nothing of the sensor's scale. */
const STILL = 1e-3;

/** @param obs of the target, before normalisation, [count, obsDim] */
export function alignedNormalizer(source: NormalizerContract, obs: Float32Array, count: number): NormalizerContract {
  const zeros = source.mean.map(() => 0);
  const target = new RunningNormalizer({ ...source, mean: zeros, variance: zeros, count: 0 });
  target.update(obs, count);
  const isStill = (k: number) => target.variance[k]! <= STILL ** 2 * source.variance[k]!;
  return {
    ...source,
    mean: source.mean.map((mean, k) => (isStill(k) ? mean : target.mean[k]!)),
    variance: source.variance.map((variance, k) => (isStill(k) ? variance : target.variance[k]!)),
    count,
  };
}
