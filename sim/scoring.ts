/** What a control step earns: the task's reward terms by their weights. Knows no robot; allocates nothing per step. */

import { NumericError } from '../core/errors.ts';
import type { StepView, TaskDefinition } from './task.ts';

export class Scoring {
  /** Weighted terms of the last step, in the order of the task's rewards. */
  readonly terms: Float64Array;
  readonly #names: readonly string[];
  readonly #rewards: readonly ((view: StepView) => number)[];
  readonly #weights: Float64Array;
  readonly #onlyPositive: boolean;

  /** @param weights per second, in the order of the task's rewards */
  constructor({ rewards, onlyPositive = false }: TaskDefinition, weights: readonly number[]) {
    this.#names = Object.keys(rewards);
    this.#rewards = Object.values(rewards).map((term) => term.fn);
    this.#weights = Float64Array.from(weights);
    this.#onlyPositive = onlyPositive;
    this.terms = new Float64Array(this.#rewards.length);
  }

  /** @param step,episode for the error @throws NumericError naming the first term that is not finite */
  score(view: StepView, step: number, episode: number): number {
    let reward = 0;
    for (let k = 0; k < this.#rewards.length; k++) {
      // r_k = w_k f_k dt
      const term = this.#weights[k]! * this.#rewards[k]!(view) * view.dt;
      this.terms[k] = term;
      reward += term;
    }
    if (!Number.isFinite(reward)) {
      throw new NumericError(`reward ${this.#firstBadTerm()} at step ${step} of episode ${episode}`);
    }
    return this.#onlyPositive && reward < 0 ? 0 : reward;
  }

  /** The first term that is not finite, and what it is. */
  #firstBadTerm(): string {
    const k = this.terms.findIndex((term) => !Number.isFinite(term));
    return k < 0 ? 'sum is infinite' : `${this.#names[k]} is ${this.terms[k]}`;
  }
}
