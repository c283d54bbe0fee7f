/** The verdict on one policy: performance and robustness of its task by the leaderboards' rules. Knows no policy. */

import { wrapAngle } from '../../core/math.ts';
import { type Criteria, criteriaOf } from './criteria.ts';
import { doublePendulum, leaderboardModels, tipHeight } from './double-pendulum.ts';
import { type PendulumRobustness, pendulumRobustness } from './pendulum-robustness.ts';
import type { Plant } from './plant.ts';
import { type Published, published } from './published.ts';
import { type Robustness, robustnessOf, robustnessTrials, runTrial } from './robustness.ts';
import { doublePendulumScore, PENDULUM_DEFAULT, PENDULUM_SCRIPT, simplePendulumScore } from './scores.ts';
import { leaderboardPendulum, simplePendulum } from './simple-pendulum.ts';
import { type Controller, simulate, type Trajectory } from './simulate.ts';

/** The leaderboards' tasks: what is simulated how, and which joint the policy commands. */
export const judged = {
  acrobot: { joints: ['shoulder', 'elbow'], driven: 1, dt: 0.002, steps: 5000 },
  pendubot: { joints: ['shoulder', 'elbow'], driven: 0, dt: 0.002, steps: 5000 },
  pendulum: { joints: ['shoulder'], driven: 0, dt: 0.01, steps: 1000 },
} as const;

export type JudgedTask = keyof typeof judged;

export const judgedTasks = Object.keys(judged) as JudgedTask[];

export interface Verdict {
  readonly performance: number;
  readonly criteria: Criteria;
  /** Of the simple pendulum: the score by the weights of the leaderboard's script, which differ from its function's defaults. */
  readonly scriptPerformance?: number;
  /** null where it was not asked for. */
  readonly robustness: number | null;
  readonly robustnessDetail: Robustness | PendulumRobustness | null;
  readonly published: readonly Published[];
}

export interface JudgeOptions {
  readonly robustness: boolean;
  /** Of noise and perturbations. */
  readonly seed: number;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Of full height, above which the tip counts as up. */
const UP = 0.9;
/** The simple pendulum is up within these, rad and rad/s. */
const NEAR = [0.02, 0.2] as const;

export function leaderboardPlant(task: JudgedTask): Plant {
  return task === 'pendulum' ? simplePendulum(leaderboardPendulum) : doublePendulum(leaderboardModels[task]);
}

export function performanceRun(task: JudgedTask, controller: Controller): Trajectory {
  return simulate(leaderboardPlant(task), controller, judged[task]);
}

/** The score of the leaderboard. */
export function performanceOf(task: JudgedTask, criteria: Criteria): number {
  return task === 'pendulum' ? simplePendulumScore(criteria, PENDULUM_DEFAULT) : doublePendulumScore(criteria);
}

export function performanceCriteria(task: JudgedTask, trajectory: Trajectory): Criteria {
  if (task === 'pendulum') {
    return criteriaOf(trajectory, {
      up: (x) => Math.abs(wrapAngle(x[0]! - Math.PI)) < NEAR[0] && Math.abs(x[1]!) < NEAR[1],
      sampled: 'after',
    });
  }
  const { length } = leaderboardModels[task];
  const goal = UP * (length[0] + length[1]);
  return criteriaOf(trajectory, { up: (x) => tipHeight(length, x[0]!, x[1]!) > goal, sampled: 'before' });
}

export function judge(task: JudgedTask, controller: Controller, options: JudgeOptions): Verdict {
  const criteria = performanceCriteria(task, performanceRun(task, controller));
  if (task === 'pendulum') {
    const detail = options.robustness ? pendulumRobustness(leaderboardPendulum, controller, options.seed) : null;
    return {
      performance: performanceOf(task, criteria),
      scriptPerformance: simplePendulumScore(criteria, PENDULUM_SCRIPT),
      criteria,
      robustness: detail?.score ?? null,
      robustnessDetail: detail,
      published: published[task],
    };
  }
  const detail = options.robustness ? doublePendulumRobustness(task, controller, options) : null;
  return {
    performance: performanceOf(task, criteria),
    criteria,
    robustness: detail?.score ?? null,
    robustnessDetail: detail,
    published: published[task],
  };
}

function doublePendulumRobustness(
  task: Exclude<JudgedTask, 'pendulum'>,
  controller: Controller,
  { seed, onProgress }: JudgeOptions,
): Robustness {
  const trials = robustnessTrials(leaderboardModels[task], seed);
  const passed = trials.map((trial, i) => {
    onProgress?.(i, trials.length);
    return runTrial(trial, controller, judged[task].driven, seed, i);
  });
  return robustnessOf(trials, passed);
}
