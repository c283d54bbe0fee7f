/**
 * Swing a pendulum up and balance it, with a motor too weak to lift it: 1.0 N m where gravity needs 2.8. The rules of
 * success are those of the torque-limited simple pendulum (JOSS 10.21105/joss.03884): start hanging, q = pi after 10 s.
 */

import { cos, exp, wrapAngle } from '../../core/math.ts';
import type { RobotState } from '../../core/robot.ts';
import { ADR_DEFAULTS } from '../adr.ts';
import { pendulumReference } from '../references/pendulum.ts';
import { defineTask } from '../task.ts';

/** Distance from upright, rad. */
function tilt(state: RobotState): number {
  return wrapAngle(state.q[0]! - Math.PI);
}

/** (g/l) of the point-mass pendulum, 1/s2. */
const OMEGA_SQUARED = 9.81 / 0.5;

/** (qd^2 / 2 + g/l (1 - cos q)) / (2 g/l): 0 hanging at rest, 1 upright at rest. */
function energy(state: RobotState): number {
  return (0.5 * state.qd[0]! ** 2 + OMEGA_SQUARED * (1 - cos(state.q[0]!))) / (2 * OMEGA_SQUARED);
}

/**
 * The root is linear in the amplitude of a small swing, so that the first swings pay too; beyond upright it falls five
 * times as fast, so that spinning round does not pay.
 */
function energyReward(root: number): number {
  return root <= 1 ? root : Math.max(-1, 1 - 5 * (root - 1));
}

/** Where episodes start: centre and half-width of the angle, rad, half-width of the velocity, rad/s. */
const HANGING = [0, 0.05, 0.05] as const;
const STUCK = [0, 0.4, 0.02] as const;
const SWINGING = [0, 0.6, 3] as const;
const ANYWHERE = [0, Math.PI, 12] as const;
const UPRIGHT = [Math.PI, 0.5, 2] as const;

export const pendulum = defineTask({
  name: 'pendulum',
  summary: 'swing up and balance a torque-limited pendulum, starting from hanging',
  robot: 'pendulum',
  // The unstable pole of the upright pendulum is sqrt(g/l) = 4.4 rad/s: 50 Hz is 11 steps of its time constant. At 100 Hz the
  // same experience holds half the swings, and learning took three times as long or did not get there.
  rateHz: 50,
  physics: { physicsDt: 0.005, solverIterations: 4 },
  episodeSeconds: 10,
  observations: [
    { name: 'angle', term: 'joint_sin_cos', joints: ['shoulder'], scale: 1, clip: null, history: 1, delay: 0 },
    { name: 'velocity', term: 'joint_velocity', joints: ['shoulder'], scale: 0.1, clip: [-3, 3], history: 1, delay: 0 },
    // Two actions back covers 40 ms of latency: with them the delayed pendulum is a Markov process again.
    { name: 'last_actions', term: 'last_action', joints: ['shoulder'], scale: 1, clip: null, history: 2, delay: 0 },
  ],
  actions: [
    { name: 'torque', kind: 'effort', joints: ['shoulder'], scale: 1, offset: 0, clip: [-1, 1], rateLimit: null },
  ],
  rewards: {
    energy: {
      weight: 1,
      fn: ({ state }) => energyReward(Math.sqrt(energy(state))),
      doc: 'root of the total energy as a share of what standing upright takes: 1 there, 0 hanging, falls fast above',
    },
    balance: {
      weight: 4,
      fn: ({ state }) => exp(-((tilt(state) / 0.5) ** 2) - (state.qd[0]! / 2) ** 2),
      doc: 'close to upright and slow',
    },
    torque: { weight: -0.05, fn: ({ action }) => action[0]! ** 2, doc: 'torque squared, as a share of the limit' },
    smoothness: {
      weight: -0.2,
      fn: ({ action, lastAction }) => (action[0]! - lastAction[0]!) ** 2,
      doc: 'change of torque from step to step, squared',
    },
  },
  terminations: {
    overspeed: ({ state }) => Math.abs(state.qd[0]!) > 20,
  },
  start(random, training, { q, qd }) {
    // Training also starts where a policy may be later: held by friction, swinging, anywhere, spinning, close to upright.
    const place = training ? random.uniform() : 0;
    const [centre, angle, speed] =
      place < 0.25 ? HANGING : place < 0.45 ? STUCK : place < 0.55 ? SWINGING : place < 0.8 ? ANYWHERE : UPRIGHT;
    q[0] = centre + random.between(-angle, angle);
    qd[0] = random.between(-speed, speed);
  },
  // Wide enough for another load, another bearing and a slow bus; narrow enough that 1 N m can still pump it up.
  randomization: {
    massScale: { operation: 'scale', range: [0.9, 1.15] },
    comScale: { operation: 'scale', range: [0.95, 1.05] },
    armature: { operation: 'add', range: [0, 0.005] },
    damping: { operation: 'scale', range: [0.6, 1.4] },
    friction: { operation: 'scale', range: [0.6, 1.4] },
    torqueScale: { operation: 'scale', range: [0.93, 1.07] },
    torqueOffset: { operation: 'add', range: [-0.03, 0.03] },
    latency: { operation: 'abs', range: [0, 0.02] },
    gravity: { operation: 'add', range: [-0.05, 0.05] },
    positionNoise: { operation: 'abs', range: [0, 0.005] },
    velocityNoise: { operation: 'abs', range: [0, 0.1] },
  },
  // From little more than the nominal robot to twice the ranges above, in about five moves a bound. A run of default length has
  // 50 episodes at each.
  adr: {
    ...ADR_DEFAULTS,
    episodes: 8,
    parameters: [
      { name: 'massScale', initial: [0.98, 1.02], limits: [0.8, 1.3], delta: 0.04 },
      { name: 'comScale', initial: [0.99, 1.01], limits: [0.9, 1.1], delta: 0.02 },
      { name: 'damping', initial: [0.9, 1.1], limits: [0.2, 1.8], delta: 0.15 },
      { name: 'friction', initial: [0.9, 1.1], limits: [0.2, 1.8], delta: 0.15 },
      { name: 'latency', initial: [0, 0.005], limits: [0, 0.04], delta: 0.007 },
    ],
  },
  symmetries: [{ name: 'left-right', axes: [1, -1, 1], joints: { shoulder: ['shoulder', -1] } }],
  reference: pendulumReference,
  success: {
    seconds: 1,
    test: ({ state }) => Math.abs(tilt(state)) < 0.2 && Math.abs(state.qd[0]!) < 0.5,
  },
});
