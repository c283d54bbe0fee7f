/** Trains the pendulum's swing-up: at most 0.9 million control steps, under a minute on two cores. */

import { defineConfig } from './schema.ts';

export const pendulum = defineConfig({
  task: 'pendulum',
  seed: 1,
  train: {
    numEnvs: 128,
    horizon: 64,
    iterations: 110,
    evalEvery: 10,
    evalEpisodes: 100,
    stopAtSuccess: 0.99,
  },
  ppo: {
    learningRate: 1e-3,
    minLearningRate: 1e-5,
    maxLearningRate: 3e-3,
    // A horizon of 2 s: two swings.
    gamma: 0.99,
    lam: 0.97,
    clip: 0.2,
    valueClip: null,
    valueCoef: 0.5,
    entropyCoef: 0,
    maxGradNorm: 1,
    targetKl: 0.02,
    epochs: 4,
    minibatches: 4,
  },
  network: { hidden: [64, 64], criticHidden: [64, 64], activation: 'elu', initialLogStd: 0, finalLogStd: -1 },
  reward: {},
  randomization: 1,
  dynamics: null,
});
