/**
 * What a fine-tuned policy is reminded of: the old policy's actions at its own states (behaviour cloning), or at those that the
 * learner meets (kickstarting): Wolczyk et al. 2024, 2402.02868. Knows no loss and no learner.
 */

import { InputError } from '../../core/errors.ts';
import { type Key, RandomStream } from '../../core/rng.ts';
import { sizesOf } from '../architecture.ts';
import type { Retention } from '../fine-tune-plan.ts';
import { inferenceOf } from '../inference.ts';
import { splitTensors } from '../mlp.ts';
import type { PpoBatch, Rehearsal } from '../ppo-learner.ts';

/** States an iteration; a few thousand say what a minibatch of any size would. */
const MOST = 2048;

/**
 * @param batch what the learner met @param key of which states are taken
 * @throws InputError for a network with a state: single observations do not say what it did
 */
export function rehearse(retention: Retention, batch: Pick<PpoBatch, 'size' | 'obs'>, key: Key): Rehearsal {
  const { coefficient, network, actor, observations } = retention;
  if (network.kind === 'gru') {
    throw new InputError('a recurrent policy cannot be rehearsed from single observations', {
      repair: 'an arm without retention: head, gradual or l2sp',
    });
  }
  const [inputs, actions] = [network.layers[0]!, network.layers.at(-1)!];
  const from = observations ?? batch.obs;
  const order = new Int32Array(from.length / inputs);
  new RandomStream(key).permutation(order);
  const size = Math.min(MOST, order.length);
  const obs = new Float32Array(size * inputs);
  const mean = new Float32Array(size * actions);
  const inference = inferenceOf(network);
  const tensors = splitTensors(actor, sizesOf(network));
  const none = new Float32Array(0);
  for (let i = 0; i < size; i++) {
    const row = obs.subarray(i * inputs, (i + 1) * inputs);
    row.set(from.subarray(order[i]! * inputs, (order[i]! + 1) * inputs));
    inference.forward(tensors, row, mean.subarray(i * actions, (i + 1) * actions), none);
  }
  return { coefficient, size, obs, mean, logStd: actor.slice(actor.length - actions) };
}
