/** The learner's threads: all get each request, and all have answered before the next. Knows no learning. */

import { Worker } from 'node:worker_threads';
import { LandfallError } from '../../core/errors.ts';
import { workerEntry } from '../../core/worker-entry.ts';
import type { LearnerReply, LearnerRequest, LearnerStart } from './ppo-plan.ts';

export class LearnerThreads {
  readonly #workers: readonly Worker[];

  /** @param count at least 1 */
  constructor(count: number, start: Pick<LearnerStart, 'memory' | 'plan'>) {
    const { url, execArgv } = workerEntry(import.meta.url, 'learner-worker');
    this.#workers = Array.from({ length: count }, (_, index) => {
      const workerData: LearnerStart = { ...start, index, threads: count };
      const worker = new Worker(url, { execArgv: [...execArgv, '--no-warnings'], workerData });
      worker.unref();
      return worker;
    });
  }

  /** @throws LandfallError when a thread failed; the threads are of no more use then */
  async run(request: LearnerRequest): Promise<void> {
    await Promise.all(this.#workers.map((worker) => ask(worker, request)));
  }

  close(): void {
    for (const worker of this.#workers) void worker.terminate();
  }
}

function ask(worker: Worker, request: LearnerRequest): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      worker.off('message', onMessage);
      worker.off('error', onError);
      worker.off('exit', onExit);
      worker.unref();
      act();
    };
    const fail = (reason: string) => reject(new LandfallError(`a learner thread failed: ${reason}`));
    const onMessage = (reply: LearnerReply) => settle(() => (reply.op === 'done' ? resolve() : fail(reply.message)));
    const onError = (error: unknown) => settle(() => reject(error));
    const onExit = (code: number) => settle(() => fail(`it ended with code ${code}`));
    worker.ref();
    worker.on('message', onMessage);
    worker.on('error', onError);
    worker.on('exit', onExit);
    worker.postMessage(request);
  });
}
