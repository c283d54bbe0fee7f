/** Trains the swing-up of the acrobot, each step learned from in the mirror too: a budget that no run has yet shown to be enough. */

import { defineConfig } from './schema.ts';

export const acrobot = defineConfig({
  task: 'acrobot',
  seed: 1,
  train: {
    numEnvs: 128,
    horizon: 64,
    iterations: 200,
    evalEvery: 20,
    evalEpisodes: 50,
    stopAtSuccess: 0.95,
  },
  ppo: {
    learningRate: 1e-3,
    minLearningRate: 1e-5,
    maxLearningRate: 3e-3,
    // A horizon of 2 s at 100 Hz.
    gamma: 0.995,
    lam: 0.97,
    clip: 0.2,
    valueClip: null,
    valueCoef: 0.5,
    entropyCoef: 1e-3,
    maxGradNorm: 1,
    targetKl: 0.02,
    epochs: 4,
    minibatches: 4,
    symmetry: 'augment',
  },
  network: {
    hidden: [64, 64],
    criticHidden: [64, 64],
    activation: 'elu',
    // Standing, an action of 1 held for a step is 6 rad/s at the elbow, and a tenth of it all that can be caught: a third of it
    // finds the swing, a fortieth the balance.
    initialLogStd: -1,
    finalLogStd: -5,
  },
  reward: {},
  randomization: 1,
  dynamics: null,
});
