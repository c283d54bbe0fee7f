/** Trains the arm to reach poses: two and a half million control steps. */

import { defineConfig } from './schema.ts';

export const armReach = defineConfig({
  task: 'arm-reach',
  seed: 1,
  train: {
    numEnvs: 128,
    horizon: 32,
    iterations: 600,
    evalEvery: 25,
    evalEpisodes: 50,
    stopAtSuccess: 0.98,
  },
  ppo: {
    learningRate: 1e-3,
    minLearningRate: 1e-5,
    maxLearningRate: 5e-3,
    // A horizon of 0.8 s. Looking further, it learns first that ending an episode ends its costs.
    gamma: 0.95,
    lam: 0.95,
    clip: 0.2,
    valueClip: null,
    valueCoef: 0.5,
    entropyCoef: 0,
    maxGradNorm: 1,
    targetKl: 0.05,
    epochs: 5,
    minibatches: 4,
  },
  // Joint targets within 1.5 rad: a deviation of 0.2 is 0.3 rad. With 0.37 arms ran into their speed limit and never learned to live.
  network: { hidden: [128, 128], criticHidden: [128, 128], activation: 'elu', initialLogStd: -1.6, finalLogStd: -3 },
  reward: {},
  randomization: 1,
  dynamics: null,
});
