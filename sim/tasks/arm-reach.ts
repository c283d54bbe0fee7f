/**
 * Bring an arm's tool to a pose, position and orientation, and to the next one every four seconds. Rewards are those of Isaac
 * Lab's reach task: distances for far away, saturating terms for the last centimetres.
 */

import { atan2, cos, sin, tanh } from '../../core/math.ts';
import { quatMultiply } from '../../core/rotation.ts';
import { armReachReference } from '../references/arm-reach.ts';
import { FLOOR } from '../scene.ts';
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
  TOOL_DOWN,
  toolPose,
  touchesTable,
} from './arm-terms.ts';

/** What a target may be: position, m; turn about the vertical and tilt from it, rad. */
const X = [0.35, 0.65] as const;
const Y = [-0.25, 0.25] as const;
const Z = [0.1, 0.45] as const;
const TURN = 1;
const TILT = 0.3;

/** Within these a target is reached, m and rad. */
const REACHED = { distance: 0.02, angle: 0.1 } as const;

/** m */
export function toolDistance(view: StepView): number {
  const tool = toolPose(view);
  const { command } = view;
  let sum = 0;
  for (let k = 0; k < 3; k++) sum += (tool[k]! - command[k]!) ** 2;
  return Math.sqrt(sum);
}

/** Angle between the tool's orientation and the one it should have, rad. */
export function toolAngle(view: StepView): number {
  const tool = toolPose(view);
  const { command } = view;
  let dot = 0;
  for (let k = 3; k < 7; k++) dot += tool[k]! * command[k]!;
  const c = Math.min(1, Math.abs(dot));
  // 2 acos |q . q*|, of unit quaternions
  return 2 * atan2(Math.sqrt(1 - c * c), c);
}

const turn = new Float64Array(4);
const tilt = new Float64Array(4);

/** Joint targets reach this far from the default pose, rad: the reference, sent all over the workspace, needs 1.35. */
const SCALE = 1.5;

export const armReach = defineTask({
  name: 'arm-reach',
  summary: "bring a six-axis arm's tool to a pose, position and orientation, and on to the next",
  robot: 'arm',
  rateHz: ARM_RATE_HZ,
  physics: ARM_PHYSICS,
  // Three targets.
  episodeSeconds: 12,
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
    { name: 'target', term: 'command', joints: [], scale: 1, clip: null, history: 1, delay: 0 },
    // Targets move at a limited speed: the last two actions say where they are and, with 20 ms of latency, will be.
    { name: 'last_actions', term: 'last_action', joints: [...ARM_JOINTS], scale: 1, clip: null, history: 2, delay: 0 },
  ],
  // The same without noise, and what pulls at the joints.
  criticObservations: [
    { name: 'position', term: 'joint_offset', joints: [...ARM_JOINTS], scale: 1, clip: null, history: 1, delay: 0 },
    { name: 'velocity', term: 'joint_velocity', joints: [...ARM_JOINTS], scale: 0.5, clip: null, history: 1, delay: 0 },
    { name: 'effort', term: 'joint_effort', joints: [...ARM_JOINTS], scale: 0.01, clip: null, history: 1, delay: 0 },
    { name: 'target', term: 'command', joints: [], scale: 1, clip: null, history: 1, delay: 0 },
    { name: 'last_actions', term: 'last_action', joints: [...ARM_JOINTS], scale: 1, clip: null, history: 2, delay: 0 },
  ],
  actions: [armAction(SCALE)],
  command: {
    names: ['x', 'y', 'z', 'qx', 'qy', 'qz', 'qw'],
    units: ['m', 'm', 'm', '1', '1', '1', '1'],
    ranges: [X, Y, Z, [-1, 1], [-1, 1], [-1, 1], [-1, 1]],
    everySeconds: [4, 4],
    sample(random, _scene, _start, out) {
      out[0] = random.between(...X);
      out[1] = random.between(...Y);
      out[2] = random.between(...Z);
      const yaw = random.between(-TURN, TURN);
      const lean = random.between(0, TILT);
      const towards = random.between(-Math.PI, Math.PI);
      turn[2] = sin(yaw / 2);
      turn[3] = cos(yaw / 2);
      tilt[0] = sin(lean / 2) * cos(towards);
      tilt[1] = sin(lean / 2) * sin(towards);
      tilt[3] = cos(lean / 2);
      // straight down, turned, tilted. qy stays above 0.8: the same orientation never comes with both signs
      quatMultiply(turn, TOOL_DOWN, turn);
      quatMultiply(tilt, turn, tilt);
      for (let k = 0; k < 4; k++) out[3 + k] = tilt[k]!;
      turn.fill(0);
      tilt.fill(0);
    },
  },
  rewards: {
    distance: { weight: -1, fn: toolDistance, doc: 'from the tool to the target, m' },
    near: { weight: 1, fn: (view) => 1 - tanh(toolDistance(view) / 0.1), doc: 'within 10 cm' },
    close: { weight: 1, fn: (view) => 1 - tanh(toolDistance(view) / 0.02), doc: 'within 2 cm' },
    angle: { weight: -0.3, fn: toolAngle, doc: 'between orientation and target, rad' },
    aligned: { weight: 1, fn: (view) => 1 - tanh(toolAngle(view) / 0.15), doc: 'within 0.15 rad' },
    // A tenth of what a target is worth when actions jump by half their range.
    action_rate: { weight: -0.05, fn: actionChange, doc: 'change of the action, squared' },
    joint_speed: { weight: -0.01, fn: jointSpeeds, doc: 'joint speeds, squared' },
  },
  terminations: { overspeed: isOverspeed, table: touchesTable },
  start: (random, training, out) => startNearDefault(random, training ? 0.1 : 0.05, out),
  // The arm stands on the table, z = 0.
  scene: () => FLOOR,
  randomization: ARM_RANDOMIZATION,
  reference: {
    doc: 'damped least squares on the true pose, integrating',
    make: () => armReachReference(SCALE),
    score: { successRate: 1, meanReturn: 28.602719225377776 },
  },
  success: {
    seconds: 1,
    test: (view) => toolDistance(view) < REACHED.distance && toolAngle(view) < REACHED.angle,
  },
});
