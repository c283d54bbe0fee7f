/**
 * Push a round object over a table to a goal, seen by a depth camera on a stand: the arm does not know where the object is,
 * only what the camera shows and where it should go.
 */

import { tanh } from '../../core/math.ts';
import { quatFromRpy } from '../../core/rotation.ts';
import { armPushReference } from '../references/arm-push.ts';
import type { Scene } from '../scene.ts';
import { defineTask, type StepView } from '../task.ts';
import {
  ARM_JOINTS,
  ARM_PHYSICS,
  ARM_RANDOMIZATION,
  ARM_RATE_HZ,
  actionChange,
  armAction,
  isOverspeed,
  jointSpeeds,
  startNearDefault,
  TOOL_RADIUS,
  toolPose,
  touchesTable,
} from './arm-terms.ts';

/** Where objects and goals lie, m: within the arm's reach and the camera's sight. */
const X = [0.4, 0.6] as const;
const Y = [-0.15, 0.15] as const;
/** A goal is at least this far from where the object starts, m. */
const APART = 0.08;
/** Within this of its goal the object is there, m. */
const THERE = 0.03;
const HEIGHT = 0.06;
/** The ball's best height for pushing, m. */
const LOW = 0.04;
/** Joint targets reach this far from the default pose, rad: the reference needs 0.7. */
const SCALE = 0.9;

/** From the object to its goal over the table, m. */
export function goalDistance({ objects, command }: StepView): number {
  return Math.sqrt((objects[0]! - command[0]!) ** 2 + (objects[1]! - command[1]!) ** 2);
}

/** Radius of the scene's object, m. */
export function objectRadius({ scene }: StepView): number {
  const geometry = scene.objects[0]!.geometry;
  return geometry.kind === 'cylinder' ? geometry.radius : 0;
}

/** From the ball to where it would touch the object on the side away from its goal, m. */
export function behindDistance(view: StepView): number {
  const { objects, command } = view;
  const tool = toolPose(view);
  const distance = goalDistance(view);
  const share = distance > 1e-6 ? (objectRadius(view) + TOOL_RADIUS) / distance : 0;
  const dx = tool[0]! - objects[0]! + share * (command[0]! - objects[0]!);
  const dy = tool[1]! - objects[1]! + share * (command[1]! - objects[1]!);
  return Math.sqrt(dx * dx + dy * dy + (tool[2]! - LOW) ** 2);
}

export const armPush = defineTask({
  name: 'arm-push',
  summary: 'push an object over a table to a goal, seen by a depth camera',
  robot: 'arm',
  rateHz: ARM_RATE_HZ,
  physics: ARM_PHYSICS,
  episodeSeconds: 12,
  // On a stand behind the table, 0.7 m high, looking back at the middle of the workspace (0.5, 0, 0): 0.92 m away. Of an Intel
  // RealSense L515's image, 70 degrees wide, the middle 40, in 24 x 18 blocks: one is 28 mm wide there, an object 3 x 3 of them.
  sensors: [
    {
      kind: 'depth',
      name: 'camera',
      link: 'base_link',
      pose: { xyz: [1.1, 0, 0.7], quat: quatFromRpy([0, 0.8622, Math.PI]) },
      width: 24,
      height: 18,
      fov: 0.7,
      minRange: 0.25,
      maxRange: 2,
    },
  ],
  // L515 data sheet: standard deviation 2.5 mm at 1 m, steps of 0.25 mm, 30 frames a second, here one a control step; one frame
  // of latency. Lost pixels: this project's estimate.
  quality: {
    camera: { parts: { reading: { noise: 0.0025, quantum: 0.00025 } }, latency: 0.033, dropout: 0.01, rateHz: null },
  },
  observations: [
    { name: 'position', term: 'joint_offset', joints: [...ARM_JOINTS], scale: 1, clip: null, history: 1, delay: 0 },
    {
      name: 'velocity',
      term: 'joint_velocity',
      joints: [...ARM_JOINTS],
      scale: 0.5,
      clip: [-3, 3],
      history: 1,
      delay: 0,
    },
    { name: 'goal', term: 'command', joints: [], scale: 1, clip: null, history: 1, delay: 0 },
    { name: 'last_actions', term: 'last_action', joints: [...ARM_JOINTS], scale: 1, clip: null, history: 2, delay: 0 },
    {
      name: 'depth',
      term: 'sensor',
      sensor: 'camera',
      joints: [],
      scale: 1,
      clip: null,
      history: 1,
      delay: 0,
    },
  ],
  // The object itself in place of its image.
  criticObservations: [
    { name: 'position', term: 'joint_offset', joints: [...ARM_JOINTS], scale: 1, clip: null, history: 1, delay: 0 },
    { name: 'velocity', term: 'joint_velocity', joints: [...ARM_JOINTS], scale: 0.5, clip: null, history: 1, delay: 0 },
    { name: 'goal', term: 'command', joints: [], scale: 1, clip: null, history: 1, delay: 0 },
    { name: 'last_actions', term: 'last_action', joints: [...ARM_JOINTS], scale: 1, clip: null, history: 2, delay: 0 },
    { name: 'object', term: 'object_position', joints: [], scale: 1, clip: null, history: 1, delay: 0 },
    { name: 'object_velocity', term: 'object_velocity', joints: [], scale: 1, clip: null, history: 1, delay: 0 },
  ],
  actions: [armAction(SCALE)],
  command: {
    names: ['goal_x', 'goal_y'],
    units: ['m', 'm'],
    ranges: [X, Y],
    everySeconds: null,
    sample(random, scene, _start, out) {
      const [x, y] = scene.objects[0]!.pose.xyz;
      do {
        out[0] = random.between(...X);
        out[1] = random.between(...Y);
      } while ((out[0]! - x) ** 2 + (out[1]! - y) ** 2 < APART * APART);
    },
  },
  rewards: {
    // All above 0, so that ending the episode at the table's edge never pays.
    behind: { weight: 0.5, fn: (view) => 1 - tanh(behindDistance(view) / 0.1), doc: 'ball where a push begins' },
    near: { weight: 2, fn: (view) => 1 - tanh(goalDistance(view) / 0.15), doc: 'object near its goal' },
    close: { weight: 3, fn: (view) => 1 - tanh(goalDistance(view) / 0.03), doc: 'object within 3 cm of its goal' },
    action_rate: { weight: -0.02, fn: actionChange, doc: 'change of the action, squared' },
    joint_speed: { weight: -0.005, fn: jointSpeeds, doc: 'joint speeds, squared' },
  },
  terminations: {
    overspeed: isOverspeed,
    table: touchesTable,
    // Out of the camera's sight and the arm's reach, or tipped over.
    lost: ({ objects }) =>
      Math.abs(objects[0]! - 0.5) > 0.3 || Math.abs(objects[1]!) > 0.35 || Math.abs(objects[2]! - HEIGHT / 2) > 0.02,
  },
  start: (random, training, out) => startNearDefault(random, training ? 0.1 : 0.05, out),
  // The arm stands on the table, z = 0. Objects of plastic and wood, on cloth and on steel.
  scene: (random): Scene => ({
    ground: 'plane',
    statics: [],
    objects: [
      {
        name: 'object',
        mass: random.between(0.2, 0.6),
        geometry: { kind: 'cylinder', radius: random.between(0.035, 0.05), length: HEIGHT },
        pose: { xyz: [random.between(...X), random.between(...Y), HEIGHT / 2], quat: [0, 0, 0, 1] },
        friction: random.between(0.2, 0.5),
      },
    ],
  }),
  randomization: ARM_RANDOMIZATION,
  reference: {
    doc: 'behind the object, then along the line to the goal, by inverse kinematics on the true state',
    make: () => armPushReference(SCALE, objectRadius),
    score: { successRate: 1, meanReturn: 41.11440737787823 },
  },
  success: { seconds: 1, test: (view) => goalDistance(view) < THERE },
});
