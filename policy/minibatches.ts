/**
 * How a batch is cut into minibatches: rows in any order, or whole environments where the network has a state and learns from
 * their steps one after another. Knows no loss.
 */

import * as tf from '@tensorflow/tfjs';
import { InputError } from '../core/errors.ts';
import type { RandomStream } from '../core/rng.ts';
import type { DeviceSequence } from './actor-network.ts';
import type { PpoBatch, SequenceBatch } from './ppo-learner.ts';

export interface MinibatchRows {
  /** Of the batch, time first where it is of sequences. */
  readonly rows: Int32Array;
  /** Whose they are; empty where the batch is of single steps. */
  readonly environments: Int32Array;
}

/**
 * One epoch's minibatches; what does not divide is left out.
 * @throws InputError when there are fewer rows, or environments, than minibatches
 */
export function minibatchRows(
  { size, sequence }: Pick<PpoBatch, 'size' | 'sequence'>,
  minibatches: number,
  random: RandomStream,
): MinibatchRows[] {
  const order = new Int32Array(sequence?.numEnvs ?? size);
  random.permutation(order);
  const share = Math.floor(order.length / minibatches);
  if (share === 0) {
    const what = sequence === undefined ? 'rows' : 'environments';
    throw new InputError(`${order.length} ${what} cannot be cut into ${minibatches} minibatches`, {
      repair: 'lower ppo.minibatches, or raise train.numEnvs',
    });
  }
  return Array.from({ length: minibatches }, (_, k) => {
    const part = order.subarray(k * share, (k + 1) * share);
    if (sequence === undefined) return { rows: part, environments: new Int32Array(0) };
    const { horizon, numEnvs } = sequence;
    const rows = Int32Array.from({ length: horizon * share }, (_, i) => {
      return Math.floor(i / share) * numEnvs + part[i % share]!;
    });
    return { rows, environments: part };
  });
}

/** What a recurrent actor remembered in some environments. */
export function uploadSequence(
  { horizon, numEnvs, state, keep }: SequenceBatch,
  environments: Int32Array,
): DeviceSequence {
  const count = environments.length;
  return {
    horizon,
    state: tf.tensor2d(gather(state, environments, numEnvs), [count, state.length / numEnvs]),
    keep: Array.from({ length: horizon }, (_, t) =>
      tf.tensor2d(gather(keep.subarray(t * numEnvs, (t + 1) * numEnvs), environments, numEnvs), [count, 1]),
    ),
  };
}

/** Some rows of a [size, ...] array. */
export function gather(data: Float32Array, rows: Int32Array, size: number): Float32Array {
  const width = data.length / size;
  const out = new Float32Array(rows.length * width);
  for (let i = 0; i < rows.length; i++) {
    for (let k = 0; k < width; k++) out[i * width + k] = data[rows[i]! * width + k]!;
  }
  return out;
}
