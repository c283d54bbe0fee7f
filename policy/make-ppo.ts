/** Which learner a backend trains with: the one place that chooses. Knows no environment. */

import { InputError } from '../core/errors.ts';
import type { Key } from '../core/rng.ts';
import type { Backend } from './backend.ts';
import { Ppo } from './ppo.ts';
import type { NetworkSettings, PpoLearner, PpoSettings, Trainable } from './ppo-learner.ts';
import { SimdPpo } from './simd/simd-ppo.ts';

/**
 * @param key of the first weights and of the minibatches' order
 * @param threads that may learn at once; the result does not depend on them
 * @param mirrors its batches have mirrored observations, for the mirror loss
 * @throws InputError when the backend's learner has no such network or loss
 */
export function makePpo(
  backend: Backend,
  network: NetworkSettings,
  settings: PpoSettings,
  key: Key,
  trainable: Trainable = 'all',
  threads: number = 1,
  mirrors = false,
): PpoLearner {
  if (backend.name === 'simd' && mirrors) {
    throw new InputError('the simd learner has no mirror loss', {
      repair: 'ppo.symmetry=augment, or train with --backend wasm',
    });
  }
  if (backend.name === 'simd') return new SimdPpo(network, settings, key, trainable, threads);
  return new Ppo(backend, network, settings, key, trainable);
}
