/**
 * What the quadruped's tasks share: observations, action, start, pushes, randomisation, falls. The set-up is that of policies
 * which walked on real robots of this size (legged_gym; unitree_rl_lab for what it observes). Knows no ground and no reward.
 */

import type { ActionContract } from '../../core/contract.ts';
import { cos, sin } from '../../core/math.ts';
import type { RandomStream } from '../../core/rng.ts';
import type { SensorSpec } from '../../core/sensor.ts';
import type { Symmetry } from '../../core/symmetry.ts';
import type { RandomizationTable } from '../randomization-terms.ts';
import type { PhysicsSettings } from '../rapier.ts';
import type { CommandTerm, ObservationSpec, PushTerm, StartState, StepView } from '../task.ts';
import { JOINTS, LEGS } from './quadruped-legs.ts';
import { upZ } from './quadruped-state.ts';
import { GAIT_HZ, SLOWEST } from './quadruped-terms.ts';

/** Control, Hz. */
export const RATE = 50;

/**
 * Explicit PD at 5 ms. A sweep over the joints costs less than a sub-step, which linearises them anew, and holds them together
 * better: while the reference trots in seven directions, the first second included, joints come apart by 6.3 mm at most with 2
 * sub-steps of 1 sweep, 2.8 of 2, 1.9 of 3 and 1.3 of 4; with 4 sub-steps of 1 sweep by 2.2, at a higher price. With 1
 * sub-step of 8 sweeps it is 2.2, and the stance creeps by 1.6 mm in 5 s.
 */
export const PHYSICS: PhysicsSettings = { physicsDt: 0.005, solverIterations: 2, solverSweeps: 3 };

/** rad per unit of action: a stride of 0.5 m at full speed, the sag of kp 25 under half the weight included. */
export const ACTION_SCALE = 0.75;

export const actions: readonly ActionContract[] = [
  {
    name: 'joints',
    kind: 'position',
    joints: [...JOINTS],
    scale: ACTION_SCALE,
    offset: 0,
    clip: [-ACTION_SCALE, ACTION_SCALE],
    rateLimit: null,
  },
];

const plain = { joints: [] as string[], scale: 1, clip: null, history: 1, delay: 0 };
const everyJoint = { ...plain, joints: [...JOINTS] };
const COMMANDED: readonly ObservationSpec[] = [
  { ...plain, name: 'command', term: 'command', of: ['vx', 'vy', 'wz'] },
  { ...plain, name: 'clock', term: 'clock', of: ['gait'] },
];
const JOINT_STATE: readonly ObservationSpec[] = [
  { ...everyJoint, name: 'joint_offset', term: 'joint_offset' },
  { ...everyJoint, name: 'joint_velocity', term: 'joint_velocity', scale: 0.05 },
  { ...everyJoint, name: 'last_action', term: 'last_action' },
];

/** 47 numbers: no linear velocity, which the robot does not measure. */
export const observations: readonly ObservationSpec[] = [
  { ...plain, name: 'angular_velocity', term: 'angular_velocity', sensor: 'imu', scale: 0.25 },
  { ...plain, name: 'gravity', term: 'projected_gravity', sensor: 'imu' },
  ...COMMANDED,
  ...JOINT_STATE,
];

/** For critics: without noise, and what only the simulator knows. Foot heights follow from these. */
export const truths: readonly ObservationSpec[] = [
  { ...plain, name: 'linear_velocity', term: 'base_linear_velocity', scale: 2 },
  { ...plain, name: 'angular_velocity', term: 'base_angular_velocity', scale: 0.25 },
  { ...plain, name: 'gravity', term: 'base_gravity' },
  ...COMMANDED,
  ...JOINT_STATE,
  { ...everyJoint, name: 'torques', term: 'joint_effort', scale: 0.1 },
  { ...plain, name: 'feet', term: 'sensor', sensor: 'feet' },
  { ...plain, name: 'body', term: 'sensor', sensor: 'body' },
];

/** What must not touch the ground; the trunk first. */
export const bodySensor: SensorSpec = {
  kind: 'contact',
  name: 'body',
  links: ['trunk', ...LEGS.flatMap((leg) => [`${leg}_thigh`, `${leg}_calf`])],
  threshold: 1,
};

/** FR and FL change places, RR and RL; the hips, about x, then turn the other way. */
const mirroredJoint = (joint: string): readonly [string, 1 | -1] => [
  `${joint[0]}${joint[1] === 'R' ? 'L' : 'R'}${joint.slice(2)}`,
  joint.endsWith('_hip') ? -1 : 1,
];

/** Between left and right. The legs that swing first are then the other ones: half a turn of the clock. */
export const leftRight: Symmetry = {
  name: 'left-right',
  axes: [1, -1, 1],
  joints: Object.fromEntries(JOINTS.map((joint) => [joint, mirroredJoint(joint)])),
  command: { vy: -1, wz: -1 },
  clock: -1,
  // Feet; then trunk, and thigh and calf of each leg.
  sensors: { feet: [1, 0, 3, 2], body: [0, 3, 4, 1, 2, 7, 8, 5, 6] },
};

export const commandTerms = {
  names: ['vx', 'vy', 'wz', 'gait'],
  units: ['m/s', 'm/s', 'rad/s', 'Hz'],
} as const satisfies Partial<CommandTerm>;

/** Write a command: standing where it asks for next to nothing. @param out [4] */
export function command(vx: number, vy: number, wz: number, out: Float64Array): void {
  const moves = Math.sqrt(vx * vx + vy * vy) > SLOWEST || Math.abs(wz) > SLOWEST;
  out[0] = moves ? vx : 0;
  out[1] = moves ? vy : 0;
  out[2] = moves ? wz : 0;
  out[3] = moves ? GAIT_HZ : 0;
}

/** Base height in the stance with straight feet on the ground, m, and room for joints that start elsewhere. */
const SPAWN = 0.3123;
const ROOM = 0.02;

/** Over the origin, headed anywhere, in the stance and at rest; training starts disturbed. @param ground m */
export function startOver(ground: number, random: RandomStream, training: boolean, start: StartState): void {
  const { base, twist, q } = start;
  const yaw = random.between(-Math.PI, Math.PI);
  base[2] = ground + SPAWN + (training ? ROOM : 0);
  base[5] = sin(yaw / 2);
  base[6] = cos(yaw / 2);
  const reach = training ? 0.15 : 0.03;
  for (let j = 0; j < q.length; j++) q[j] = q[j]! + random.between(-reach, reach);
  const speed = training ? 0.4 : 0;
  for (let k = 0; k < 6; k++) twist[k] = random.between(-speed, speed);
}

/** cos of the tilt at which it has fallen: 1 rad. */
const FALLEN = cos(1);

export const falls = {
  tilt: ({ state }: StepView) => upZ(state) < FALLEN,
  trunk: ({ state }: StepView) => state.sensors.body![0]! > 0,
} as const;

/** As policies were trained with that crossed to another engine without a fall. */
export const pushes: PushTerm = { everySeconds: [5, 8], linear: 0.5, angular: 0.3 };

export const randomization: RandomizationTable = {
  // Wet tiles to rubber on concrete.
  contactFriction: { operation: 'abs', range: [0.4, 1.1] },
  restitution: { operation: 'abs', range: [0, 0.15] },
  payload: { operation: 'add', range: [-0.5, 1.5] },
  comX: { operation: 'add', range: [-0.03, 0.03] },
  comY: { operation: 'add', range: [-0.02, 0.02] },
  comZ: { operation: 'add', range: [-0.02, 0.02] },
  massScale: { operation: 'scale', range: [0.9, 1.1] },
  kpScale: { operation: 'scale', range: [0.9, 1.1] },
  kdScale: { operation: 'scale', range: [0.8, 1.2] },
  torqueScale: { operation: 'scale', range: [0.9, 1.1] },
  friction: { operation: 'scale', range: [0.5, 1.5] },
  damping: { operation: 'scale', range: [0.5, 2] },
  encoderBias: { operation: 'add', range: [-0.015, 0.015] },
  latency: { operation: 'abs', range: [0, 0.015] },
  sensorLatency: { operation: 'abs', range: [0, 0.005] },
  imuRoll: { operation: 'add', range: [-0.02, 0.02] },
  imuPitch: { operation: 'add', range: [-0.02, 0.02] },
};
