/**
 * One fit: an evolution strategy on a few windows finds the valley, least squares on all of them its floor, with what
 * counts as a typical error taken anew in between. Knows no files and no threads.
 */

import { foldIn, type Key } from '../../core/rng.ts';
import type { Dynamics } from '../dynamics.ts';
import { minimize } from './cma-es.ts';
import { evaluateAt, type LeastSquaresPoint, type LeastSquaresProblem, leastSquares } from './least-squares.ts';
import { dynamicsAt, type FitParameter, parameterValue, toCoordinate } from './parameters.ts';
import type { Evaluator, ProblemWindow } from './problem.ts';
import type { Recording } from './recording.ts';
import { RobustLoss } from './robust-loss.ts';

export interface FitTask {
  readonly evaluator: Evaluator;
  readonly recordings: readonly Recording[];
  readonly windows: readonly ProblemWindow[];
  readonly parameters: readonly FitParameter[];
  readonly nominal: Dynamics;
}

export interface FitBudget {
  /** Windows and evaluations of the evolution strategy; 0 evaluations leave it out. */
  readonly searchWindows: number;
  readonly searchEvaluations: number;
  /** Iterations of each round of least squares, and rounds. */
  readonly iterations: number;
  readonly rounds: number;
}

export interface FitOptions {
  readonly budget: FitBudget;
  readonly key: Key;
  /** Where to begin. @default the nominal dynamics */
  readonly start?: Dynamics;
  readonly onProgress?: (stage: 'search' | 'refine', loss: number) => void;
}

export interface Fit {
  readonly dynamics: Dynamics;
  readonly point: LeastSquaresPoint;
  readonly problem: LeastSquaresProblem;
  /** Those of the residuals, in their order. */
  readonly windows: readonly ProblemWindow[];
}

export async function fit(task: FitTask, options: FitOptions): Promise<Fit> {
  const { parameters, nominal, recordings, windows } = task;
  const { budget } = options;
  const lower = parameters.map((p) => toCoordinate(p, p.lower));
  const upper = parameters.map((p) => toCoordinate(p, p.upper));
  const origin = parameters.map((p) => toCoordinate(p, parameterValue(p, options.start ?? nominal)));
  const residualsOf = (subset: readonly ProblemWindow[]) => (points: readonly (readonly number[])[]) =>
    task.evaluator.evaluate({ parameters, nominal, points, windows: subset, start: 'smoothed' });

  let u: readonly number[] = origin;
  if (budget.searchEvaluations > 0) {
    const few = spread(windows, budget.searchWindows);
    const residuals = residualsOf(few);
    const [reference] = await residuals([origin]);
    const loss = new RobustLoss(recordings, few, reference!);
    const found = await minimize(async (points) => (await residuals(points)).map((r) => loss.value(r)), {
      lower,
      upper,
      start: origin,
      sigma: 0.15,
      tolerance: 1e-3,
      key: foldIn(options.key, 1),
      maxEvaluations: budget.searchEvaluations,
      onGeneration: (best) => options.onProgress?.('search', best),
    });
    if (found.value < loss.value(reference!)) u = found.x;
  }

  const residuals = residualsOf(windows);
  const [reference] = await residuals([u]);
  const loss = new RobustLoss(recordings, windows, reference!);
  const problem: LeastSquaresProblem = { residuals, loss, lower, upper };
  let point = await evaluateAt(problem, u);
  for (let round = 0; round < budget.rounds; round++) {
    loss.refer(point.residuals);
    point = await leastSquares(problem, point.u, {
      maxIterations: budget.iterations,
      onIteration: (value) => options.onProgress?.('refine', value),
    });
  }
  return { dynamics: dynamicsAt(parameters, point.u, nominal), point, problem, windows };
}

/** At most `count` windows, evenly spread. */
function spread(windows: readonly ProblemWindow[], count: number): ProblemWindow[] {
  if (windows.length <= count) return [...windows];
  return Array.from({ length: count }, (_, i) => windows[Math.floor(((i + 0.5) * windows.length) / count)]!);
}
