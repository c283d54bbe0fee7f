/** The worker thread of the collector: builds its environments once, then collects and evaluates on request. */

import { parentPort } from 'node:worker_threads';
import { InputError, LandfallError, messageOf, NumericError } from '../core/errors.ts';
import { makeEnvironments } from '../sim/recipe.ts';
import { DivergenceError } from './divergence.ts';
import { EpisodeRunner } from './evaluate.ts';
import { simulatedActor } from './privileged-actor.ts';
import { Rollout, type StepTap } from './rollout.ts';
import { openRolloutBuffer } from './rollout-buffer.ts';
import { WatchTap } from './watch.ts';
import type { EvaluateRequest, Reply, Request } from './worker-protocol.ts';

const port = parentPort!;
let rollout: Rollout | undefined;
let watch: WatchTap | undefined;

port.on('message', async (request: Request) => {
  try {
    port.postMessage(await serve(request));
  } catch (error) {
    port.postMessage(failure(error));
  }
});

async function serve(request: Request): Promise<Reply> {
  switch (request.op) {
    case 'open': {
      const { recipe, first, count, shape, memory, noiseKey, ring, environments: snapshots } = request;
      const environments = await makeEnvironments(recipe, first, count);
      rollout = new Rollout(environments, first, openRolloutBuffer(shape, memory), recipe.contract, noiseKey);
      if (snapshots !== undefined) rollout.restore(snapshots);
      watch = ring === null || first >= ring.spec.numEnvs ? undefined : new WatchTap(ring);
      return { op: 'done' };
    }
    case 'collect': {
      const tap: StepTap | undefined =
        watch === undefined
          ? undefined
          : (t, n, environment, obs, offset) => watch!.write(request.firstFrame + t, n, environment, obs, offset);
      rollout!.collect(request.iteration, tap);
      return { op: 'collected', scenes: watch?.takeScenes() ?? [] };
    }
    case 'snapshot':
      return { op: 'snapshots', environments: rollout!.snapshots() };
    case 'evaluate':
      return { op: 'scores', scores: await evaluate(request) };
  }
}

async function evaluate(request: EvaluateRequest) {
  const [environment] = await makeEnvironments(request.recipe, 0, 1);
  const runner = new EpisodeRunner(environment!);
  const actor = simulatedActor(request.contract, request.weights);
  const scores = Array.from({ length: request.count }, (_, i) => runner.run(actor, request.from + i));
  await environment!.robot.close();
  return scores;
}

function failure(error: unknown): Reply {
  const kind = error instanceof NumericError ? 'numeric' : error instanceof InputError ? 'input' : 'other';
  const repair = error instanceof LandfallError ? error.repair : undefined;
  const stack = error instanceof Error ? error.stack : undefined;
  return {
    op: 'failed',
    kind,
    message: messageOf(error),
    ...(error instanceof DivergenceError ? { origin: error.origin } : {}),
    ...(repair === undefined ? {} : { repair }),
    ...(stack === undefined ? {} : { stack }),
  };
}
