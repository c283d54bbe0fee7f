/**
 * Transitions to learn from again and again: a ring of a fixed size, oldest overwritten first, drawn from uniformly with a
 * passed stream. Observations are kept as they were measured and normalised when drawn. Knows no learner.
 */

import { InputError, NumericError } from '../core/errors.ts';
import { tanh } from '../core/math.ts';
import type { RandomStream } from '../core/rng.ts';
import type { RolloutBuffer } from './rollout-buffer.ts';
import type { NamedTensor } from './safetensors.ts';

export interface TransitionShape {
  readonly obsDim: number;
  /** Numbers that only the critic sees; 0 when it sees what the actor sees. */
  readonly criticDim: number;
  readonly actionDim: number;
}

/** Rows of (s, a, r, s'), [rows, ...]; observations before normalisation, actions in [-1, 1]. */
export interface Transitions {
  readonly obs: Float32Array;
  readonly nextObs: Float32Array;
  readonly criticObs: Float32Array;
  readonly nextCriticObs: Float32Array;
  readonly action: Float32Array;
  readonly reward: Float32Array;
  /** 1 where the episode goes on or was cut off by time, 0 where the task was over. */
  readonly bootstrap: Float32Array;
}

export function makeTransitions({ obsDim, criticDim, actionDim }: TransitionShape, rows: number): Transitions {
  return {
    obs: new Float32Array(rows * obsDim),
    nextObs: new Float32Array(rows * obsDim),
    criticObs: new Float32Array(rows * criticDim),
    nextCriticObs: new Float32Array(rows * criticDim),
    action: new Float32Array(rows * actionDim),
    reward: new Float32Array(rows),
    bootstrap: new Float32Array(rows),
  };
}

const FIELDS = ['obs', 'nextObs', 'criticObs', 'nextCriticObs', 'action', 'reward', 'bootstrap'] as const;

export class ReplayBuffer {
  readonly shape: TransitionShape;
  readonly capacity: number;
  readonly data: Transitions;
  #size = 0;
  #next = 0;

  constructor(shape: TransitionShape, capacity: number) {
    this.shape = shape;
    this.capacity = capacity;
    this.data = makeTransitions(shape, capacity);
  }

  /** Transitions held. */
  get size(): number {
    return this.#size;
  }

  /** The row that the next transition is written to; the caller fills `data` there. */
  claim(): number {
    const row = this.#next;
    this.#next = (row + 1) % this.capacity;
    this.#size = Math.min(this.#size + 1, this.capacity);
    return row;
  }

  /**
   * Take over an iteration's experience, environment by environment within a step; its actions are those before squashing.
   * @param iteration for the error
   * @throws NumericError naming environment and step of the first observation that is not finite
   */
  take(rollout: RolloutBuffer, iteration: number): void {
    const { horizon, numEnvs } = rollout.shape;
    const { obsDim, criticDim, actionDim } = this.shape;
    const { data } = this;
    for (let cell = 0; cell < horizon * numEnvs; cell++) {
      const row = this.claim();
      const ended = rollout.terminated[cell] !== 0 || rollout.truncated[cell] !== 0;
      // What came after: where an episode ended, the row below holds the first observation of the next one.
      const [nextObs, nextCritic, at] = ended
        ? [rollout.finalObs, rollout.finalCriticObs, cell]
        : [rollout.obs, rollout.criticObs, cell + numEnvs];
      copyRow(rollout.obs, cell, data.obs, row, obsDim);
      copyRow(nextObs, at, data.nextObs, row, obsDim);
      copyRow(rollout.criticObs, cell, data.criticObs, row, criticDim);
      copyRow(nextCritic, at, data.nextCriticObs, row, criticDim);
      for (let k = 0; k < obsDim; k++) {
        if (Number.isFinite(data.nextObs[row * obsDim + k])) continue;
        throw new NumericError(
          `observation ${k} of environment ${cell % numEnvs} is ${data.nextObs[row * obsDim + k]} after step ${Math.floor(cell / numEnvs)} of iteration ${iteration}`,
        );
      }
      for (let k = 0; k < actionDim; k++) {
        data.action[row * actionDim + k] = tanh(rollout.action[cell * actionDim + k]!);
      }
      data.reward[row] = rollout.reward[cell]!;
      data.bootstrap[row] = rollout.terminated[cell] !== 0 ? 0 : 1;
    }
  }

  /** Copy `count` rows drawn uniformly, with repetition, to rows `from`.. of `out`. */
  sample(random: RandomStream, count: number, out: Transitions, from = 0): void {
    const { obsDim, criticDim, actionDim } = this.shape;
    const { data } = this;
    for (let i = from; i < from + count; i++) {
      const row = random.below(this.#size);
      copyRow(data.obs, row, out.obs, i, obsDim);
      copyRow(data.nextObs, row, out.nextObs, i, obsDim);
      copyRow(data.criticObs, row, out.criticObs, i, criticDim);
      copyRow(data.nextCriticObs, row, out.nextCriticObs, i, criticDim);
      copyRow(data.action, row, out.action, i, actionDim);
      out.reward[i] = data.reward[row]!;
      out.bootstrap[i] = data.bootstrap[row]!;
    }
  }

  /** What it holds, oldest first, for a checkpoint. */
  save(): NamedTensor[] {
    const oldest = this.#size < this.capacity ? 0 : this.#next;
    return FIELDS.map((name) => {
      const all = this.data[name];
      const width = all.length / this.capacity;
      const data = new Float32Array(this.#size * width);
      data.set(all.subarray(oldest * width, this.#size * width));
      if (oldest > 0) data.set(all.subarray(0, oldest * width), (this.#size - oldest) * width);
      return { name: `replay.${name}`, shape: [this.#size, width], data };
    });
  }

  /** @throws InputError when they are of another task */
  load(tensors: readonly NamedTensor[]): void {
    const rows = tensors.find(({ name }) => name === 'replay.reward')?.data.length ?? 0;
    const kept = Math.min(rows, this.capacity);
    for (const name of FIELDS) {
      const width = this.data[name].length / this.capacity;
      const data = tensors.find((tensor) => tensor.name === `replay.${name}`)?.data;
      if (data?.length !== rows * width) {
        throw new InputError(
          `the replay buffer's ${name} should hold ${rows} rows of ${width}, found ${data?.length}`,
          {
            repair: 'remove replay.safetensors from the checkpoint: it is then filled again',
          },
        );
      }
      this.data[name].set(data.subarray((rows - kept) * width));
    }
    this.#size = kept;
    this.#next = kept % this.capacity;
  }
}

function copyRow(from: Float32Array, row: number, to: Float32Array, toRow: number, width: number): void {
  for (let k = 0; k < width; k++) to[toRow * width + k] = from[row * width + k]!;
}
