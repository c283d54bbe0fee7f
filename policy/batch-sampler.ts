/**
 * Makes the batches of an off-policy learner: transitions of the replay buffer, a share of them from logged episodes where
 * there are some (RLPD, 2302.02948), observations normalised, and the update's random numbers. What update k draws follows
 * from (key, k) and the buffers alone.
 */

import type { NormalizerContract } from '../core/contract.ts';
import { foldIn, type Key, RandomStream } from '../core/rng.ts';
import { ObsNormalizer } from './actor.ts';
import { makeTransitions, type ReplayBuffer, type Transitions } from './replay-buffer.ts';
import { drawSubset, type SacBatch, type SacSettings } from './sac-learner.ts';

type Shares = Pick<SacSettings, 'batchSize'> & Partial<Pick<SacSettings, 'priorShare' | 'critics' | 'subset'>>;

export class BatchSampler {
  readonly #replay: ReplayBuffer;
  readonly #prior: ReplayBuffer | null;
  readonly #shares: Shares;
  readonly #key: Key;
  readonly #random = new RandomStream([0, 0]);
  readonly #batch: Transitions & { readonly noise: Float32Array; readonly nextNoise: Float32Array };
  readonly #rows: Rows;
  #normalize = (): void => {};

  constructor(replay: ReplayBuffer, prior: ReplayBuffer | null, shares: Shares, key: Key) {
    this.#replay = replay;
    this.#prior = prior;
    this.#shares = shares;
    this.#key = key;
    const { batchSize } = shares;
    const actions = batchSize * replay.shape.actionDim;
    this.#batch = {
      ...makeTransitions(replay.shape, batchSize),
      noise: new Float32Array(actions),
      nextNoise: new Float32Array(actions),
    };
    this.#rows = rowsOf(this.#batch, batchSize);
  }

  /** Statistics to normalise with from now on. @param critic null where the critic sees what the actor sees */
  normalizeBy(actor: NormalizerContract, critic: NormalizerContract | null): void {
    const forActor = new ObsNormalizer(actor);
    const forCritic = critic === null ? null : new ObsNormalizer(critic);
    const { obs, criticObs } = this.#rows;
    this.#normalize = () => {
      for (const row of obs) forActor.apply(row, 0, row);
      if (forCritic !== null) for (const row of criticObs) forCritic.apply(row, 0, row);
    };
  }

  /** The transitions of an update; their arrays are reused. */
  transitions(update: number): Transitions {
    const { batchSize, priorShare = 0 } = this.#shares;
    const random = this.#random;
    random.reset(foldIn(this.#key, update));
    const logged = this.#prior === null ? 0 : Math.round(priorShare * batchSize);
    this.#prior?.sample(random, logged, this.#batch);
    this.#replay.sample(random, batchSize - logged, this.#batch, logged);
    this.#normalize();
    return this.#batch;
  }

  /** With the random numbers that a soft actor-critic needs. */
  sac(update: number): SacBatch {
    const { critics = 1, subset = 1 } = this.#shares;
    const { noise, nextNoise } = this.#batch;
    const random = this.#random;
    this.transitions(update);
    for (let i = 0; i < noise.length; i++) noise[i] = random.normal();
    for (let i = 0; i < nextNoise.length; i++) nextNoise[i] = random.normal();
    return { ...this.#batch, subset: drawSubset(random, critics, subset) };
  }
}

interface Rows {
  readonly obs: readonly Float32Array[];
  readonly criticObs: readonly Float32Array[];
}

/** Views of each row, now and next. */
function rowsOf(batch: Transitions, rows: number): Rows {
  const views = (data: Float32Array) => {
    const width = data.length / rows;
    return Array.from({ length: width === 0 ? 0 : rows }, (_, i) => data.subarray(i * width, (i + 1) * width));
  };
  return {
    obs: [...views(batch.obs), ...views(batch.nextObs)],
    criticObs: [...views(batch.criticObs), ...views(batch.nextCriticObs)],
  };
}
