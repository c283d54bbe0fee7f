/** What a guard sees of one episode: what the policy saw, thought and did, step by step. Knows no file. */

import { actionDim, type Contract, obsDim } from '../../core/contract.ts';
import type { Episode } from '../../core/episode.ts';
import { MismatchError } from '../../core/errors.ts';
import { Actor } from '../actor.ts';
import { featureCount } from './guard-model.ts';
import type { GuardScores } from './guard-scores.ts';

export interface Trace {
  readonly steps: number;
  /** [steps, obsDim], before normalisation. */
  readonly obs: Float32Array;
  /** [steps, actionDim] */
  readonly action: Float32Array;
  /** Of the policy's last hidden layer, [steps, features]; empty where it has none. */
  readonly features: Float32Array;
}

/** The same arithmetic gives the same bytes; this leaves room for recordings of other versions. */
const SAME_ACTION = 1e-3;

/**
 * A recorded episode, its features computed anew.
 * @throws MismatchError when it was recorded of another robot or another policy
 */
export function traceOf(episode: Episode, contract: Contract, weights: readonly Float32Array[]): Trace {
  const { meta, steps } = episode;
  const [seen, done] = [obsDim(contract), actionDim(contract)];
  const size = featureCount(contract);
  const refuse = (what: string): never => {
    throw new MismatchError(`episode ${meta.id}: ${what}`, {
      repair: 'give episodes that this policy recorded: landfall deploy RUN --url ws://... --episodes 40',
    });
  };
  const odd = steps.find(({ obs, action }) => obs.length !== seen || action.length !== done);
  if (odd !== undefined)
    refuse(
      `expected ${seen} observed numbers and ${done} of the action, found ${odd.obs.length} and ${odd.action.length}`,
    );
  const trace = {
    steps: steps.length,
    obs: new Float32Array(steps.length * seen),
    action: new Float32Array(steps.length * done),
    features: new Float32Array(steps.length * size),
  };
  const actor = new Actor(contract, weights);
  const action = new Float32Array(done);
  for (const [t, step] of steps.entries()) {
    actor.act(step.obs, action);
    for (let i = 0; i < done; i++) {
      if (Math.abs(action[i]! - step.action[i]!) <= SAME_ACTION * Math.max(1, Math.abs(action[i]!))) continue;
      refuse(`in step ${t} the policy would have done ${action[i]!.toFixed(3)}, recorded is ${step.action[i]}`);
    }
    trace.obs.set(step.obs, t * seen);
    trace.action.set(step.action, t * done);
    trace.features.set(actor.features, t * size);
  }
  return trace;
}

/** Every transition of some episodes, as `scores` then stands. @param take is told the episode and the step that ended it */
export function eachTransition(
  scores: GuardScores,
  contract: Contract,
  traces: readonly Trace[],
  take: (trace: number, step: number) => void,
): void {
  const [seen, done] = [obsDim(contract), actionDim(contract)];
  for (const [number, { steps, obs, action, features }] of traces.entries()) {
    scores.reset();
    for (let t = 0; t < steps; t++) {
      if (scores.step(obs, t * seen, action, t * done, features, t * scores.features.length)) take(number, t);
    }
  }
}
