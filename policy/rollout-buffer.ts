/**
 * One iteration's experience in shared memory, time first, and the actor's parameters beside it. Written by workers,
 * each its own environments; read by the learner. Plain views: knows no environment and no network.
 */

export interface RolloutShape {
  /** Control steps an environment takes in one iteration. */
  readonly horizon: number;
  readonly numEnvs: number;
  readonly obsDim: number;
  /** Numbers that only the critic sees; 0 when it sees what the actor sees. */
  readonly criticDim: number;
  readonly actionDim: number;
  readonly rewardTerms: number;
  /** Numbers in the actor's tensors, log-std last. */
  readonly parameters: number;
}

/** T = horizon, N = numEnvs. */
export interface RolloutBuffer {
  readonly shape: RolloutShape;
  readonly memory: SharedArrayBuffer;
  /** Before normalisation, [T + 1, N, obsDim]; row T is the observation after the last step. */
  readonly obs: Float32Array;
  /** The observation in which an episode ended, where it ended, [T, N, obsDim]. */
  readonly finalObs: Float32Array;
  /** The same of what only the critic sees, [T + 1, N, criticDim] and [T, N, criticDim]. */
  readonly criticObs: Float32Array;
  readonly finalCriticObs: Float32Array;
  /** As sampled, before clipping, [T, N, actionDim]. */
  readonly action: Float32Array;
  /** log pi(action | obs) when it was sampled, [T, N]. */
  readonly logProb: Float32Array;
  /** [T, N] */
  readonly reward: Float32Array;
  readonly terminated: Uint8Array;
  readonly truncated: Uint8Array;
  /** Of the episodes that ended at (t, n): return, length, success, [T, N]. */
  readonly endedReturn: Float32Array;
  readonly endedLength: Float32Array;
  readonly endedSuccess: Uint8Array;
  /** Sum over the iteration of each weighted reward term, [N, rewardTerms]. */
  readonly termSums: Float64Array;
  /** Of the curriculum: where each environment stands, and before its first step where it shall begin, [N]. */
  readonly level: Float64Array;
  /** W1, b1, W2, b2, ..., logStd, as the actor uses them in this iteration. */
  readonly parameters: Float32Array;
  /** Normaliser: mean then variance, [2, obsDim]. */
  readonly normalizer: Float64Array;
}

type Field = readonly [name: string, bytes: 1 | 4 | 8, length: number];

function fieldsOf(shape: RolloutShape): readonly Field[] {
  const { horizon, numEnvs, obsDim, criticDim, actionDim } = shape;
  const cells = horizon * numEnvs;
  return [
    ['termSums', 8, numEnvs * shape.rewardTerms],
    ['normalizer', 8, 2 * obsDim],
    ['level', 8, numEnvs],
    ['obs', 4, (cells + numEnvs) * obsDim],
    ['finalObs', 4, cells * obsDim],
    ['criticObs', 4, (cells + numEnvs) * criticDim],
    ['finalCriticObs', 4, cells * criticDim],
    ['action', 4, cells * actionDim],
    ['logProb', 4, cells],
    ['reward', 4, cells],
    ['endedReturn', 4, cells],
    ['endedLength', 4, cells],
    ['parameters', 4, shape.parameters],
    ['terminated', 1, cells],
    ['truncated', 1, cells],
    ['endedSuccess', 1, cells],
  ];
}

export function makeRolloutBuffer(shape: RolloutShape): RolloutBuffer {
  const bytes = fieldsOf(shape).reduce((sum, [, size, length]) => sum + size * length, 0);
  return openRolloutBuffer(shape, new SharedArrayBuffer(bytes));
}

/** The same views over memory that another thread made. */
export function openRolloutBuffer(shape: RolloutShape, memory: SharedArrayBuffer): RolloutBuffer {
  const views: Record<string, Float64Array | Float32Array | Uint8Array> = {};
  let at = 0;
  for (const [name, size, length] of fieldsOf(shape)) {
    const View = size === 8 ? Float64Array : size === 4 ? Float32Array : Uint8Array;
    views[name] = new View(memory as unknown as ArrayBuffer, at, length);
    at += size * length;
  }
  return { shape, memory, ...views } as unknown as RolloutBuffer;
}
