/**
 * Automatic domain randomisation between learner and workers: its bounds go out with a rollout buffer and move by what the
 * buffer's episodes came to at them. Knows no environment and no network. The rules are those of sim/adr.ts.
 */

import { InputError } from '../core/errors.ts';
import { type AdrOutcome, type AdrSettings, type AdrState, adrEntropy, initialAdr, updateAdr } from '../sim/adr.ts';
import type { RolloutBuffer } from './rollout-buffer.ts';

export class AdrLearner {
  readonly #settings: AdrSettings;
  #state: AdrState;

  /** @param known where a run stood @throws InputError when that was of other parameters */
  constructor(settings: AdrSettings, known: AdrState | undefined) {
    const initial = initialAdr(settings);
    const needed = initial.bounds.length;
    if (known !== undefined && (known.bounds.length !== needed || known.buffers.length !== needed)) {
      throw new InputError(`the checkpoint has ${known.bounds.length} bounds of ADR, the task has ${needed}`, {
        repair: 'the task has changed since: train again, or restore the old one',
      });
    }
    this.#settings = settings;
    this.#state = known ?? initial;
  }

  get state(): AdrState {
    return this.#state;
  }

  /** Of the ranges, nats a parameter. */
  get entropy(): number {
    return adrEntropy(this.#state);
  }

  /** Before an iteration: tell the environments where the bounds stand. */
  write(buffer: RolloutBuffer): void {
    buffer.bounds.set(this.#state.bounds);
  }

  /** After it. */
  update(buffer: RolloutBuffer): void {
    this.#state = updateAdr(this.#settings, this.#state, outcomesOf(buffer));
  }
}

/** Of the episodes that ended at a bound, by environment and then step: the same for any number of workers. */
function outcomesOf(buffer: RolloutBuffer): AdrOutcome[] {
  const { horizon, numEnvs } = buffer.shape;
  const outcomes: AdrOutcome[] = [];
  for (let n = 0; n < numEnvs; n++) {
    for (let cell = n; cell < horizon * numEnvs; cell += numEnvs) {
      const bound = buffer.endedBound[cell]!;
      if (buffer.endedLength[cell] === 0 || bound < 0) continue;
      outcomes.push({ bound, value: buffer.endedBoundValue[cell]!, performance: buffer.endedSuccess[cell]! });
    }
  }
  return outcomes;
}
