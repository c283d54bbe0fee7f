/** A worker thread that evaluates search points for `makeWorkerEvaluator`. Stateless between requests. */

import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../core/errors.ts';
import { type EvaluationRequest, makeSimulator, type RobotRecipe } from './problem.ts';
import type { Recording } from './recording.ts';

export interface WorkerSetup {
  readonly robot: RobotRecipe;
  readonly recordings: readonly Recording[];
}

/** One point of a request; the reply carries the same id. */
export interface WorkerTask {
  readonly id: number;
  readonly request: Omit<EvaluationRequest, 'points'>;
  readonly point: readonly number[];
}

export type WorkerReply =
  | { readonly id: number; readonly residuals: Float64Array[] }
  | { readonly id: number; readonly error: string };

const { robot, recordings } = workerData as WorkerSetup;
const port = parentPort!;
const ready = makeSimulator(robot, recordings);

port.on('message', async ({ id, request, point }: WorkerTask) => {
  try {
    const residuals = (await ready)(request, point);
    port.postMessage(
      { id, residuals } satisfies WorkerReply,
      residuals.map((r) => r.buffer as ArrayBuffer),
    );
  } catch (error) {
    port.postMessage({ id, error: messageOf(error) } satisfies WorkerReply);
  }
});
