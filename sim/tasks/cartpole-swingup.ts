/**
 * Swing a pole up from hanging and balance it, on a rail that ends: the cart may not run past it. Knows no learner.
 */

import { cos, exp } from '../../core/math.ts';
import { cartpoleSwingupReference } from '../references/cartpole.ts';
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

/** Half-widths of where training starts: the pole's angle from hanging, rad, its speed, rad/s; cart, m and m/s. */
const HANGING = [0.1, 0.1, 0.2, 0.1] as const;
const ANYWHERE = [Math.PI, 6, 1, 1] as const;

export const cartpoleSwingup = defineTask({
  name: 'cartpole-swingup',
  summary: 'swing a pole up from hanging with a cart that stays on its rail, and balance it',
  robot: 'cartpole',
  // As cartpole-balance.
  rateHz: 50,
  physics: { physicsDt: 0.005, solverIterations: 4 },
  episodeSeconds: 10,
  observations: cartpoleObservations,
  criticObservations: cartpoleCriticObservations,
  actions: cartpoleActions,
  rewards: {
    height: { weight: 1, fn: ({ state }) => (1 - cos(state.q[1]!)) / 2, doc: 'of the tip: 0 hanging, 1 standing' },
    balance: {
      weight: 3,
      fn: ({ state }) => exp(-((poleTilt(state) / 0.3) ** 2) - (state.qd[1]! / 2) ** 2),
      doc: 'close to upright and slow',
    },
    position: { weight: -0.15, fn: ({ state }) => state.q[0]! ** 2, doc: 'distance from the middle, squared, m2' },
    force: { weight: -0.05, fn: ({ action }) => action[0]! ** 2, doc: 'force squared, as a share of the limit' },
    smoothness: {
      weight: -0.05,
      fn: ({ action, lastAction }) => (action[0]! - lastAction[0]!) ** 2,
      doc: 'change of force from step to step, squared',
    },
  },
  terminations: {
    rail: ({ state }) => isOffRail(state),
    // The robot's limit on the hinge: faster is a fault on the real one.
    overspeed: ({ state }) => Math.abs(state.qd[1]!) > 20,
  },
  start(random, training, { q, qd }) {
    // Half of training begins anywhere, so that balancing is learned beside swinging.
    const [angle, spin, position, speed] = training && random.uniform() < 0.5 ? ANYWHERE : HANGING;
    q[0] = random.between(-position, position);
    q[1] = random.between(-angle, angle);
    qd[0] = random.between(-speed, speed);
    qd[1] = random.between(-spin, spin);
  },
  randomization: cartpoleRandomization,
  symmetries: cartpoleSymmetries,
  reference: cartpoleSwingupReference,
  success: {
    seconds: 2,
    test: ({ state }) => Math.abs(poleTilt(state)) < 0.2 && Math.abs(state.qd[1]!) < 1,
  },
});
