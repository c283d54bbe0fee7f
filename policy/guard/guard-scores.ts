/**
 * How unusual each step is, by each part of a guard: the one scorer of training, calibration and robot. Allocates nothing per
 * step. Knows no limit.
 */

import { actionDim, type Contract } from '../../core/contract.ts';
import { clamp, logEach } from '../../core/math.ts';
import { linear, Mlp } from '../mlp.ts';
import {
  GUARD_ACTIVATION,
  type GuardModel,
  guardShape,
  networkTensors,
  type PartName,
  partsOf,
} from './guard-model.ts';
import { guardView } from './guard-view.ts';

/** Of the residual's exponential average: a memory of ten steps. */
const SMOOTHING = 0.1;
/** Standard deviations: what lies further out says no more, and overflows nothing. */
const FAR = 20;
/** Below it a score's logarithm tells nothing. */
const LEAST = 1e-12;

export class GuardScores {
  readonly parts: readonly PartName[];
  /** Log scores of the last step less what is usual there, [parts]; NaN where one was not finite. */
  readonly logs: Float64Array;
  /** [inputs]: observation and action before the transition, in standard deviations. */
  readonly input: Float32Array;
  /** [predicted]: its change, in standard deviations. */
  readonly change: Float32Array;
  /** [predicted]: change minus prediction, and its exponential average. */
  readonly residual: Float32Array;
  readonly drift: Float32Array;
  /** [features], standardised. */
  readonly features: Float32Array;
  readonly #tensors: GuardModel['tensors'];
  readonly #inputs: Int32Array;
  readonly #predicted: Int32Array;
  readonly #actions: number;
  /** [inputs + predicted] */
  readonly #seen: Float32Array;
  readonly #predictedChange: Float32Array;
  readonly #white: Float32Array;
  readonly #whiteFeatures: Float32Array;
  readonly #learned: Float32Array;
  readonly #wanted: Float32Array;
  readonly #forward: Mlp;
  readonly #novelty: Mlp;
  readonly #target: Mlp;
  readonly #usual: Mlp;
  readonly #usualTensors: readonly Float32Array[];
  readonly #expected: Float32Array;
  readonly #forwardTensors: readonly Float32Array[];
  readonly #noveltyTensors: readonly Float32Array[];
  readonly #targetTensors: readonly Float32Array[];
  /** The observation and the action of the step before. */
  readonly #obs: Float32Array;
  readonly #action: Float32Array;
  #fresh = true;

  /** @param features numbers of the policy's last hidden layer; 0 without */
  constructor(contract: Contract, tensors: GuardModel['tensors'], features: number) {
    const shape = guardShape(contract, features);
    const { inputs, predicted } = guardView(contract);
    this.#tensors = tensors;
    this.#inputs = inputs;
    this.#predicted = predicted;
    this.#actions = actionDim(contract);
    this.parts = partsOf(shape);
    this.logs = new Float64Array(this.parts.length);
    this.#seen = new Float32Array(shape.inputs + shape.predicted);
    this.input = this.#seen.subarray(0, shape.inputs);
    this.change = this.#seen.subarray(shape.inputs);
    this.#predictedChange = new Float32Array(shape.predicted);
    this.residual = new Float32Array(shape.predicted);
    this.drift = new Float32Array(shape.predicted);
    this.#white = new Float32Array(shape.predicted);
    this.features = new Float32Array(features);
    this.#whiteFeatures = new Float32Array(features);
    this.#learned = new Float32Array(shape.novelty.at(-1)!);
    this.#wanted = new Float32Array(shape.novelty.at(-1)!);
    this.#forward = new Mlp(shape.forward, GUARD_ACTIVATION);
    this.#novelty = new Mlp(shape.novelty, GUARD_ACTIVATION);
    this.#target = new Mlp(shape.target, GUARD_ACTIVATION);
    this.#usual = new Mlp(shape.usual, GUARD_ACTIVATION);
    this.#usualTensors = networkTensors(tensors, 'usual', shape.usual);
    this.#expected = new Float32Array(this.parts.length);
    this.#forwardTensors = networkTensors(tensors, 'forward', shape.forward);
    this.#noveltyTensors = networkTensors(tensors, 'novelty', shape.novelty);
    this.#targetTensors = networkTensors(tensors, 'target', shape.target);
    this.#obs = new Float32Array(contract.observations.reduce((sum, { size }) => sum + size, 0));
    this.#action = new Float32Array(this.#actions);
  }

  /** An episode begins. */
  reset(): void {
    this.#fresh = true;
    this.drift.fill(0);
  }

  /**
   * Take the observation that has come and the action chosen for it, from `at` and `actionAt` on, and the policy's features of it.
   * @returns false for the first of an episode, which ends no transition: `logs` are not of it
   */
  step(
    obs: Float32Array,
    at: number,
    action: Float32Array,
    actionAt: number,
    features: Float32Array,
    featuresAt: number,
  ): boolean {
    const ends = !this.#fresh;
    if (ends) this.#score(obs, at, features, featuresAt);
    for (let i = 0; i < this.#obs.length; i++) this.#obs[i] = obs[at + i]!;
    for (let i = 0; i < this.#action.length; i++) this.#action[i] = clamp(action[actionAt + i]!, -1, 1);
    this.#fresh = false;
    return ends;
  }

  /** e = (phi(o'), o, a, o') */
  #score(next: Float32Array, at: number, features: Float32Array, featuresAt: number): void {
    const { input, change, residual, drift, logs, parts } = this;
    const tensors = this.#tensors;
    const seen = this.#inputs.length;
    const mean = tensors['input.mean']!;
    const scale = tensors['input.inv_std']!;
    for (let i = 0; i < seen; i++) input[i] = within((this.#obs[this.#inputs[i]!]! - mean[i]!) * scale[i]!);
    for (let i = 0; i < this.#actions; i++)
      input[seen + i] = within((this.#action[i]! - mean[seen + i]!) * scale[seen + i]!);
    const changeMean = tensors['change.mean']!;
    const changeScale = tensors['change.inv_std']!;
    for (let i = 0; i < change.length; i++) {
      const k = this.#predicted[i]!;
      change[i] = within((next[at + k]! - this.#obs[k]! - changeMean[i]!) * changeScale[i]!);
    }
    if (change.length > 0) {
      this.#forward.forward(this.#forwardTensors, input, this.#predictedChange);
      for (let i = 0; i < residual.length; i++) {
        // r = d' - f(o, a),  m = (1 - c) m + c r
        residual[i] = change[i]! - this.#predictedChange[i]!;
        drift[i] = (1 - SMOOTHING) * drift[i]! + SMOOTHING * residual[i]!;
      }
    }
    const featureMean = tensors['features.mean'];
    const featureScale = tensors['features.inv_std'];
    for (let i = 0; i < this.features.length; i++)
      this.features[i] = within((features[featuresAt + i]! - featureMean![i]!) * featureScale![i]!);
    for (let k = 0; k < parts.length; k++) {
      switch (parts[k]!) {
        case 'dynamics':
          // r' C^-1 r / dim
          linear(tensors['dynamics.weight']!, tensors['dynamics.bias']!, residual, this.#white);
          writeMeanSquare(this.#white, logs, k);
          break;
        case 'drift':
          linear(tensors['drift.weight']!, tensors['drift.bias']!, drift, this.#white);
          writeMeanSquare(this.#white, logs, k);
          break;
        case 'novelty':
          // |g_theta(x) - g_random(x)|^2 / dim
          this.#novelty.forward(this.#noveltyTensors, this.#seen, this.#learned);
          this.#target.forward(this.#targetTensors, this.#seen, this.#wanted);
          for (let i = 0; i < this.#learned.length; i++) this.#learned[i] = this.#learned[i]! - this.#wanted[i]!;
          writeMeanSquare(this.#learned, logs, k);
          break;
        case 'features':
          linear(tensors['features.weight']!, tensors['features.bias']!, this.features, this.#whiteFeatures);
          writeMeanSquare(this.#whiteFeatures, logs, k);
          break;
      }
    }
    logEach(logs);
    this.#usual.forward(this.#usualTensors, input, this.#expected);
    const range = tensors['usual.range']!;
    // Never beyond what was seen: an input like no other must not excuse itself.
    for (let k = 0; k < logs.length; k++)
      logs[k] = logs[k]! - clamp(this.#expected[k]!, range[k]!, range[logs.length + k]!);
  }
}

/** NaN stays NaN. */
function within(x: number): number {
  return x < -FAR ? -FAR : x > FAR ? FAR : x;
}

/** Into `out` at `k`; NaN when it is not finite. */
function writeMeanSquare(x: Float32Array, out: Float64Array, k: number): void {
  let sum = LEAST;
  for (let i = 0; i < x.length; i++) sum += (x[i]! * x[i]!) / x.length;
  out[k] = sum < Infinity ? sum : Number.NaN;
}
