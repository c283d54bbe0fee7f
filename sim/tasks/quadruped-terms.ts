/**
 * What walking is worth: the reward and success terms of the quadruped's tasks, pure functions of one step. Feet are found by
 * the legs' closed form, contacts by the robot's switches, so a step's terms cost microseconds. Knows no engine. Weights:
 * legged_gym (Rudin et al., CoRL 2021) and its successors, adapted to a trot with a clock.
 */

import { exp, sin } from '../../core/math.ts';
import type { RewardTerm, StepView } from '../task.ts';
import { FOOT_RADIUS, footPosition, footVelocity, LEGS } from './quadruped-legs.ts';
import { bodyVelocity, upX, upY, upZ } from './quadruped-state.ts';

/** Where numbers of the command are. */
export const COMMAND = { vx: 0, vy: 1, wz: 2, gait: 3 } as const;
/** Of the command, Hz: two steps of each foot a second while the robot is to move, none while it is to stand. */
export const GAIT_HZ = 2;
/** Commands slower than this are to stand still: m/s, and rad/s. */
export const SLOWEST = 0.15;

/** Of the joints in action 0 and at an episode's start: hip, thigh, calf of each leg, rad. */
export const STANCE: readonly number[] = LEGS.flatMap(() => [0, 0.8, -1.5]);
/** Trunk over ground, m: what the stance gives under the robot's weight. */
const HEIGHT = 0.27;
/** Highest point of a swing, m. */
const LIFT = 0.07;

const velocity = new Float64Array(3);
const foot = new Float64Array(3);
const motion = new Float64Array(3);

/** Share of a turn since the clock began one, [0, 1); the clock of the `clock` observation. */
function phaseOf(view: StepView): number {
  const turns = view.command[COMMAND.gait]! * view.state.time;
  return turns - Math.floor(turns);
}

/** FR and RL swing in the first half of the turn, FL and RR in the second. */
function swings(leg: number, phase: number): boolean {
  return (leg === 0 || leg === 3) === phase < 0.5;
}

/** Where along its swing a swinging foot is, [0, 1). */
function swingOf(phase: number): number {
  return phase < 0.5 ? 2 * phase : 2 * phase - 1;
}

/** Height of a foot's sole over the plane that the trunk is `height` above, m. */
function soleHeight(view: StepView, leg: number, height: number): number {
  footPosition(view.state.q, leg, foot);
  return height + upX(view.state) * foot[0]! + upY(view.state) * foot[1]! + upZ(view.state) * foot[2]! - FOOT_RADIUS;
}

function squareSum(values: ArrayLike<number>): number {
  let sum = 0;
  for (let k = 0; k < values.length; k++) sum += values[k]! * values[k]!;
  return sum;
}

/** Squared error of the velocity in the base's plane against the command, (m/s)2. */
export function velocityError(view: StepView): number {
  bodyVelocity(view.state, velocity);
  return (velocity[0]! - view.command[COMMAND.vx]!) ** 2 + (velocity[1]! - view.command[COMMAND.vy]!) ** 2;
}

function stands(view: StepView): boolean {
  return view.command[COMMAND.gait] === 0;
}

/** @param heightOf the trunk over the ground below it, m */
export function walkingRewards(heightOf: (view: StepView) => number): Readonly<Record<string, RewardTerm>> {
  return {
    track_linear: {
      weight: 1.5,
      fn: (view) => exp(-velocityError(view) / 0.25),
      doc: 'exp(-e2 / 0.25) of the velocity in the plane, m/s',
    },
    track_angular: {
      weight: 0.75,
      fn: ({ state, command }) => exp(-((state.twist[5]! - command[COMMAND.wz]!) ** 2) / 0.25),
      doc: 'exp(-e2 / 0.25) of the turning rate, rad/s',
    },
    vertical: { weight: -1, fn: ({ state }) => state.twist[2]! ** 2, doc: 'bouncing, (m/s)2' },
    rocking: {
      weight: -0.05,
      fn: ({ state }) => state.twist[3]! ** 2 + state.twist[4]! ** 2,
      doc: 'rolling and pitching rates, (rad/s)2',
    },
    tilt: { weight: -2, fn: ({ state }) => upX(state) ** 2 + upY(state) ** 2, doc: 'sine of the tilt, squared' },
    height: { weight: -20, fn: (view) => (heightOf(view) - HEIGHT) ** 2, doc: 'from the height it stands at, m2' },
    torque: { weight: -2e-4, fn: ({ state }) => squareSum(state.effort), doc: 'sum of squared torques, (N m)2' },
    acceleration: { weight: -2.5e-7, fn: jointAcceleration, doc: 'sum of squared joint accelerations, (rad/s2)2' },
    // -0.01 a step of 0.25 rad, which is a third of an action of 0.75 rad.
    smoothness: { weight: -0.09, fn: actionRate, doc: 'change of the action, squared' },
    slip: { weight: -0.1, fn: slip, doc: 'squared speed of the feet that touch, (m/s)2' },
    hips: { weight: -0.5, fn: hipSpread, doc: 'hips away from straight down, rad2' },
    pose: { weight: -0.05, fn: poseError, doc: 'joints away from the stance, rad2' },
    stand_still: {
      weight: -0.5,
      fn: (view) => (stands(view) ? restlessness(view) : 0),
      doc: 'joints away from the stance while it is to stand, rad',
    },
    knees: { weight: -1, fn: bodyContacts, doc: 'thighs and calves that touch the ground' },
    // Never negative: a robot that is punished for the chatter of its feet learns to stand still.
    foot_lift: {
      weight: 0.3,
      fn: (view) => (stands(view) ? 0 : footLift(view, heightOf(view))),
      doc: 'swinging feet up to the height of the clock, as a share of the highest',
    },
    clock: {
      weight: 0.1,
      fn: (view) => (stands(view) ? 0 : clockAgreement(view)),
      doc: 'feet that touch while the clock says so and not while not, less those that do otherwise',
    },
  };
}

function jointAcceleration({ state, before, dt }: StepView): number {
  let sum = 0;
  for (let j = 0; j < state.qd.length; j++) sum += ((state.qd[j]! - before.qd[j]!) / dt) ** 2;
  return sum;
}

function actionRate({ action, lastAction }: StepView): number {
  let sum = 0;
  for (let k = 0; k < action.length; k++) sum += (action[k]! - lastAction[k]!) ** 2;
  return sum;
}

function slip({ state }: StepView): number {
  const { q, qd, twist } = state;
  const touching = state.sensors.feet!;
  bodyVelocity(state, velocity);
  const upwardX = upX(state);
  const upwardY = upY(state);
  const upwardZ = upZ(state);
  let sum = 0;
  for (let leg = 0; leg < LEGS.length; leg++) {
    if (touching[leg] === 0) continue;
    footPosition(q, leg, foot);
    footVelocity(q, qd, leg, motion);
    // v_foot = v + w x p + J qd along the base's axes, less its share along the vertical
    const x = velocity[0]! + twist[4]! * foot[2]! - twist[5]! * foot[1]! + motion[0]!;
    const y = velocity[1]! + twist[5]! * foot[0]! - twist[3]! * foot[2]! + motion[1]!;
    const z = velocity[2]! + twist[3]! * foot[1]! - twist[4]! * foot[0]! + motion[2]!;
    sum += x * x + y * y + z * z - (x * upwardX + y * upwardY + z * upwardZ) ** 2;
  }
  return sum;
}

function hipSpread({ state }: StepView): number {
  let sum = 0;
  for (let leg = 0; leg < LEGS.length; leg++) sum += state.q[3 * leg]! ** 2;
  return sum;
}

function poseError({ state }: StepView): number {
  let sum = 0;
  for (let j = 0; j < STANCE.length; j++) sum += (state.q[j]! - STANCE[j]!) ** 2;
  return sum;
}

function restlessness({ state }: StepView): number {
  let sum = 0;
  for (let j = 0; j < STANCE.length; j++) sum += Math.abs(state.q[j]! - STANCE[j]!);
  return sum;
}

/** Of the `body` sensor, whose first number is the trunk's. */
function bodyContacts({ state }: StepView): number {
  const touching = state.sensors.body!;
  let sum = 0;
  for (let k = 1; k < touching.length; k++) sum += touching[k]!;
  return sum;
}

function footLift(view: StepView, height: number): number {
  const phase = phaseOf(view);
  const wanted = LIFT * sin(Math.PI * swingOf(phase));
  let sum = 0;
  for (let leg = 0; leg < LEGS.length; leg++) {
    if (swings(leg, phase)) sum += Math.max(0, Math.min(soleHeight(view, leg, height), wanted)) / LIFT;
  }
  return sum;
}

function clockAgreement(view: StepView): number {
  const phase = phaseOf(view);
  const touching = view.state.sensors.feet!;
  let sum = 0;
  for (let leg = 0; leg < LEGS.length; leg++) sum += (touching[leg] === 0) === swings(leg, phase) ? 1 : -1;
  return sum;
}
