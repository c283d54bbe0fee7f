/**
 * Walk on a flat floor as fast and in the direction that the command says, and stand when it says nothing: a velocity along x
 * and y of the trunk's frame, a turning rate, and the clock to step by. Each episode asks twice, so changing pace is learned too.
 */

import { trot } from '../references/quadruped-trot.ts';
import { FLOOR } from '../scene.ts';
import { defineTask, type StepView } from '../task.ts';
import { bodyVelocity } from './quadruped-state.ts';
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
import { COMMAND, STANCE, walkingRewards } from './quadruped-terms.ts';

const heightOf = ({ state }: StepView): number => state.base[2]!;

/** Fastest command: m/s forward and sideways, rad/s. */
const FASTEST = { vx: 1, vy: 0.5, wz: 1 } as const;
/** Share of commands that ask for nothing. */
const STANDING = 0.1;

/** Of the mean velocity, s: a trot's turn of the clock, within which speed rises and falls. */
const MEAN_SECONDS = 0.5;
/** Off by less than this it does what it is told: a quarter of the fastest command, m/s and rad/s. */
const CLOSE = { linear: 0.25, angular: 0.3 } as const;

const velocity = new Float64Array(3);

/** Memory: mean velocity along x and y and mean turning rate. To be called once a step. */
function follows({ state, command: asked, memory, dt }: StepView): boolean {
  bodyVelocity(state, velocity);
  // d mean / dt = (v - mean) / T
  const share = dt / (MEAN_SECONDS + dt);
  memory[0] = memory[0]! + share * (velocity[0]! - memory[0]!);
  memory[1] = memory[1]! + share * (velocity[1]! - memory[1]!);
  memory[2] = memory[2]! + share * (state.twist[5]! - memory[2]!);
  const dx = memory[0]! - asked[COMMAND.vx]!;
  const dy = memory[1]! - asked[COMMAND.vy]!;
  const isClose = dx * dx + dy * dy < CLOSE.linear ** 2;
  return isClose && Math.abs(memory[2]! - asked[COMMAND.wz]!) < CLOSE.angular;
}

export const quadrupedVelocity = defineTask({
  name: 'quadruped-velocity',
  summary: 'walk, turn and stand on a flat floor as the command says',
  robot: 'quadruped',
  rateHz: RATE,
  physics: PHYSICS,
  episodeSeconds: 10,
  observations,
  criticObservations: [
    ...truths,
    { name: 'height', term: 'base_height', joints: [], scale: 5, clip: null, history: 1, delay: 0 },
  ],
  sensors: [bodySensor],
  actions,
  command: {
    ...commandTerms,
    ranges: [
      [-FASTEST.vx, FASTEST.vx],
      [-FASTEST.vy, FASTEST.vy],
      [-FASTEST.wz, FASTEST.wz],
      [0, 2],
    ],
    everySeconds: [5, 5],
    sample(random, _scene, _start, out) {
      const isStanding = random.uniform() < STANDING;
      const vx = random.between(-FASTEST.vx, FASTEST.vx);
      const vy = random.between(-FASTEST.vy, FASTEST.vy);
      const wz = random.between(-FASTEST.wz, FASTEST.wz);
      if (isStanding) command(0, 0, 0, out);
      else command(vx, vy, wz, out);
    },
  },
  rewards: walkingRewards(heightOf),
  onlyPositive: true,
  terminations: { ...falls, height: (view) => heightOf(view) < 0.12 },
  memory: 3,
  start: (random, training, start) => startOver(0, random, training, start),
  scene: () => FLOOR,
  pushes,
  randomization,
  symmetries: [leftRight],
  reference: {
    doc: 'a trot on the clock: feet placed by the velocity error, stance feet push as a virtual model of the trunk asks',
    make: trot({ scale: ACTION_SCALE, pose: STANCE }),
    score: { successRate: 0.85, meanReturn: 15.212332694176151 },
  },
  // Two seconds are four turns of the clock; a push of 0.5 m/s before them is to be made up within.
  success: { seconds: 2, test: follows },
});
