/**
 * Where a number that is not finite came from, carried from the worker that met it to whoever reports it. Knows no file;
 * loop/nan-dump.ts writes what is found here.
 */

import { LandfallError, NumericError } from '../core/errors.ts';
import type { Environment, EnvironmentSnapshot } from '../sim/environment.ts';
import type { Collector } from './collector.ts';

export interface Origin {
  /** What is not finite, such as `observation 3`, `action 0`, `reward` or `loss`. */
  readonly tensor: string;
  /** Counted from 0; for an evaluation, that which it judged. */
  readonly iteration: number;
  /** The environment's number; null for a loss, which has none. */
  readonly env: number | null;
  /** Control step within the iteration, from 0; null for a loss and in an evaluation. */
  readonly step: number | null;
  /** The environment in its episode, its last action the one that led there; for a loss, of the one most likely to tell why. */
  readonly episode: { readonly env: number; readonly at: EnvironmentSnapshot } | null;
}

/** A NumericError that knows its origin. */
export class DivergenceError extends NumericError {
  readonly origin: Origin;

  constructor(message: string, origin: Origin, details: { readonly repair?: string; readonly cause?: unknown } = {}) {
    super(message, details);
    this.origin = origin;
  }
}

/** Of two failures of one iteration the one that comes first, by step and then environment, whichever worker met it. */
export function earlier(a: unknown, b: unknown): unknown {
  if (!(a instanceof DivergenceError)) return b instanceof DivergenceError ? b : a;
  if (!(b instanceof DivergenceError)) return a;
  const step = (a.origin.step ?? 0) - (b.origin.step ?? 0);
  return step < 0 || (step === 0 && (a.origin.env ?? 0) <= (b.origin.env ?? 0)) ? a : b;
}

/** Index in [from, from + count) of the first value that is not finite; -1 when all are. */
export function firstNonFinite(values: ArrayLike<number>, from: number, count: number): number {
  for (let i = from; i < from + count; i++) if (!Number.isFinite(values[i]!)) return i;
  return -1;
}

/** What failed in an environment's step, as an error with its origin. Errors of other kinds come back as they are. */
export function divergedIn(environment: Environment, error: unknown, where: string, origin: Omit<Origin, 'tensor'>) {
  if (!(error instanceof LandfallError)) return error;
  const message = `${where}: ${error.message}`;
  if (!(error instanceof NumericError)) {
    error.message = message;
    return error;
  }
  const tensor = firstNonFinite(environment.rewardTerms, 0, environment.rewardTerms.length) < 0 ? 'state' : 'reward';
  return new DivergenceError(message, { ...origin, tensor }, { cause: error });
}

/** A loss has no environment: the one with the largest reward is the most likely to tell why. */
export async function lossDiverged(
  error: NumericError,
  collector: Pick<Collector, 'buffer' | 'snapshots'>,
  iteration: number,
) {
  const { buffer } = collector;
  const { numEnvs } = buffer.shape;
  let largest = 0;
  for (let i = 1; i < buffer.reward.length; i++)
    if (Math.abs(buffer.reward[i]!) > Math.abs(buffer.reward[largest]!)) largest = i;
  const env = largest % numEnvs;
  const origin = {
    tensor: 'loss',
    iteration,
    env: null,
    step: null,
    episode: { env, at: (await collector.snapshots())[env]! },
  };
  const repair = error.repair === undefined ? {} : { repair: error.repair };
  return new DivergenceError(error.message, origin, { ...repair, cause: error });
}
