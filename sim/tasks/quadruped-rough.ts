/**
 * Cross a tile of rough ground, slopes, stairs or obstacles without seeing it, as walking robots without a camera do; the
 * critic sees the ground in simulation. The ground gets harder as the robot manages it (legged_gym's curriculum).
 */

import { IDENTITY_QUAT } from '../../core/rotation.ts';
import type { SensorSpec } from '../../core/sensor.ts';
import { TERRAIN_RULE } from '../curriculum.ts';
import { trot } from '../references/quadruped-trot.ts';
import { defineTask, type StepView } from '../task.ts';
import { heightAt } from '../terrain/height.ts';
import { makeTerrain, type TerrainKind, TILE } from '../terrain/terrain.ts';
import {
  ACTION_SCALE,
  actions,
  bodySensor,
  command,
  commandTerms,
  falls,
  leftRight,
  observations,
  PHYSICS,
  pushes,
  RATE,
  randomization,
  startOver,
  truths,
} from './quadruped-task.ts';
import { STANCE, walkingRewards } from './quadruped-terms.ts';

/** Stairs more often than the rest, about as legged_gym draws them. */
const KINDS: readonly TerrainKind[] = [
  'rough',
  'rough',
  'slope-up',
  'slope-down',
  'stairs-up',
  'stairs-up',
  'stairs-up',
  'stairs-down',
  'stairs-down',
  'obstacles',
];
/** The hardest level, of terrain made for a robot with legs of 0.6 m: this one's are 0.4. */
const HARDEST = 0.6;

/** Where an episode ends, m from the middle along x or y: no foot and no ray has left the tile. */
export const EDGE = TILE / 2 - 0.5;

/** Points under and around the trunk, m: ahead and behind 0.4, aside 0.2. */
const SCAN = [-0.4, -0.2, 0, 0.2, 0.4].flatMap((x) => [-0.2, 0, 0.2].map((y): readonly [number, number] => [x, y]));
const mirroredPoint = ([x, y]: readonly [number, number]): number => SCAN.findIndex((p) => p[0] === x && p[1] === -y);
/** Of those, the ones between the feet. */
const UNDER = SCAN.flatMap(([x, y], k) => (Math.abs(x) < 0.3 && y === 0 ? [k] : []));

/** For the critic and the rewards: the real robot has none, and the actor does without. */
const scan: SensorSpec = {
  kind: 'heights',
  name: 'scan',
  link: 'trunk',
  pose: { xyz: [0, 0, 0], quat: IDENTITY_QUAT },
  points: SCAN,
  maxRange: 1,
};

/** Trunk over the mean ground below it, m. */
function heightOf({ state }: StepView): number {
  const heights = state.sensors.scan!;
  let sum = 0;
  for (let k = 0; k < UNDER.length; k++) sum += heights[UNDER[k]!]!;
  return sum / UNDER.length;
}

/** From where it started along the axis it got further on, m. */
function distance({ state }: StepView): number {
  return Math.max(Math.abs(state.base[0]!), Math.abs(state.base[1]!));
}

const crossed = (view: StepView): boolean => distance(view) > EDGE;

/** m/s, m/s, rad/s: the slowest and most crooked of these still leaves the tile within the episode. */
const RANGES = { vx: [0.4, 0.8], vy: [-0.2, 0.2], wz: [-0.15, 0.15] } as const;

export const quadrupedRough = defineTask({
  name: 'quadruped-rough',
  summary: 'cross rough ground, slopes, stairs and obstacles without seeing them',
  robot: 'quadruped',
  rateHz: RATE,
  physics: PHYSICS,
  episodeSeconds: 20,
  observations,
  criticObservations: [
    ...truths,
    { name: 'ground', term: 'sensor', sensor: 'scan', joints: [], scale: 5, clip: null, history: 1, delay: 0 },
  ],
  sensors: [bodySensor, scan],
  actions,
  command: {
    ...commandTerms,
    ranges: [[...RANGES.vx], [...RANGES.vy], [...RANGES.wz], [0, 2]],
    everySeconds: null,
    sample(random, _scene, _start, out) {
      const vx = random.between(...RANGES.vx);
      const vy = random.between(...RANGES.vy);
      command(vx, vy, random.between(...RANGES.wz), out);
    },
  },
  rewards: walkingRewards(heightOf),
  onlyPositive: true,
  terminations: falls,
  truncations: { edge: crossed },
  start: (random, training, start, scene) => startOver(heightAt(scene, 0, 0), random, training, start),
  scene: (random, difficulty) => makeTerrain(KINDS[random.below(KINDS.length)]!, HARDEST * difficulty, random),
  curriculum: {
    rule: TERRAIN_RULE,
    // Every command is to leave the tile: what was asked for is the way to its edge.
    outcome: (view, success) => ({ success, progress: Math.min(1, distance(view) / EDGE) }),
  },
  pushes,
  randomization,
  // Of the scan's points, those on the other side.
  symmetries: [{ ...leftRight, sensors: { ...leftRight.sensors, scan: SCAN.map(mirroredPoint) } }],
  reference: {
    doc: 'the trot of the flat floor, which does not know what it stands on',
    make: trot({ scale: ACTION_SCALE, pose: STANCE }),
    score: { successRate: 0.4, meanReturn: 12.377971775505177 },
  },
  // Over the edge once is over: the episode ends there.
  success: { seconds: 1 / RATE, test: crossed },
});
