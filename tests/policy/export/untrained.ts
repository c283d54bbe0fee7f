/** Policies nobody trained, and observations for them: random, of the sizes that training gives. */

import type { Contract } from '../../../core/contract.ts';
import type { RandomStream } from '../../../core/rng.ts';
import { tensorSizes } from '../../../policy/mlp.ts';

export interface Policy {
  readonly contract: Contract;
  readonly weights: readonly Float32Array[];
  readonly path: string;
}

/** Weights that keep signals at size 1, and a normaliser whose means are up to a hundred deviations from 0. */
export function untrained(contract: Contract, random: RandomStream): Policy {
  const { layers } = contract.network;
  const mean = contract.normalizer.mean.map(() => random.between(-3, 3));
  const variance = mean.map((value) => (Math.abs(value) * random.between(0.01, 1)) ** 2 + 1e-4);
  const weights = tensorSizes(layers).map((size, i) => {
    const inputs = layers[Math.floor(i / 2)]!;
    const width = i % 2 === 0 ? Math.sqrt(3 / inputs) : 0.5;
    return Float32Array.from({ length: size }, () => random.between(-width, width));
  });
  return {
    contract: { ...contract, normalizer: { ...contract.normalizer, mean, variance, count: 1000 } },
    weights,
    path: 'test',
  };
}

/** Far beyond what the normaliser clips, now and then. */
export function randomObservation({ normalizer }: Contract, random: RandomStream): Float32Array {
  return Float32Array.from(normalizer.mean, (mean, i) => {
    const width = random.uniform() < 0.1 ? 30 : 2;
    return mean + Math.sqrt(normalizer.variance[i]!) * random.between(-width, width);
  });
}
