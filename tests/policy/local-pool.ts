/**
 * A pool whose workers are slices in this process, over the same shared memory: for tasks that no worker thread can look up,
 * because a test made them. Environments, rollouts and requests are the real ones.
 */

import { allReplies, WorkerPool } from '../../policy/collector.ts';
import { EpisodeRunner } from '../../policy/evaluate.ts';
import { simulatedActor } from '../../policy/privileged-actor.ts';
import { Rollout } from '../../policy/rollout.ts';
import { openRolloutBuffer } from '../../policy/rollout-buffer.ts';
import type { Reply, Request } from '../../policy/worker-protocol.ts';
import { makeEnvironments } from '../../sim/recipe.ts';
import type { TaskDefinition } from '../../sim/task.ts';
import { tasks } from '../../sim/tasks/index.ts';

/** Make a task known by its name in this process. */
export function registerTask(task: TaskDefinition): void {
  Object.assign(tasks, { [task.name]: task });
}

export class LocalPool extends WorkerPool {
  readonly #rollouts: (Rollout | undefined)[];

  constructor(slices: number) {
    super(0);
    this.#rollouts = new Array<Rollout | undefined>(slices).fill(undefined);
  }

  override get size(): number {
    return this.#rollouts.length;
  }

  override ask(requests: readonly (Request | null)[]): Promise<(Reply | null)[]> {
    return allReplies(requests.map((request, w) => (request === null ? null : this.#serve(w, request))));
  }

  async #serve(w: number, request: Request): Promise<Reply> {
    if (request.op === 'open') {
      const { recipe, first, count, shape, memory, noiseKey, environments: snapshots } = request;
      const environments = await makeEnvironments(recipe, first, count);
      const buffer = openRolloutBuffer(shape, memory);
      this.#rollouts[w] = new Rollout(environments, first, buffer, recipe.contract, noiseKey);
      if (snapshots !== undefined) this.#rollouts[w]!.restore(snapshots);
      return { op: 'done' };
    }
    if (request.op === 'collect') {
      this.#rollouts[w]!.collect(request.iteration);
      return { op: 'done' };
    }
    if (request.op === 'snapshot') return { op: 'snapshots', environments: this.#rollouts[w]!.snapshots() };
    const [environment] = await makeEnvironments(request.recipe, 0, 1);
    const runner = new EpisodeRunner(environment!);
    const actor = simulatedActor(request.contract, request.weights);
    const scores = Array.from({ length: request.count }, (_, i) => runner.run(actor, request.from + i));
    return { op: 'scores', scores };
  }
}
