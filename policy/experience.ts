/**
 * Turns what was collected into what PPO learns from: normalised observations, values, advantages, targets. A critic that
 * sees what the robot cannot measure (asymmetric actor-critic, Pinto et al. 2018) has observations and statistics of its
 * own. Knows no environment.
 */

import type { NormalizerContract } from '../core/contract.ts';
import { NumericError } from '../core/errors.ts';
import { ObsNormalizer } from './actor.ts';
import { computeGae } from './gae.ts';
import type { PpoBatch, PpoLearner, PpoSettings, SequenceBatch } from './ppo-learner.ts';
import type { RolloutBuffer } from './rollout-buffer.ts';

/** Which of the buffer's observations actor or critic see. */
interface Sight {
  readonly name: string;
  readonly dim: number;
  /** [T + 1, N, dim] and [T, N, dim], before normalisation. */
  readonly obs: Float32Array;
  readonly finalObs: Float32Array;
  readonly normalize: ObsNormalizer;
}

/**
 * @param criticNormalizer statistics of what only the critic sees; null when it sees what the actor sees
 * @param iteration for the error
 * @param isPrivileged the actor sees what only the critic sees, too: behind its own observation
 * @throws NumericError naming observation, environment and step of the first number that is not finite
 */
export async function assemble(
  buffer: RolloutBuffer,
  ppo: PpoLearner,
  normalizer: NormalizerContract,
  criticNormalizer: NormalizerContract | null,
  { gamma, lam }: Pick<PpoSettings, 'gamma' | 'lam'>,
  iteration: number,
  isPrivileged = false,
): Promise<PpoBatch> {
  const { horizon, numEnvs, obsDim, criticDim } = buffer.shape;
  const size = horizon * numEnvs;
  const { obs, finalObs, criticObs, finalCriticObs, reward, terminated, truncated } = buffer;
  const actor: Sight = { name: 'observation', dim: obsDim, obs, finalObs, normalize: new ObsNormalizer(normalizer) };
  const critic: Sight =
    criticNormalizer === null
      ? actor
      : {
          name: 'critic observation',
          dim: criticDim,
          obs: criticObs,
          finalObs: finalCriticObs,
          normalize: new ObsNormalizer(criticNormalizer),
        };

  const seen = normalised(actor, numEnvs, iteration);
  const criticRows = critic === actor ? seen : normalised(critic, numEnvs, iteration);
  const value = await ppo.values(criticRows, size + numEnvs);
  const cut: number[] = [];
  for (let i = 0; i < size; i++) if (truncated[i] !== 0) cut.push(i);
  const finalValue = new Float32Array(size);
  if (cut.length > 0) {
    const values = await ppo.values(normalisedFinal(critic, cut, numEnvs, iteration), cut.length);
    for (const [k, i] of cut.entries()) finalValue[i] = values[k]!;
  }
  const advantage = new Float32Array(size);
  const target = new Float32Array(size);
  computeGae({ horizon, numEnvs, reward, terminated, truncated, value, finalValue, gamma, lam }, advantage, target);
  // Copies: tfjs refuses views of shared memory.
  return {
    size,
    obs: isPrivileged ? joined(seen, obsDim, criticRows, criticDim, size) : seen.subarray(0, size * obsDim),
    ...(buffer.actorState.length === 0 ? {} : { sequence: sequenceOf(buffer) }),
    ...(critic === actor ? {} : { criticObs: criticRows.subarray(0, size * criticDim) }),
    action: Float32Array.from(buffer.action),
    logProb: Float32Array.from(buffer.logProb),
    advantage,
    target,
    value: value.slice(0, size),
  };
}

/** What the actor saw in an iteration, normalised, [size, obsDim]. @throws NumericError as `assemble` does */
export function actorRows(buffer: RolloutBuffer, normalizer: NormalizerContract, iteration: number): Float32Array {
  const { horizon, numEnvs, obsDim } = buffer.shape;
  const { obs, finalObs } = buffer;
  const sight = { name: 'observation', dim: obsDim, obs, finalObs, normalize: new ObsNormalizer(normalizer) };
  return normalised(sight, numEnvs, iteration).subarray(0, horizon * numEnvs * obsDim);
}

/** The first rows of two arrays side by side. @param a,b widths @returns [size, a + b] */
export function joined(left: Float32Array, a: number, right: Float32Array, b: number, size: number): Float32Array {
  const out = new Float32Array(size * (a + b));
  for (let i = 0; i < size; i++) {
    out.set(left.subarray(i * a, (i + 1) * a), i * (a + b));
    out.set(right.subarray(i * b, (i + 1) * b), i * (a + b) + a);
  }
  return out;
}

/** What a recurrent actor remembered when the iteration began, and where it was made to forget. */
export function sequenceOf(buffer: RolloutBuffer): SequenceBatch {
  const { horizon, numEnvs } = buffer.shape;
  const keep = new Float32Array(horizon * numEnvs).fill(1);
  // Before the first step the state is 0 already where an episode began.
  for (let i = numEnvs; i < keep.length; i++) {
    if (buffer.terminated[i - numEnvs] !== 0 || buffer.truncated[i - numEnvs] !== 0) keep[i] = 0;
  }
  return { horizon, numEnvs, state: Float32Array.from(buffer.actorState), keep };
}

/** @returns [T + 1, N, dim] */
function normalised(sight: Sight, numEnvs: number, iteration: number): Float32Array {
  const { obs, dim, normalize } = sight;
  const out = new Float32Array(obs.length);
  const row = new Float32Array(dim);
  for (let at = 0; at < out.length; at += dim) {
    normalize.apply(obs, at, row);
    refuseNonFinite(row, sight, at / dim, numEnvs, iteration);
    out.set(row, at);
  }
  return out;
}

/** What was seen when episodes were cut off. @param cut cells (t, n) of these, t N + n @returns [cut, dim] */
function normalisedFinal(sight: Sight, cut: readonly number[], numEnvs: number, iteration: number): Float32Array {
  const { finalObs, dim, normalize } = sight;
  const out = new Float32Array(cut.length * dim);
  const row = new Float32Array(dim);
  for (const [k, i] of cut.entries()) {
    normalize.apply(finalObs, i * dim, row);
    refuseNonFinite(row, sight, i + numEnvs, numEnvs, iteration);
    out.set(row, k * dim);
  }
  return out;
}

/** @param cell (t, n) that was observed, t N + n */
function refuseNonFinite(row: Float32Array, { name }: Sight, cell: number, numEnvs: number, iteration: number): void {
  for (let k = 0; k < row.length; k++) {
    if (Number.isFinite(row[k])) continue;
    throw new NumericError(
      `${name} ${k} of environment ${cell % numEnvs} is ${row[k]} at step ${Math.floor(cell / numEnvs)} of iteration ${iteration}`,
    );
  }
}
