/**
 * The pool of worker threads that step the environments. Which worker has which environment changes nothing in the
 * bytes it collects. Knows no learner.
 */

import { Worker } from 'node:worker_threads';
import type { Contract } from '../core/contract.ts';
import { InputError, LandfallError, NumericError } from '../core/errors.ts';
import type { FrameRing } from '../core/frame-ring.ts';
import type { Key } from '../core/rng.ts';
import { workerEntry } from '../core/worker-entry.ts';
import type { EnvironmentSnapshot } from '../sim/environment.ts';
import type { EnvironmentRecipe } from '../sim/recipe.ts';
import { DivergenceError, earlier } from './divergence.ts';
import type { EpisodeScore } from './evaluate.ts';
import { makeRolloutBuffer, type RolloutBuffer, type RolloutShape } from './rollout-buffer.ts';
import type { SceneChange } from './watch.ts';
import type { Reply, Request } from './worker-protocol.ts';

export class WorkerPool {
  readonly #workers: readonly Worker[];

  /** @param count at least 1 */
  constructor(count: number) {
    const { url, execArgv } = workerEntry(import.meta.url, 'rollout-worker');
    this.#workers = Array.from({ length: count }, () => new Worker(url, { execArgv: [...execArgv, '--no-warnings'] }));
    for (const worker of this.#workers) worker.unref();
  }

  get size(): number {
    return this.#workers.length;
  }

  /**
   * Send each worker its request, all at once, and wait for every one: a reply that is still under way when another worker
   * failed would answer the next request.
   * @throws what failed first, by its kind: the same for any number of workers
   */
  ask(requests: readonly (Request | null)[]): Promise<(Reply | null)[]> {
    return allReplies(requests.map((request, w) => (request === null ? null : askOne(this.#workers[w]!, request))));
  }

  /**
   * Episodes 0..count-1 of the recipe's environment 0, shared out over the workers.
   * @returns their scores, in order
   */
  async evaluate(
    recipe: EnvironmentRecipe,
    contract: Contract,
    weights: readonly Float32Array[],
    count: number,
  ): Promise<EpisodeScore[]> {
    const share = Math.ceil(count / this.size);
    const requests = Array.from({ length: this.size }, (_, w): Request | null => {
      const from = w * share;
      const own = Math.min(share, count - from);
      return own > 0 ? { op: 'evaluate', recipe, contract, weights, from, count: own } : null;
    });
    const replies = await this.ask(requests);
    return replies.flatMap((reply) => (reply?.op === 'scores' ? reply.scores : []));
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

export class Collector {
  readonly buffer: RolloutBuffer;
  readonly #pool: WorkerPool;
  readonly #busy: boolean[];

  private constructor(pool: WorkerPool, buffer: RolloutBuffer, busy: boolean[]) {
    this.#pool = pool;
    this.buffer = buffer;
    this.#busy = busy;
  }

  /**
   * Build `shape.numEnvs` environments, in equal slices, one a worker.
   * @param environments where they shall stand, [numEnvs]
   */
  static async open(
    pool: WorkerPool,
    recipe: EnvironmentRecipe,
    shape: RolloutShape,
    noiseKey: Key,
    ring: FrameRing | null = null,
    environments?: readonly EnvironmentSnapshot[],
  ): Promise<Collector> {
    if (environments !== undefined && environments.length !== shape.numEnvs) {
      throw new InputError(`the checkpoint has ${environments.length} environments, the run ${shape.numEnvs}`, {
        repair: 'resume with the train.numEnvs of the run',
      });
    }
    const buffer = makeRolloutBuffer(shape);
    const share = Math.ceil(shape.numEnvs / pool.size);
    const requests = Array.from({ length: pool.size }, (_, w): Request | null => {
      const first = w * share;
      const count = Math.min(share, shape.numEnvs - first);
      if (count <= 0) return null;
      const from = environments === undefined ? {} : { environments: environments.slice(first, first + count) };
      return { op: 'open', recipe, first, count, shape, memory: buffer.memory, noiseKey, ring, ...from };
    });
    await pool.ask(requests);
    return new Collector(
      pool,
      buffer,
      requests.map((request) => request !== null),
    );
  }

  /**
   * Fill the buffer with one iteration. The actor's parameters and the normaliser must be in it.
   * @returns the scenes that are new around watched environments
   */
  async collect(iteration: number, firstFrame: number): Promise<SceneChange[]> {
    const replies = await this.#pool.ask(
      this.#busy.map((busy): Request | null => (busy ? { op: 'collect', iteration, firstFrame } : null)),
    );
    return replies.flatMap((reply) => (reply?.op === 'collected' ? reply.scenes : []));
  }

  /** Where the environments stand after an iteration, [numEnvs]. */
  async snapshots(): Promise<EnvironmentSnapshot[]> {
    const replies = await this.#pool.ask(this.#busy.map((busy): Request | null => (busy ? { op: 'snapshot' } : null)));
    return replies.flatMap((reply) => (reply?.op === 'snapshots' ? reply.environments : []));
  }
}

/** Every worker's reply, or the failure that came first, whichever worker met it. */
export async function allReplies(replies: readonly (Promise<Reply> | null)[]): Promise<(Reply | null)[]> {
  const settled = await Promise.allSettled(replies);
  const failures = settled.flatMap((outcome): unknown[] => (outcome.status === 'rejected' ? [outcome.reason] : []));
  if (failures.length > 0) throw failures.reduce(earlier);
  return settled.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : null));
}

function askOne(worker: Worker, request: Request): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      worker.off('message', onMessage);
      worker.off('error', onError);
      worker.off('exit', onExit);
      worker.unref();
      act();
    };
    const onMessage = (reply: Reply) => settle(() => (reply.op === 'failed' ? reject(errorOf(reply)) : resolve(reply)));
    const onError = (error: unknown) => settle(() => reject(error));
    const onExit = (code: number) =>
      settle(() => reject(new LandfallError(`a worker thread ended with code ${code} at work`)));
    worker.ref();
    worker.on('message', onMessage);
    worker.on('error', onError);
    worker.on('exit', onExit);
    worker.postMessage(request);
  });
}

function errorOf(reply: Extract<Reply, { op: 'failed' }>): Error {
  const details = reply.repair === undefined ? {} : { repair: reply.repair };
  if (reply.origin !== undefined) return new DivergenceError(reply.message, reply.origin, details);
  if (reply.kind === 'numeric') return new NumericError(reply.message, details);
  if (reply.kind === 'input') return new InputError(reply.message, details);
  const error = new Error(reply.message);
  if (reply.stack !== undefined) error.stack = reply.stack;
  return error;
}
