/**
 * What a learner is told of fine-tuning, on its flat parameter vector: how fast each number learns, what pulls it back, what
 * stands in for it, and whom not to forget. Knows no layer's name and no learner.
 */

import type { NetworkContract } from '../core/contract.ts';
import type { AdapterSpec } from './transfer/adapter.ts';

/** gradient += stiffness (w - anchor): the gradient of stiffness/2 (w - anchor)^2; both [parameters]. */
export interface Pull {
  readonly anchor: Float32Array;
  readonly stiffness: Float32Array;
}

/** A policy that must not be forgotten: coefficient times KL(it || what learns), at states of its own or of who learns. */
export interface Retention {
  readonly coefficient: number;
  readonly network: NetworkContract;
  /** Of its actor, log-std last. */
  readonly actor: Float32Array;
  /** Normalised observations of its own, [states, obsDim]; without them those that the learner meets. */
  readonly observations?: Float32Array;
}

export interface FineTunePlan {
  /**
   * What each parameter's learning rate is multiplied with in this iteration, [parameters]; 0: frozen, to the byte. When another
   * set of numbers is frozen than in the iteration before, the optimiser starts anew.
   * @throws LandfallError when what it was made of has changed since
   */
  rates(iteration: number): Float32Array;
  readonly pull?: Pull;
  /** Numbers that the adapter moves must be frozen. */
  readonly adapter?: AdapterSpec;
  /** What the adapter's learning rate is multiplied with in this iteration; 0: it rests. @default 1 */
  adapterRate?(iteration: number): number;
  readonly retention?: Retention;
}

/** Numbers [from, to) of the vector that learn at the same rate. */
export type Run = readonly [from: number, to: number, rate: number];

/** The pieces of equal rate that learn; frozen ones are left out. */
export function runsOf(rates: Float32Array): Run[] {
  const runs: Run[] = [];
  for (let from = 0; from < rates.length; ) {
    let to = from + 1;
    while (to < rates.length && rates[to] === rates[from]) to++;
    if (rates[from] !== 0) runs.push([from, to, rates[from]!]);
    from = to;
  }
  return runs;
}

/** 0 without an adapter. */
export function adapterRate(plan: FineTunePlan, iteration: number): number {
  if (plan.adapter === undefined) return 0;
  return plan.adapterRate?.(iteration) ?? 1;
}

/** Whether another set of numbers learns than in the iteration before: the optimiser's memory is then of something else. */
export function isNewPhase(plan: FineTunePlan, iteration: number): boolean {
  if (iteration === 0) return false;
  const [before, now] = [plan.rates(iteration - 1), plan.rates(iteration)];
  const begins = (adapterRate(plan, iteration - 1) === 0) !== (adapterRate(plan, iteration) === 0);
  return begins || now.some((rate, i) => (rate === 0) !== (before[i] === 0));
}
