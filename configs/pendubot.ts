/** Trains the swing-up of the pendubot: the iterations are a budget that no run has yet shown to be enough. */

import { defineConfig } from './schema.ts';

export const pendubot = defineConfig({
  task: 'pendubot',
  seed: 1,
  train: {
    numEnvs: 256,
    horizon: 64,
    iterations: 600,
    evalEvery: 10,
    evalEpisodes: 100,
    stopAtSuccess: 0.99,
  },
  ppo: {
    learningRate: 1e-3,
    minLearningRate: 1e-5,
    maxLearningRate: 3e-3,
    // A horizon of 2 s at 100 Hz.
    gamma: 0.995,
    lam: 0.95,
    clip: 0.2,
    valueClip: null,
    valueCoef: 0.5,
    entropyCoef: 1e-3,
    maxGradNorm: 1,
    targetKl: 0.02,
    epochs: 4,
    minibatches: 4,
  },
  network: { hidden: [128, 128], criticHidden: [128, 128], activation: 'elu', initialLogStd: 0, finalLogStd: -1.5 },
  reward: {},
  randomization: 1,
  dynamics: null,
});
