/** Which soft actor-critic learner a backend trains with: the one place that chooses. Knows no environment. */

import type { Key } from '../core/rng.ts';
import type { Backend } from './backend.ts';
import { Sac } from './sac.ts';
import type { SacLearner, SacNetworks, SacSettings } from './sac-learner.ts';
import { SimdSac } from './simd/simd-sac.ts';

/** @param key of the first weights */
export function makeSac(backend: Backend, networks: SacNetworks, settings: SacSettings, key: Key): SacLearner {
  if (backend.name === 'simd') return new SimdSac(networks, settings, key);
  return new Sac(backend, networks, settings, key);
}
