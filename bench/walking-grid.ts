/**
 * How well a quadruped does what it is told: the mean action on a grid of 35 commands, nominal physics, ten seconds each, of
 * which the first two are for getting under way. Tracking is what the locomotion papers report, mean exp(-e2 / 0.25); it
 * forgives much, so the plain error stands beside it.
 */

import { exp } from '../core/math.ts';
import { type Experiment, evaluationRecipe } from '../loop/experiment.ts';
import { Actor } from '../policy/actor.ts';
import type { Bundle } from '../policy/checkpoint.ts';
import { EpisodeRunner } from '../policy/evaluate.ts';
import { type EngineName, makeEnvironments } from '../sim/recipe.ts';
import { bodyVelocity } from '../sim/tasks/quadruped-state.ts';
import { command } from '../sim/tasks/quadruped-task.ts';

export interface GridScore {
  /** Mean exp(-e2 / 0.25), of the velocity in the plane, m/s, and of the turning rate, rad/s. */
  readonly linear: number;
  readonly angular: number;
  /** Mean error, m/s and rad/s. */
  readonly linearError: number;
  readonly angularError: number;
  /** Commands under which it fell. */
  readonly falls: number;
}

/** s */
const UNDER_WAY = 2;

const FORWARD = [-1, -0.5, 0, 0.5, 1] as const;
/** Sideways m/s, turning rad/s. */
const ASIDE = [
  [0, 0],
  [0, -1],
  [0, -0.5],
  [0, 0.5],
  [0, 1],
  [-0.5, 0],
  [0.5, 0],
] as const;

/** [35], each as the task's contract has it. */
export const gridCommands: readonly (readonly number[])[] = FORWARD.flatMap((vx) =>
  ASIDE.map(([vy, wz]) => {
    const asked = new Float64Array(4);
    command(vx, vy, wz, asked);
    return Array.from(asked);
  }),
);

/** @param experiment whose command is that of the quadruped's tasks */
export async function walkingGrid(experiment: Experiment, bundle: Bundle, engine: EngineName): Promise<GridScore> {
  const recipe = { ...evaluationRecipe(experiment, bundle.contract, engine), randomization: 0 };
  const actor = new Actor(bundle.contract, bundle.weights);
  const velocity = new Float64Array(3);
  const sums = { linear: 0, angular: 0, linearError: 0, angularError: 0 };
  let steps = 0;
  let falls = 0;
  for (const asked of gridCommands) {
    const [environment] = await makeEnvironments({ ...recipe, command: asked }, 0, 1);
    const score = new EpisodeRunner(environment!).run(actor, 0, (_obs, _action, { view }) => {
      if (view.time <= UNDER_WAY) return;
      bodyVelocity(view.state, velocity);
      const linear = (velocity[0]! - asked[0]!) ** 2 + (velocity[1]! - asked[1]!) ** 2;
      const angular = (view.state.twist[5]! - asked[2]!) ** 2;
      sums.linear += exp(-linear / 0.25);
      sums.angular += exp(-angular / 0.25);
      sums.linearError += Math.sqrt(linear);
      sums.angularError += Math.sqrt(angular);
      steps++;
    });
    if (score.terminated) falls++;
    await environment!.robot.close();
  }
  const over = (sum: number) => (steps === 0 ? 0 : sum / steps);
  return {
    linear: over(sums.linear),
    angular: over(sums.angular),
    linearError: steps === 0 ? Infinity : over(sums.linearError),
    angularError: steps === 0 ? Infinity : over(sums.angularError),
    falls,
  };
}
