/**
 * Symmetry in learning (Mittal et al., "Symmetry considerations for learning task symmetric robot policies", ICRA 2024): what
 * was collected, seen in a mirror. Either the batch is doubled, with the advantage, target and log-probability of the original
 * (as RSL-RL does), or the learner is told what the mirrored observations are and keeps its means symmetric. Knows no task.
 */

import type { NormalizerContract } from '../core/contract.ts';
import { type Mirror, mirrorRow } from '../core/symmetry.ts';
import { ObsNormalizer } from './actor.ts';
import { joined } from './experience.ts';
import type { Statistics } from './observation-statistics.ts';
import type { PpoBatch } from './ppo-learner.ts';
import type { RolloutBuffer } from './rollout-buffer.ts';

/** One symmetry of a task, as its observations and actions feel it. */
export interface TaskMirror {
  readonly obs: Mirror;
  /** Of what only the critic sees; null when it sees what the actor sees. */
  readonly criticObs: Mirror | null;
  readonly action: Mirror;
}

/** The batch, and behind it its mirror image for each symmetry. @param buffer that the batch was made from */
export function augmented(
  batch: PpoBatch,
  buffer: RolloutBuffer,
  { actor, critic }: Statistics,
  mirrors: readonly TaskMirror[],
): PpoBatch {
  const copies = mirrors.length + 1;
  const { size } = batch;
  const repeated = (data: Float32Array) => concatenated(new Array<Float32Array>(copies).fill(data));
  const obs = [batch.obs, ...mirrors.map((mirror) => mirroredObs(batch, buffer, { actor, critic }, mirror))];
  const action = [batch.action, ...mirrors.map((mirror) => mirroredRows(batch.action, size, mirror.action))];
  const criticObs =
    batch.criticObs === undefined
      ? {}
      : {
          criticObs: concatenated([
            batch.criticObs,
            ...mirrors.map((mirror) => normalisedRows(buffer.criticObs, size, mirror.criticObs!, critic!)),
          ]),
        };
  return {
    size: copies * size,
    obs: concatenated(obs),
    ...criticObs,
    action: concatenated(action),
    logProb: repeated(batch.logProb),
    advantage: repeated(batch.advantage),
    target: repeated(batch.target),
    value: repeated(batch.value),
  };
}

/** What the actor sees of the batch in the mirror, normalised, as wide as `batch.obs`. */
export function mirroredObs(
  { obs: seen, size }: PpoBatch,
  buffer: RolloutBuffer,
  { actor, critic }: Statistics,
  mirror: TaskMirror,
): Float32Array {
  const { obsDim, criticDim } = buffer.shape;
  const obs = normalisedRows(buffer.obs, size, mirror.obs, actor);
  if (seen.length === obs.length) return obs;
  const known = normalisedRows(buffer.criticObs, size, mirror.criticObs!, critic!);
  return joined(obs, obsDim, known, criticDim, size);
}

/** Mirrored, then normalised: the statistics need not be symmetric. @param obs [>= size, dim] */
function normalisedRows(obs: Float32Array, size: number, mirror: Mirror, statistics: NormalizerContract): Float32Array {
  const dim = mirror.index.length;
  const normalize = new ObsNormalizer(statistics);
  const rows = mirroredRows(obs, size, mirror);
  for (let at = 0; at < rows.length; at += dim) normalize.apply(rows, at, rows.subarray(at, at + dim));
  return rows;
}

function mirroredRows(rows: Float32Array, size: number, mirror: Mirror): Float32Array {
  const dim = mirror.index.length;
  const out = new Float32Array(size * dim);
  for (let at = 0; at < out.length; at += dim) mirrorRow(mirror, rows, at, out, at);
  return out;
}

function concatenated(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
