/**
 * A guard as the robot runs it: watches what the policy sees, does and thinks, and alarms when w of the last W steps are further
 * from the nominal than the calibrated limit. No node, no tfjs; allocates nothing per step. Stops nothing itself, and no hard
 * limit depends on it.
 */

import type { Contract } from '../../core/contract.ts';
import { AlarmWindow } from './alarm-window.ts';
import type { GuardModel, PartName, PartScale } from './guard-model.ts';
import { GuardScores } from './guard-scores.ts';

const NOTHING = new Float32Array(0);

/**
 * The largest z = (log score - mean) / sd of all parts, into `out`: one number, so one limit holds for all parts together and
 * alpha need not be shared among them.
 * @param index of each part among the log scores, which are read from `at` on @returns which part it is of
 */
export function largestOf(
  parts: readonly PartScale[],
  index: Int32Array,
  logs: Float64Array,
  at: number,
  out: Float64Array,
): number {
  let part = 0;
  out[0] = -Infinity;
  for (let k = 0; k < parts.length; k++) {
    const z = (logs[at + index[k]!]! - parts[k]!.mean) / parts[k]!.sd;
    if (z <= out[0]!) continue;
    part = k;
    out[0] = z;
    // No number is larger than one that is none.
    if (Number.isNaN(z)) break;
  }
  return part;
}

export class Guard {
  readonly model: GuardModel;
  readonly #scores: GuardScores;
  readonly #window: AlarmWindow;
  /** Of the model's parts, among the scorer's. */
  readonly #index: Int32Array;
  /** The largest z of the last step, [1]. */
  readonly #largest = Float64Array.of(-Infinity);
  #part = 0;

  /** @param model of this contract's policy */
  constructor(contract: Contract, model: GuardModel) {
    this.model = model;
    this.#scores = new GuardScores(contract, model.tensors, model.tensors['features.mean']?.length ?? 0);
    this.#window = new AlarmWindow(model.window);
    this.#index = Int32Array.from(model.parts, ({ name }) => this.#scores.parts.indexOf(name));
  }

  /** An episode begins. */
  reset(): void {
    this.#scores.reset();
    this.#window.reset();
    this.#largest[0] = -Infinity;
  }

  /**
   * Once a control step, before its action is sent.
   * @param obs [obsDim], as the Observer wrote it @param action [actionDim], chosen for it @param features of the policy, of it
   * @returns whether to stop
   */
  step(obs: Float32Array, action: Float32Array, features: Float32Array = NOTHING): boolean {
    return this.stepAt(obs, 0, action, 0, features, 0);
  }

  /** The same of longer arrays, each read from where its offset says. */
  stepAt(
    obs: Float32Array,
    at: number,
    action: Float32Array,
    actionAt: number,
    features: Float32Array,
    featuresAt: number,
  ): boolean {
    if (!this.#scores.step(obs, at, action, actionAt, features, featuresAt)) return false;
    this.#part = largestOf(this.model.parts, this.#index, this.#scores.logs, 0, this.#largest);
    this.#window.push(this.#largest, 0);
    return this.#window.level[0]! > this.model.threshold;
  }

  /** What the last W steps have reached, in the unit of the threshold; +inf once a score was not finite. */
  get level(): number {
    return this.#window.level[0]!;
  }

  /** The part whose score was the largest in the last step. */
  get part(): PartName {
    return this.model.parts[this.#part]!.name;
  }
}
