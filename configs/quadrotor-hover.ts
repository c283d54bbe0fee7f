/** Trains the quadrotor to reach a point and hover: about five million control steps of one rigid body. */

import { defineConfig } from './schema.ts';

export const quadrotorHover = defineConfig({
  task: 'quadrotor-hover',
  seed: 1,
  train: {
    numEnvs: 256,
    horizon: 48,
    iterations: 400,
    evalEvery: 25,
    evalEpisodes: 100,
    stopAtSuccess: 0.98,
  },
  ppo: {
    learningRate: 1e-3,
    minLearningRate: 1e-5,
    maxLearningRate: 3e-3,
    // A horizon of 1 s: as long as it takes to fly a metre.
    gamma: 0.99,
    lam: 0.95,
    clip: 0.2,
    valueClip: null,
    valueCoef: 0.5,
    entropyCoef: 0.003,
    maxGradNorm: 1,
    targetKl: 0.015,
    epochs: 5,
    minibatches: 4,
  },
  network: {
    hidden: [64, 64],
    criticHidden: [64, 64],
    activation: 'elu',
    // Full thrust is an action of 1: noise beyond a third of it overturns the machine within a second.
    initialLogStd: -1,
    finalLogStd: -1.5,
  },
  reward: {},
  randomization: 1,
  dynamics: null,
});
