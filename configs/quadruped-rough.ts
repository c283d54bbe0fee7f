/** Trains the quadruped on rough ground, slopes, stairs and obstacles: as on flat ground, longer, with a wider network. */

import { defineConfig } from './schema.ts';

export const quadrupedRough = defineConfig({
  task: 'quadruped-rough',
  seed: 1,
  train: {
    numEnvs: 512,
    horizon: 24,
    iterations: 1500,
    evalEvery: 100,
    evalEpisodes: 100,
    stopAtSuccess: 0.95,
  },
  ppo: {
    learningRate: 1e-3,
    minLearningRate: 1e-5,
    maxLearningRate: 1e-2,
    gamma: 0.99,
    lam: 0.95,
    clip: 0.2,
    valueClip: 0.2,
    valueCoef: 1,
    entropyCoef: 0.005,
    maxGradNorm: 1,
    targetKl: 0.01,
    epochs: 5,
    minibatches: 4,
  },
  network: {
    hidden: [256, 128],
    criticHidden: [256, 128],
    activation: 'elu',
    // An action of 1 is 0.75 rad: exploration begins at a third of it, 0.25 rad.
    initialLogStd: -1.1,
    finalLogStd: -1.6,
  },
  reward: {},
  randomization: 1,
  dynamics: null,
});
