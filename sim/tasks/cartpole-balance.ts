/**
 * Balance a pole on a cart: the task of Barto, Sutton and Anderson (IEEE Trans. SMC 13(5), 1983), with its limits of 12
 * degrees and the rail's end, and a force that is continuous here.
 */

import { cartpoleBalanceReference } from '../references/cartpole.ts';
import { defineTask } from '../task.ts';
import {
  cartpoleActions,
  cartpoleCriticObservations,
  cartpoleObservations,
  cartpoleRandomization,
  cartpoleSymmetries,
  isOffRail,
  poleTilt,
} from './cartpole-terms.ts';

/** 12 degrees, rad. */
const FALLEN = (12 * Math.PI) / 180;

export const cartpoleBalance = defineTask({
  name: 'cartpole-balance',
  summary: 'keep a pole upright on a cart that stays on its rail',
  robot: 'cartpole',
  // The pole falls with sqrt(m g l / (I + m l^2 - (m l)^2 / (M + m))) = 4.0 1/s: 50 Hz is 13 steps of that time constant.
  rateHz: 50,
  // Measured against Runge-Kutta in tests/sim/theory/cart-pole.test.ts.
  physics: { physicsDt: 0.005, solverIterations: 4 },
  episodeSeconds: 10,
  observations: cartpoleObservations,
  criticObservations: cartpoleCriticObservations,
  actions: cartpoleActions,
  rewards: {
    alive: { weight: 1, fn: () => 1, doc: 'every moment that the pole stands and the cart is on the rail' },
    tilt: { weight: -10, fn: ({ state }) => poleTilt(state) ** 2, doc: 'angle from upright, squared, rad2' },
    position: { weight: -0.1, fn: ({ state }) => state.q[0]! ** 2, doc: 'distance from the middle, squared, m2' },
    force: { weight: -0.05, fn: ({ action }) => action[0]! ** 2, doc: 'force squared, as a share of the limit' },
    smoothness: {
      weight: -0.02,
      fn: ({ action, lastAction }) => (action[0]! - lastAction[0]!) ** 2,
      doc: 'change of force from step to step, squared',
    },
  },
  terminations: {
    fallen: ({ state }) => Math.abs(poleTilt(state)) > FALLEN,
    rail: ({ state }) => isOffRail(state),
  },
  start(random, training, { q, qd }) {
    // Training also starts away from the middle and further from upright.
    const wide = training ? 2 : 1;
    q[0] = random.between(-0.5, 0.5) * wide;
    q[1] = Math.PI + random.between(-0.05, 0.05) * wide;
    qd[0] = random.between(-0.2, 0.2) * wide;
    qd[1] = random.between(-0.2, 0.2) * wide;
  },
  randomization: cartpoleRandomization,
  symmetries: cartpoleSymmetries,
  reference: cartpoleBalanceReference,
  success: {
    seconds: 2,
    test: ({ state }) => Math.abs(poleTilt(state)) < FALLEN / 2 && Math.abs(state.q[0]!) < 1,
  },
});
