/**
 * What the two cart-pole tasks share: the pole's coordinates, observations, the motor and what varies between real carts.
 * Figures of the robot: A. G. Barto, R. S. Sutton, C. W. Anderson, IEEE Trans. SMC 13(5), 1983. Knows no engine.
 */

import type { ActionContract } from '../../core/contract.ts';
import { wrapAngle } from '../../core/math.ts';
import type { RobotState } from '../../core/robot.ts';
import type { Symmetry } from '../../core/symmetry.ts';
import type { RandomizationTable } from '../randomization-terms.ts';
import type { ObservationSpec } from '../task.ts';

/** Force that an action of 1 stands for, N: the motor of the paper. */
export const CART_FORCE = 10;

/** Where an episode ends, m: just before the rail does, at 2.4 m. */
export const RAIL = 2.35;

/** Distance of the pole from upright, rad. */
export function poleTilt(state: RobotState): number {
  return wrapAngle(state.q[1]! - Math.PI);
}

/** Whether the cart has run to the end of its rail. */
export function isOffRail(state: RobotState): boolean {
  return Math.abs(state.q[0]!) > RAIL;
}

/** Encoders of rail and hinge, and two actions back: with them 20 ms of latency leave a Markov process. */
export const cartpoleObservations: readonly ObservationSpec[] = [
  { name: 'position', term: 'joint_position', joints: ['slider'], scale: 0.5, clip: null, history: 1, delay: 0 },
  { name: 'angle', term: 'joint_sin_cos', joints: ['hinge'], scale: 1, clip: null, history: 1, delay: 0 },
  { name: 'speed', term: 'joint_velocity', joints: ['slider'], scale: 0.3, clip: [-5, 5], history: 1, delay: 0 },
  { name: 'spin', term: 'joint_velocity', joints: ['hinge'], scale: 0.1, clip: [-5, 5], history: 1, delay: 0 },
  { name: 'last_actions', term: 'last_action', joints: ['slider'], scale: 1, clip: null, history: 2, delay: 0 },
];

/** The same without noise, and the force that the motor delivered. */
export const cartpoleCriticObservations: readonly ObservationSpec[] = [
  ...cartpoleObservations,
  { name: 'force', term: 'joint_effort', joints: ['slider'], scale: 0.1, clip: null, history: 1, delay: 0 },
];

export const cartpoleActions: readonly ActionContract[] = [
  {
    name: 'force',
    kind: 'effort',
    joints: ['slider'],
    scale: CART_FORCE,
    offset: 0,
    clip: [-CART_FORCE, CART_FORCE],
    rateLimit: null,
  },
];

export const cartpoleSymmetries: readonly Symmetry[] = [
  { name: 'left-right', axes: [1, -1, 1], joints: { slider: ['slider', -1], hinge: ['hinge', -1] } },
];

/** Another cart, another pole, a rail in use, a slow bus. The hinge has no motor: nothing that only a motor has varies by offset. */
export const cartpoleRandomization: RandomizationTable = {
  massScale: { operation: 'scale', range: [0.85, 1.15] },
  comScale: { operation: 'scale', range: [0.9, 1.1] },
  // N s/m of the rail and N m s/rad of the hinge: the paper's bearings are near perfect, real ones are not.
  damping: { operation: 'add', range: [0, 0.002] },
  friction: { operation: 'scale', range: [0, 4] },
  torqueScale: { operation: 'scale', range: [0.9, 1.1] },
  latency: { operation: 'abs', range: [0, 0.02] },
  gravity: { operation: 'add', range: [-0.05, 0.05] },
  // m and rad, m/s and rad/s
  positionNoise: { operation: 'abs', range: [0, 0.003] },
  velocityNoise: { operation: 'abs', range: [0, 0.05] },
};
