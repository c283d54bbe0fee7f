/** Trains the quadruped to walk on flat ground: up to five million control steps, of which it tracks commands after three and a half. */

import { defineConfig } from './schema.ts';

export const quadrupedVelocity = defineConfig({
  task: 'quadruped-velocity',
  seed: 1,
  train: {
    numEnvs: 256,
    horizon: 24,
    iterations: 800,
    evalEvery: 50,
    evalEpisodes: 40,
    stopAtSuccess: 0.98,
  },
  ppo: {
    learningRate: 1e-3,
    minLearningRate: 1e-5,
    maxLearningRate: 1e-2,
    // A horizon of 2 s: four turns of the clock.
    gamma: 0.99,
    lam: 0.95,
    clip: 0.2,
    valueClip: 0.2,
    valueCoef: 1,
    entropyCoef: 0.005,
    maxGradNorm: 1,
    // Twice what is usual: with 0.01 the same tracking took half as many steps again.
    targetKl: 0.02,
    epochs: 5,
    minibatches: 4,
  },
  // An action of 1 is 0.75 rad: exploration begins at a third of it, 0.25 rad.
  network: {
    hidden: [128, 128],
    criticHidden: [128, 128],
    activation: 'elu',
    initialLogStd: -1.1,
    finalLogStd: -1.9,
  },
  // What it is asked for counts more against what it costs: turning was learned last with the task's 0.75.
  reward: { track_linear: 2, track_angular: 1.25 },
  randomization: 1,
  dynamics: null,
});
