/** Trains the balancing of a pole on a cart. */

import { defineConfig } from './schema.ts';

export const cartpoleBalance = defineConfig({
  task: 'cartpole-balance',
  seed: 1,
  train: {
    numEnvs: 128,
    horizon: 32,
    iterations: 60,
    evalEvery: 10,
    evalEpisodes: 100,
    stopAtSuccess: 0.99,
  },
  ppo: {
    learningRate: 1e-3,
    minLearningRate: 1e-5,
    maxLearningRate: 3e-3,
    // A horizon of 2 s: eight times the time constant of the fall.
    gamma: 0.99,
    lam: 0.95,
    clip: 0.2,
    valueClip: null,
    valueCoef: 0.5,
    entropyCoef: 0,
    maxGradNorm: 1,
    targetKl: 0.02,
    epochs: 4,
    minibatches: 4,
  },
  network: { hidden: [64, 64], criticHidden: [64, 64], activation: 'elu', initialLogStd: -0.5, finalLogStd: -1.5 },
  reward: {},
  randomization: 1,
  dynamics: null,
});
