/** Trains the swing-up of a pole on a cart: at most half a million control steps, each learned from in the mirror too. */

import { defineConfig } from './schema.ts';

export const cartpoleSwingup = defineConfig({
  task: 'cartpole-swingup',
  seed: 1,
  train: {
    numEnvs: 64,
    horizon: 64,
    iterations: 120,
    evalEvery: 20,
    evalEpisodes: 100,
    stopAtSuccess: 0.99,
  },
  ppo: {
    learningRate: 1e-3,
    minLearningRate: 1e-5,
    maxLearningRate: 3e-3,
    // A horizon of 2 s: one full swing.
    gamma: 0.99,
    lam: 0.95,
    clip: 0.2,
    valueClip: null,
    valueCoef: 0.5,
    entropyCoef: 0.002,
    maxGradNorm: 1,
    targetKl: 0.02,
    epochs: 4,
    minibatches: 4,
    symmetry: 'augment',
  },
  network: { hidden: [64, 64], criticHidden: [64, 64], activation: 'elu', initialLogStd: -0.5, finalLogStd: -1.5 },
  reward: {},
  randomization: 1,
  dynamics: null,
});
