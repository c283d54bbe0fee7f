/** Running mean and variance of observations, merged batch by batch (Chan, Golub & LeVeque 1979). */

import type { NormalizerContract } from '../core/contract.ts';

export class RunningNormalizer {
  readonly mean: Float64Array;
  readonly variance: Float64Array;
  count: number;
  readonly #epsilon: number;
  readonly #clip: number;

  constructor(contract: NormalizerContract) {
    this.mean = Float64Array.from(contract.mean);
    this.variance = Float64Array.from(contract.variance);
    this.count = contract.count;
    this.#epsilon = contract.epsilon;
    this.#clip = contract.clip;
  }

  /** Take in a batch. @param obs [batch, obsDim], the first `batch` rows are read */
  update(obs: Float32Array, batch: number): void {
    const dim = this.mean.length;
    for (let k = 0; k < dim; k++) {
      let sum = 0;
      for (let i = 0; i < batch; i++) sum += obs[i * dim + k]!;
      const batchMean = sum / batch;
      let squares = 0;
      for (let i = 0; i < batch; i++) {
        const d = obs[i * dim + k]! - batchMean;
        squares += d * d;
      }
      const total = this.count + batch;
      const delta = batchMean - this.mean[k]!;
      // M2 = M2_a + M2_b + delta^2 n_a n_b / n
      const m2 =
        (this.count === 0 ? 0 : this.variance[k]! * this.count) +
        squares +
        (delta * delta * this.count * batch) / total;
      this.mean[k] = this.mean[k]! + (delta * batch) / total;
      this.variance[k] = m2 / total;
    }
    this.count += batch;
  }

  toContract(): NormalizerContract {
    return {
      mean: Array.from(this.mean),
      variance: Array.from(this.variance),
      count: this.count,
      epsilon: this.#epsilon,
      clip: this.#clip,
    };
  }
}
