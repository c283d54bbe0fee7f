/**
 * Fly to a point and stay there: one thrust a rotor, position and velocity from motion capture. Observations and ranges
 * follow J. Eschmann et al., "Learning to fly in seconds" (RA-L 2024), whose policies flew this quadrotor.
 */

import { cos, exp, sin } from '../../core/math.ts';
import type { RobotState } from '../../core/robot.ts';
import { cascade } from '../references/quadrotor-cascade.ts';
import { FLOOR } from '../scene.ts';
import { defineTask, type StartState, type StepView } from '../task.ts';

const ROTORS = ['rotor_1', 'rotor_2', 'rotor_3', 'rotor_4'];
/** N: a quarter of its weight, and what a rotor gives at most. */
const HOVER = (0.027 * 9.81) / 4;
const MOST = 0.1597;
/** N per unit of action: 1 is full thrust, and a little less than -1 none. */
const SCALE = MOST - HOVER;

/** m from the point. */
function distance({ state, command }: StepView): number {
  const { base } = state;
  return Math.sqrt((base[0]! - command[0]!) ** 2 + (base[1]! - command[1]!) ** 2 + (base[2]! - command[2]!) ** 2);
}

/** m/s */
function speed({ twist }: RobotState): number {
  return Math.sqrt(twist[0]! ** 2 + twist[1]! ** 2 + twist[2]! ** 2);
}

/** (rad/s)2 */
function spinSquared({ twist }: RobotState): number {
  return twist[3]! ** 2 + twist[4]! ** 2 + twist[5]! ** 2;
}

/** cos of the angle between its thrust and the vertical. */
function upright({ base }: RobotState): number {
  return 1 - 2 * (base[3]! ** 2 + base[4]! ** 2);
}

function squaredChange({ action, lastAction }: StepView): number {
  let sum = 0;
  for (let k = 0; k < action.length; k++) sum += (action[k]! - lastAction[k]!) ** 2;
  return sum;
}

function squaredAction({ action }: StepView): number {
  let sum = 0;
  for (let k = 0; k < action.length; k++) sum += action[k]! * action[k]!;
  return sum;
}

/** Where points lie: beside the origin, m, and over the floor. */
const ASIDE = 1;
const ABOVE: readonly [number, number] = [0.7, 1.7];
/** The rotors start at rest and take 0.15 s: g T = 1.5 m/s and half a metre are lost until they carry it. */
const START: readonly [number, number] = [1.2, 1.6];
/** Training starts higher too: from below a beginner meets the floor before its rotors have done anything. */
const HIGH: readonly [number, number] = [1.2, 3];

/** cos of 100 degrees: beyond it thrust pulls it down. */
const OVERTURNED = cos((100 / 180) * Math.PI);

/** How far from level and at rest an episode starts, in training from calm to wild: rad, m/s, rad/s. */
const CALM = { tilt: 0.1, speed: 0.1, spin: 0.2 } as const;
const WILD = { tilt: 1, speed: 1, spin: 3 } as const;

/** @param order which rotor each becomes */
function swapped(order: readonly number[]): Readonly<Record<string, readonly [string, 1]>> {
  return Object.fromEntries(ROTORS.map((rotor, k) => [rotor, [ROTORS[order[k]!]!, 1] as const]));
}

const plain = { joints: [] as string[], scale: 1, clip: null, history: 1, delay: 0 };

export const quadrotorHover = defineTask({
  name: 'quadrotor-hover',
  summary: 'fly a palm-sized quadrotor to a point and stay there',
  robot: 'quadrotor',
  // Attitude gives way within 0.1 s: ten steps of it.
  rateHz: 100,
  // One rigid body and no contact in flight: the step only has to resolve rates of up to 10 rad/s and the rotors' lag.
  physics: { physicsDt: 0.005, solverIterations: 2 },
  episodeSeconds: 8,
  observations: [
    { ...plain, name: 'point', term: 'command_point', of: ['x', 'y', 'z'], clip: [-2, 2] },
    { ...plain, name: 'rotation', term: 'base_rotation' },
    { ...plain, name: 'velocity', term: 'base_linear_velocity', clip: [-5, 5] },
    { ...plain, name: 'spin', term: 'angular_velocity', sensor: 'imu', scale: 0.2, clip: [-5, 5] },
    // Thrust lags by 0.15 s and is not measured: the last 0.16 s of actions tell it.
    { ...plain, name: 'last_actions', term: 'last_action', joints: ROTORS, history: 16 },
  ],
  criticObservations: [
    { ...plain, name: 'point', term: 'command_point', of: ['x', 'y', 'z'] },
    { ...plain, name: 'rotation', term: 'base_rotation' },
    { ...plain, name: 'velocity', term: 'base_linear_velocity' },
    { ...plain, name: 'spin', term: 'base_angular_velocity', scale: 0.2 },
    { ...plain, name: 'height', term: 'base_height' },
    { ...plain, name: 'thrusts', term: 'joint_effort', joints: ROTORS, scale: 10 },
    { ...plain, name: 'last_action', term: 'last_action', joints: ROTORS },
  ],
  actions: [
    { name: 'thrusts', kind: 'effort', joints: ROTORS, scale: SCALE, offset: HOVER, clip: [0, MOST], rateLimit: null },
  ],
  command: {
    names: ['x', 'y', 'z'],
    units: ['m', 'm', 'm'],
    ranges: [
      [-ASIDE, ASIDE],
      [-ASIDE, ASIDE],
      [0.3, 2],
    ],
    everySeconds: null,
    sample(random, _scene, _start, out) {
      out[0] = random.between(-ASIDE, ASIDE);
      out[1] = random.between(-ASIDE, ASIDE);
      out[2] = random.between(...ABOVE);
    },
  },
  rewards: {
    near: { weight: 1, fn: (view) => exp(-distance(view)), doc: 'close to the point: 1 there, 0.37 a metre off' },
    // Only at the point does standing still pay, or it would hover where it is.
    still: {
      weight: 2,
      fn: (view) => exp(-((distance(view) / 0.15) ** 2) - (speed(view.state) / 0.3) ** 2),
      doc: 'at the point, to 0.15 m, and slow, to 0.3 m/s',
    },
    upright: { weight: 0.5, fn: ({ state }) => upright(state), doc: 'cosine of the tilt' },
    // So little that a beginner, who tumbles at 10 rad/s, is still told near from far: below 0 everything looks alike.
    spin: { weight: -0.005, fn: ({ state }) => spinSquared(state), doc: 'body rates, (rad/s)2' },
    thrust: { weight: -0.05, fn: squaredAction, doc: 'thrusts away from hovering, squared' },
    smoothness: { weight: -0.1, fn: squaredChange, doc: 'change of the thrusts from step to step, squared' },
  },
  onlyPositive: true,
  terminations: {
    // Half its height and a little: any part of it on the floor.
    crash: ({ state }) => state.base[2]! < 0.06,
    overturned: ({ state }) => upright(state) < OVERTURNED,
    lost: (view) => distance(view) > 4,
  },
  start(random, training, start) {
    const { base, twist } = start;
    const wild = training ? random.uniform() : 0;
    const between = (key: keyof typeof CALM) => {
      const most = CALM[key] + wild * (WILD[key] - CALM[key]);
      return random.between(-most, most);
    };
    for (let k = 0; k < 2; k++) base[k] = random.between(-ASIDE, ASIDE);
    base[2] = training ? random.between(...HIGH) : random.between(...START);
    tilt(start, random.between(-Math.PI, Math.PI), between('tilt'));
    for (let k = 0; k < 3; k++) twist[k] = between('speed');
    for (let k = 3; k < 6; k++) twist[k] = between('spin');
  },
  scene: () => FLOOR,
  // A gust.
  pushes: { everySeconds: [2, 5], linear: 0.3, angular: 0.5 },
  randomization: {
    // Another battery, put in a little askew, and worn propellers. Half a millimetre turns this machine by 8 rad/s2: a policy
    // without an integral cannot hold a point against more than that.
    baseMassScale: { operation: 'scale', range: [0.97, 1.05] },
    comX: { operation: 'add', range: [-0.0003, 0.0003] },
    comY: { operation: 'add', range: [-0.0003, 0.0003] },
    torqueScale: { operation: 'scale', range: [0.96, 1.04], shared: true },
    latency: { operation: 'abs', range: [0, 0.015] },
    sensorLatency: { operation: 'abs', range: [0, 0.005] },
    imuRoll: { operation: 'add', range: [-0.02, 0.02] },
    imuPitch: { operation: 'add', range: [-0.02, 0.02] },
  },
  // Rotors clockwise from the front right: a mirror swaps two that turn against each other. The measured products of inertia
  // are 5% off it.
  symmetries: [
    { name: 'left-right', axes: [1, -1, 1], joints: swapped([3, 2, 1, 0]), command: { y: -1 } },
    { name: 'front-back', axes: [-1, 1, 1], joints: swapped([1, 0, 3, 2]), command: { x: -1 } },
  ],
  reference: {
    doc: 'a cascade of PD controllers: position, attitude, body rates, and a mixer that leads the rotors',
    make: cascade({ offset: HOVER, scale: SCALE, most: MOST }),
    score: { successRate: 0.95, meanReturn: 18.827826253898543 },
  },
  // A body's width and a slow walk of an insect: what a photo would call hovering.
  success: { seconds: 1, test: (view) => distance(view) < 0.15 && speed(view.state) < 0.3 },
});

/** Turned by an angle about a level axis. @param heading of the axis, rad @param angle rad */
function tilt({ base }: StartState, heading: number, angle: number): void {
  const s = sin(angle / 2);
  base[3] = s * cos(heading);
  base[4] = s * sin(heading);
  base[6] = cos(angle / 2);
}
