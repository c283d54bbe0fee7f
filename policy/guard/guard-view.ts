/**
 * What a guard looks at of a policy's observations, which follows from its contract: the numbers that a forward model sees, and
 * the sensed ones that it predicts. Large sensors are left to the policy's own features. Knows no model.
 */

import type { Contract } from '../../core/contract.ts';
import { termNamed } from '../../core/observation.ts';

/** Numbers a step of one term up to which it is looked at: beyond it stand scans and images. */
const MOST = 64;

export interface GuardView {
  /** Into the observation. */
  readonly inputs: Int32Array;
  /** Into the observation: the newest of what sensors say. What is asked and what was done are not to be predicted. */
  readonly predicted: Int32Array;
}

export function guardView({ observations }: Pick<Contract, 'observations'>): GuardView {
  const inputs: number[] = [];
  const predicted: number[] = [];
  let at = 0;
  for (const { name, term, size, history } of observations) {
    const width = size / history;
    if (width <= MOST) {
      for (let i = 0; i < size; i++) inputs.push(at + i);
      const isSensed = term !== 'last_action' && termNamed(term, `observation ${name}`).needs !== 'command';
      // Newest first.
      if (isSensed) for (let i = 0; i < width; i++) predicted.push(at + i);
    }
    at += size;
  }
  return { inputs: Int32Array.from(inputs), predicted: Int32Array.from(predicted) };
}
