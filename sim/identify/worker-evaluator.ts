/**
 * Evaluates search points on worker threads, one point a task. A point's residuals come from one thread, whole, so they
 * are the same for any number of workers. Node only.
 */

import { Worker } from 'node:worker_threads';
import { LandfallError } from '../../core/errors.ts';
import { workerEntry } from '../../core/worker-entry.ts';
import type { WorkerReply, WorkerSetup, WorkerTask } from './evaluator-worker.ts';
import type { EvaluationRequest, Evaluator, RobotRecipe } from './problem.ts';
import type { Recording } from './recording.ts';

interface Job {
  readonly task: WorkerTask;
  readonly resolve: (residuals: Float64Array[]) => void;
  readonly reject: (error: Error) => void;
}

export function makeWorkerEvaluator(robot: RobotRecipe, recordings: readonly Recording[], workers: number): Evaluator {
  const waiting: Job[] = [];
  const idle: Worker[] = [];
  const running = new Map<Worker, Job>();
  let nextId = 0;
  let failed: Error | undefined;

  const assign = () => {
    while (idle.length > 0 && waiting.length > 0) {
      const worker = idle.pop()!;
      const job = waiting.shift()!;
      running.set(worker, job);
      worker.postMessage(job.task);
    }
  };
  const fail = (error: Error) => {
    failed ??= error;
    for (const job of [...running.values(), ...waiting.splice(0)]) job.reject(error);
    running.clear();
  };
  const entry = workerEntry(import.meta.url, 'evaluator-worker');
  const threads = Array.from({ length: workers }, () => {
    const workerData: WorkerSetup = { robot, recordings };
    const worker = new Worker(entry.url, { execArgv: entry.execArgv, workerData });
    worker.on('message', (reply: WorkerReply) => {
      const job = running.get(worker);
      running.delete(worker);
      idle.push(worker);
      if ('error' in reply) job?.reject(new LandfallError(`the simulation of a recording failed: ${reply.error}`));
      else job?.resolve(reply.residuals);
      assign();
    });
    worker.on('error', fail);
    worker.on('exit', (code) => fail(new LandfallError(`an identification worker ended with code ${code}`)));
    idle.push(worker);
    return worker;
  });

  return {
    evaluate: ({ points, ...request }: EvaluationRequest) =>
      Promise.all(
        points.map(
          (point) =>
            new Promise<Float64Array[]>((resolve, reject) => {
              if (failed !== undefined) return reject(failed);
              waiting.push({ task: { id: nextId++, request, point }, resolve, reject });
              assign();
            }),
        ),
      ),
    close: async () => {
      failed ??= new LandfallError('the evaluator is closed');
      await Promise.all(threads.map((worker) => worker.terminate()));
    },
  };
}
