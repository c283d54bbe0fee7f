/** Runs a task's reference policy, or none at all, and scores it as a learned policy is scored. Knows no learner. */

import type { Environment } from './environment.ts';
import type { ReferencePolicy } from './task.ts';

export interface ReferenceScore {
  readonly successRate: number;
  readonly meanReturn: number;
  /** Control steps an episode lasted, on average. */
  readonly meanSteps: number;
}

/** @param make a fresh controller an episode; null asks for nothing: zero actions @param episodes numbers 0 to episodes - 1 */
export function runReference(
  environment: Environment,
  make: ReferencePolicy['make'] | null,
  episodes: number,
): ReferenceScore {
  const obs = new Float32Array(environment.observer.size);
  const action = new Float32Array(environment.actuation.size);
  let successes = 0;
  let returns = 0;
  let steps = 0;
  for (let episode = 0; episode < episodes; episode++) {
    const act = make?.();
    environment.reset(episode, obs, 0);
    do {
      act?.(environment.view, action);
      environment.step(action, 0, obs, 0);
    } while (!environment.terminated && !environment.truncated);
    successes += environment.success ? 1 : 0;
    returns += environment.episodeReturn;
    steps += environment.episodeSteps;
  }
  return { successRate: successes / episodes, meanReturn: returns / episodes, meanSteps: steps / episodes };
}
