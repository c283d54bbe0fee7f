/**
 * The lowest error that any parameters of the simulator can have on some windows: found by searching for it on those very
 * windows. No forecast, but the floor a forecast is held against. Knows no files.
 */

import type { Key } from '../core/rng.ts';
import type { Dynamics } from '../sim/dynamics.ts';
import { minimize } from '../sim/identify/cma-es.ts';
import { type FitParameter, parameterValue, toCoordinate } from '../sim/identify/parameters.ts';
import type { Evaluator, ProblemWindow } from '../sim/identify/problem.ts';
import { pooledError } from '../sim/identify/windows.ts';

export interface HindsightTask {
  readonly evaluator: Evaluator;
  readonly windows: readonly ProblemWindow[];
  readonly parameters: readonly FitParameter[];
  /** Where the search begins, and what is not searched. */
  readonly start: Dynamics;
  readonly evaluations: number;
  readonly key: Key;
}

/** Pooled open-loop error from the logged states, in deviations of the recording: never above that of `start`. */
export async function hindsightError(task: HindsightTask): Promise<number> {
  const { evaluator, windows, parameters, start } = task;
  const found = await minimize(
    async (points) =>
      (await evaluator.evaluate({ parameters, nominal: start, points, windows, start: 'logged' })).map(pooledError),
    {
      lower: parameters.map((p) => toCoordinate(p, p.lower)),
      upper: parameters.map((p) => toCoordinate(p, p.upper)),
      start: parameters.map((p) => toCoordinate(p, parameterValue(p, start))),
      sigma: 0.15,
      tolerance: 1e-3,
      maxEvaluations: task.evaluations,
      key: task.key,
    },
  );
  const [own] = await evaluator.evaluate({ parameters: [], nominal: start, points: [[]], windows, start: 'logged' });
  return Math.min(found.value, pooledError(own!));
}
