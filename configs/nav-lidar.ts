/** Trains the rover to find its way: about eight million control steps. */

import { defineConfig } from './schema.ts';

export const navLidar = defineConfig({
  task: 'nav-lidar',
  seed: 1,
  train: {
    numEnvs: 256,
    horizon: 64,
    iterations: 500,
    evalEvery: 20,
    evalEpisodes: 100,
    stopAtSuccess: 0.95,
  },
  ppo: {
    learningRate: 1e-3,
    minLearningRate: 1e-5,
    maxLearningRate: 3e-3,
    // A horizon of 10 s: from the middle of a room through its door.
    gamma: 0.99,
    lam: 0.95,
    clip: 0.2,
    valueClip: null,
    valueCoef: 0.5,
    entropyCoef: 0,
    maxGradNorm: 1,
    targetKl: 0.015,
    epochs: 5,
    minibatches: 4,
  },
  network: { hidden: [128, 128], criticHidden: [128, 128], activation: 'elu', initialLogStd: -0.5, finalLogStd: -1.5 },
  reward: {},
  randomization: 1,
  dynamics: null,
});
