/**
 * A swing-up that scores well, found by searching: the torque over time is a smooth curve through a few points, a regulator takes over
 * at its end, and CMA-ES moves points and length for the leaderboard's score. Knows no policy.
 */

import { wrapAngle } from '../../../core/math.ts';
import { foldIn, keyOf } from '../../../core/rng.ts';
import { minimize } from '../../../sim/identify/cma-es.ts';
import { doublePendulum, leaderboardModels } from '../double-pendulum.ts';
import { type JudgedTask, judged, performanceCriteria } from '../judge.ts';
import { doublePendulumScore } from '../scores.ts';
import { simulate, type Trajectory } from '../simulate.ts';
import { holdingRegulator, type Regulator } from './regulator.ts';

export type DoublePendulumTask = Exclude<JudgedTask, 'pendulum'>;

export interface Swing {
  /** s, until the regulator takes over. */
  readonly seconds: number;
  /** Torques that the curve passes, evenly spaced in time, N m. */
  readonly points: readonly number[];
  readonly score: number;
}

export const DT = 0.002;
/** What the regulator that holds the pendulum up weighs: it is as soft as one can be. */
export const HOLDING = { state: [1, 1, 0.1, 0.1], torque: 1 } as const;
const POINTS = 11;
/** s, shortest and longest. */
const SECONDS = [0.6, 1.8] as const;
/** N m: what scores well stays far below the motor's limit. */
const MOST_TORQUE = 4;
const POPULATION = 24;
/** Simulated after the regulator took over, s. */
const HELD = 2;

/** Catmull & Rom's curve through evenly spaced points. @param share 0..1 of its length */
export function curveAt(points: readonly number[], share: number): number {
  const n = points.length - 1;
  const i = Math.min(n - 1, Math.floor(share * n));
  const f = share * n - i;
  const a = points[Math.max(0, i - 1)]!;
  const b = points[i]!;
  const c = points[i + 1]!;
  const d = points[Math.min(n, i + 2)]!;
  return b + 0.5 * f * (c - a + f * (2 * a - 5 * b + 4 * c - d + f * (3 * (b - c) + d - a)));
}

export function standing(task: DoublePendulumTask): Regulator {
  const { driven } = judged[task];
  return holdingRegulator(doublePendulum(leaderboardModels[task]), driven, [Math.PI, 0, 0, 0], HOLDING, DT);
}

/** Torque that holds up. @param x [4] */
export function holdingTorque({ gains }: Regulator, x: ArrayLike<number>): number {
  return -(
    gains[0]! * wrapAngle(x[0]! - Math.PI) +
    gains[1]! * wrapAngle(x[1]!) +
    gains[2]! * x[2]! +
    gains[3]! * x[3]!
  );
}

/** The swing and what follows it, on the leaderboard's model. */
export function runSwing(
  task: DoublePendulumTask,
  { seconds, points }: Pick<Swing, 'seconds' | 'points'>,
  holding: Regulator,
  steps: number,
): Trajectory {
  const controller = {
    reset() {},
    torque: (x: Float64Array, t: number) => (t < seconds ? curveAt(points, t / seconds) : holdingTorque(holding, x)),
  };
  return simulate(doublePendulum(leaderboardModels[task]), controller, { dt: DT, steps, driven: judged[task].driven });
}

/** Less is better: minus the score, or 1 and how far from standing the swing ends, as the regulator counts, rad. */
function lossOf(task: DoublePendulumTask, swing: Pick<Swing, 'seconds' | 'points'>, holding: Regulator): number {
  const steps = Math.round((swing.seconds + HELD) / DT);
  const run = runSwing(task, swing, holding, steps);
  const criteria = performanceCriteria(task, run);
  const end = run.states.subarray(-4);
  const held = [wrapAngle(end[0]! - Math.PI) / 0.2, wrapAngle(end[1]!) / 0.3, end[2]!, end[3]!];
  if (criteria.success && held.every((part) => Math.abs(part) < 1)) {
    // The rest of the 10 s changes nothing: its torque adds no change.
    const torqueSmoothness = criteria.torqueSmoothness * Math.sqrt(steps / judged[task].steps);
    return -doublePendulumScore({ ...criteria, torqueSmoothness });
  }
  const at = Math.round(swing.seconds / DT) * 4;
  const off = [
    wrapAngle(run.states[at]! - Math.PI),
    wrapAngle(run.states[at + 1]!),
    run.states[at + 2]!,
    run.states[at + 3]!,
  ];
  let cost = 0;
  for (let i = 0; i < 4; i++) for (let j = 0; j < 4; j++) cost += holding.cost[4 * i + j]! * off[i]! * off[j]!;
  return 1 + Math.sqrt(cost / holding.cost[0]!);
}

export interface SwingSearch {
  readonly seed: number;
  /** Searches from the middle of the box, each with numbers of its own; the best one counts. */
  readonly tries: number;
  /** Swings simulated in each. */
  readonly evaluations: number;
  readonly onTry?: (done: number, best: Swing) => void;
}

export async function searchSwing(task: DoublePendulumTask, search: SwingSearch): Promise<Swing> {
  const holding = standing(task);
  const swingOf = (x: readonly number[]) => ({ seconds: x[0]!, points: x.slice(1) });
  let best: Swing | undefined;
  for (let attempt = 0; attempt < search.tries; attempt++) {
    const found = await minimize((all) => all.map((x) => lossOf(task, swingOf(x), holding)), {
      lower: [SECONDS[0], ...new Array<number>(POINTS).fill(-MOST_TORQUE)],
      upper: [SECONDS[1], ...new Array<number>(POINTS).fill(MOST_TORQUE)],
      start: [1, ...new Array<number>(POINTS).fill(0)],
      sigma: 0.25,
      population: POPULATION,
      key: foldIn(keyOf(search.seed), attempt),
      maxEvaluations: search.evaluations,
    });
    if (best === undefined || -found.value > best.score) best = { ...swingOf(found.x), score: -found.value };
    search.onTry?.(attempt + 1, best);
  }
  return best!;
}
