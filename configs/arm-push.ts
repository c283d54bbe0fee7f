/** Trains the arm to push what its camera sees. */

import { defineConfig } from './schema.ts';

export const armPush = defineConfig({
  task: 'arm-push',
  seed: 1,
  train: {
    numEnvs: 256,
    horizon: 32,
    iterations: 1000,
    evalEvery: 20,
    evalEpisodes: 100,
    stopAtSuccess: 0.9,
  },
  ppo: {
    learningRate: 1e-3,
    minLearningRate: 1e-5,
    maxLearningRate: 3e-3,
    // A horizon of 4 s: a push takes as long.
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
  // Joint targets within 0.9 rad: a deviation of 0.37 is 0.33 rad, which the speed limit of the targets makes a gentle walk.
  network: { hidden: [256, 128], criticHidden: [128, 128], activation: 'elu', initialLogStd: -1, finalLogStd: -2.5 },
  reward: {},
  randomization: 1,
  dynamics: null,
});
