/**
 * Trains the quadrotor to reach a point and hover, each step learned from in two mirrors too: a budget that no run has yet
 * shown to be enough.
 */

import { defineConfig } from './schema.ts';

export const quadrotorHover = defineConfig({
  task: 'quadrotor-hover',
  seed: 1,
  train: {
    numEnvs: 128,
    horizon: 48,
    iterations: 400,
    evalEvery: 40,
    evalEpisodes: 50,
    stopAtSuccess: 0.95,
  },
  ppo: {
    learningRate: 5e-4,
    minLearningRate: 1e-5,
    maxLearningRate: 1.5e-3,
    // A horizon of 1 s: as long as it takes to fly a metre.
    gamma: 0.99,
    lam: 0.95,
    clip: 0.2,
    valueClip: null,
    valueCoef: 0.5,
    entropyCoef: 0.001,
    maxGradNorm: 1,
    targetKl: 0.03,
    epochs: 4,
    minibatches: 4,
    symmetry: 'augment',
  },
  network: {
    hidden: [64, 64],
    criticHidden: [64, 64],
    activation: 'elu',
    // Full thrust is an action of 1: noise beyond a third of it overturns the machine within a second.
    initialLogStd: -1.3,
    finalLogStd: -2.3,
  },
  reward: {},
  randomization: 1,
  dynamics: null,
});
