/** Trains the quadruped on rough ground, slopes, stairs and obstacles: as on flat ground, longer, with a wider network. */

import { quadrupedVelocity } from './quadruped-velocity.ts';
import { defineConfig } from './schema.ts';

export const quadrupedRough = defineConfig({
  ...quadrupedVelocity,
  task: 'quadruped-rough',
  train: { ...quadrupedVelocity.train, iterations: 1500, evalEvery: 100, stopAtSuccess: 0.95 },
  network: { ...quadrupedVelocity.network, hidden: [256, 128], criticHidden: [256, 128] },
});
