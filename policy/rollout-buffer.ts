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
  /** Bounds of ADR. @default 0 */
  readonly bounds?: number;
  /** Numbers in the actor's tensors, log-std last; with `stateStd` those of the network of `explorerLayers`. */
  readonly parameters: number;
  /** The exploration's log-std is a second half of the network's outputs. @default it is the last parameters */
  readonly stateStd?: boolean;
  /** Numbers that the actor remembers from step to step. @default 0 */
  readonly stateDim?: number;
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
  /** As sampled, before clipping or squashing, [T, N, actionDim]. */
  readonly action: Float32Array;
  /** log pi(action | obs) when it was sampled, of the action before squashing, [T, N]. */
  readonly logProb: Float32Array;
  /** [T, N] */
  readonly reward: Float32Array;
  readonly terminated: Uint8Array;
  readonly truncated: Uint8Array;
  /** Of the episodes that ended at (t, n): return, length, success, [T, N]. */
  readonly endedReturn: Float32Array;
  readonly endedLength: Float32Array;
  readonly endedSuccess: Uint8Array;
  /** The bound of ADR that they tested, -1 for none, and where it stood when they began, [T, N]; empty without ADR. */
  readonly endedBound: Int32Array;
  readonly endedBoundValue: Float64Array;
  /** Sum over the iteration of each weighted reward term, [N, rewardTerms]. */
  readonly termSums: Float64Array;
  /** Of the curriculum: where each environment stands, and before its first step where it shall begin, [N]. */
  readonly level: Float64Array;
  /** Where ADR's bounds stand for the episodes that begin in this iteration, numbered as in AdrState, [bounds]. */
  readonly bounds: Float64Array;
  /** What the actor remembers before the iteration's first step, and after its last, [N, stateDim]. */
  readonly actorState: Float32Array;
  readonly nextActorState: Float32Array;
  /** The tensors of the actor, then logStd, as the actor uses them in this iteration. */
  readonly parameters: Float32Array;
  /** Normaliser: mean then variance, [2, obsDim]. */
  readonly normalizer: Float64Array;
  /** The same of what only the critic sees, [2, criticDim]. */
  readonly criticNormalizer: Float64Array;
}

type View = typeof Float64Array | typeof Float32Array | typeof Int32Array | typeof Uint8Array;
type Field = readonly [name: string, view: View, length: number];

function fieldsOf(shape: RolloutShape): readonly Field[] {
  const { horizon, numEnvs, obsDim, criticDim, actionDim, bounds = 0, stateDim = 0 } = shape;
  const cells = horizon * numEnvs;
  const tested = bounds === 0 ? 0 : cells;
  return [
    ['termSums', Float64Array, numEnvs * shape.rewardTerms],
    ['normalizer', Float64Array, 2 * obsDim],
    ['criticNormalizer', Float64Array, 2 * criticDim],
    ['level', Float64Array, numEnvs],
    ['bounds', Float64Array, bounds],
    ['endedBoundValue', Float64Array, tested],
    ['obs', Float32Array, (cells + numEnvs) * obsDim],
    ['finalObs', Float32Array, cells * obsDim],
    ['criticObs', Float32Array, (cells + numEnvs) * criticDim],
    ['finalCriticObs', Float32Array, cells * criticDim],
    ['action', Float32Array, cells * actionDim],
    ['logProb', Float32Array, cells],
    ['reward', Float32Array, cells],
    ['endedReturn', Float32Array, cells],
    ['endedLength', Float32Array, cells],
    ['parameters', Float32Array, shape.parameters],
    ['actorState', Float32Array, numEnvs * stateDim],
    ['nextActorState', Float32Array, numEnvs * stateDim],
    ['endedBound', Int32Array, tested],
    ['terminated', Uint8Array, cells],
    ['truncated', Uint8Array, cells],
    ['endedSuccess', Uint8Array, cells],
  ];
}

export function makeRolloutBuffer(shape: RolloutShape): RolloutBuffer {
  const bytes = fieldsOf(shape).reduce((sum, [, View, length]) => sum + View.BYTES_PER_ELEMENT * length, 0);
  return openRolloutBuffer(shape, new SharedArrayBuffer(bytes));
}

/** The same views over memory that another thread made. */
export function openRolloutBuffer(shape: RolloutShape, memory: SharedArrayBuffer): RolloutBuffer {
  const views: Record<string, InstanceType<View>> = {};
  let at = 0;
  for (const [name, View, length] of fieldsOf(shape)) {
    views[name] = new View(memory as unknown as ArrayBuffer, at, length);
    at += View.BYTES_PER_ELEMENT * length;
  }
  return { shape, memory, ...views } as unknown as RolloutBuffer;
}
