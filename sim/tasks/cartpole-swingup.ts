/**
 * Swing a pole up from hanging and balance it, on a rail that ends: the cart may not run past it. Knows no learner.
 */

import { cos, exp } from '../../core/math.ts';
import { cartpoleSwingupReference } from '../references/cartpole.ts';
import { defineTask, type StepView } from '../task.ts';
import {
  cartpoleActions,
  cartpoleCriticObservations,
  cartpoleObservations,
  cartpoleRandomization,
  cartpoleSymmetries,
  isOffRail,
  poleTilt,
} from './cartpole-terms.ts';

/** Where episodes start: the pole's angle, rad, and half-widths about it: angle, rad, its speed, rad/s; cart, m and m/s. */
const HANGING = [0, 0.1, 0.1, 0.2, 0.1] as const;
const ANYWHERE = [0, Math.PI, 6, 1, 1] as const;
const UPRIGHT = [Math.PI, 0.3, 1, 1, 0.5] as const;

/** rad the pole may turn from hanging: past standing, not around. */
const WOUND = 2 * Math.PI;

/** 1 with the pole's energy of standing, 0 without or with twice that: a swing pays before it stands, a whirl does not. */
function energy({ state }: StepView): number {
  // E / (m g l) = 2 l qd^2 / (3 g) - cos q, for a rod of half-length l = 0.5 m
  const share = state.qd[1]! ** 2 / (3 * 9.81) - cos(state.q[1]!);
  return Math.max(0, 1 - Math.abs(share - 1) / 2);
}

export const cartpoleSwingup = defineTask({
  name: 'cartpole-swingup',
  summary: 'swing a pole up from hanging with a cart that stays on its rail, and balance it',
  robot: 'cartpole',
  // As cartpole-balance.
  rateHz: 50,
  physics: { physicsDt: 0.005, solverIterations: 4 },
  episodeSeconds: 10,
  observations: cartpoleObservations,
  criticObservations: [
    ...cartpoleCriticObservations,
    { name: 'turns', term: 'joint_position', joints: ['hinge'], scale: 0.2, clip: null, history: 1, delay: 0 },
  ],
  actions: cartpoleActions,
  rewards: {
    energy: { weight: 1, fn: energy, doc: 'of the pole: 1 as much as standing, 0 hanging still or whirling' },
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
    // Whirling is no way to stand, and winds the encoder's cable up.
    wound: ({ state }) => Math.abs(state.q[1]!) > WOUND,
  },
  start(random, training, { q, qd }) {
    // Two thirds of training begin anywhere or nearly upright: who never stands does not learn that standing pays.
    const place = training ? 3 * random.uniform() : 0;
    const [centre, angle, spin, position, speed] = place < 1 ? HANGING : place < 2 ? ANYWHERE : UPRIGHT;
    q[0] = random.between(-position, position);
    q[1] = centre + random.between(-angle, angle);
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
