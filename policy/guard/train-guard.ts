/**
 * Trains and calibrates a guard from episodes of a policy at work. Three disjoint sets of whole episodes: one to fit the models,
 * one to say where each score usually lies, one to calibrate the limit; steps of one episode are never in two. Knows no file.
 */

import { actionDim, type Contract, obsDim } from '../../core/contract.ts';
import { InputError } from '../../core/errors.ts';
import { clamp } from '../../core/math.ts';
import { foldIn, type Key, RandomStream } from '../../core/rng.ts';
import { initialWeights } from '../initial-weights.ts';
import { Mlp, splitTensors, tensorSizes } from '../mlp.ts';
import { AlarmWindow, type WindowRule } from './alarm-window.ts';
import { conformalThreshold, episodesNeeded } from './conformal.ts';
import { type FitSettings, type Fitted, fitNetwork } from './fit-network.ts';
import { Guard } from './guard.ts';
import {
  GUARD_ACTIVATION,
  type GuardModel,
  guardShape,
  networkTensors,
  type PartScale,
  partsOf,
} from './guard-model.ts';
import { GuardScores } from './guard-scores.ts';
import { guardView } from './guard-view.ts';
import { ledoitWolf, whiteningOf } from './ledoit-wolf.ts';
import type { Trace } from './trace.ts';

export interface GuardTraining {
  readonly contract: Contract;
  /** SHA-256 of the policy. */
  readonly policy: string;
  readonly traces: readonly Trace[];
  /** Numbers of the policy's last hidden layer in the traces; 0 for none. */
  readonly features: number;
  readonly alpha: number;
  readonly key: Key;
  /** @default 3 of the last 5 steps */
  readonly window?: WindowRule;
  readonly fit?: FitSettings;
}

export interface TrainedGuard {
  readonly model: GuardModel;
  /** Of the forward model; null where nothing is to be predicted. */
  readonly forward: Fitted | null;
  readonly novelty: Fitted;
  /** What the calibration episodes reached, in the threshold's unit. */
  readonly levels: readonly number[];
}

export const DEFAULT_WINDOW: WindowRule = { over: 3, of: 5 };
const DEFAULT_FIT: FitSettings = { updates: 3000, batch: 256, learningRate: 2e-3 };
const PURPOSE = { split: 1, forward: 2, novelty: 3, target: 4, batches: 5 } as const;

/** Fewest episodes to fit and to scale by. */
const LEAST = { fit: 2, scale: 2 } as const;
export const LEAST_OWN = LEAST.fit + LEAST.scale;
/** Of what is not calibrated with, the share that scales. */
const SCALE_SHARE = 0.3;
/** Least deviation of a number that hardly moves, as a share of what the policy's own normaliser says of it. */
const LEAST_SD = 0.01;
/** Least deviation of a part's log levels between episodes: few episodes may agree by chance. */
const LEAST_SPREAD = 0.1;

export interface GuardSplit {
  readonly fit: readonly number[];
  readonly scale: readonly number[];
  readonly calibration: readonly number[];
}

/**
 * At random, so that sets are exchangeable though a robot ages: half to calibrate with, or more if alpha needs it.
 * @throws InputError for too few episodes to learn anything
 */
export function splitEpisodes(count: number, alpha: number, key: Key): GuardSplit {
  const least = LEAST_OWN;
  if (count <= least) {
    throw new InputError(`a guard needs at least ${least + 1} complete episodes, found ${count}`, {
      repair: `record more: ${least + episodesNeeded(alpha)} are enough to calibrate it for alpha ${alpha}`,
    });
  }
  const order = new Int32Array(count);
  new RandomStream(key).permutation(order);
  const wanted = Math.max(episodesNeeded(alpha), Math.floor(count / 2));
  const own = Math.max(least, count - wanted);
  const scale = Math.max(LEAST.scale, Math.round(SCALE_SHARE * own));
  const all = Array.from(order);
  return { fit: all.slice(0, own - scale), scale: all.slice(own - scale, own), calibration: all.slice(own) };
}

/** tfjs must have a backend. @throws InputError for too few episodes */
export async function trainGuard(training: GuardTraining): Promise<TrainedGuard> {
  const { contract, traces, alpha, key, window = DEFAULT_WINDOW } = training;
  const split = splitEpisodes(traces.length, alpha, foldIn(key, PURPOSE.split));
  const at = (indices: readonly number[]) => indices.map((i) => traces[i]!);
  const fitted = await fitModels(training, at(split.fit), at(split.scale));
  const parts = scaleParts(contract, fitted.tensors, training.features, at(split.scale), window);
  const model: GuardModel = {
    policy: training.policy,
    alpha,
    threshold: Infinity,
    window,
    episodes: { fit: split.fit.length, scale: split.scale.length, calibration: split.calibration.length },
    parts,
    tensors: fitted.tensors,
  };
  const levels = guardLevels(contract, model, at(split.calibration));
  return { ...fitted, levels, model: { ...model, threshold: conformalThreshold(levels, alpha) } };
}

/** What each episode reached, in the threshold's unit: its largest level. */
export function guardLevels(contract: Contract, model: GuardModel, traces: readonly Trace[]): number[] {
  const guard = new Guard(contract, model);
  return traces.map((trace) => {
    let most = -Infinity;
    eachStep(guard, contract, trace, () => {
      most = Math.max(most, guard.level);
    });
    return most;
  });
}

/** A trace as if it happened now. @param after each step, with its number */
export function eachStep(guard: Guard, contract: Contract, trace: Trace, after: (step: number) => void): void {
  const [seen, done] = [obsDim(contract), actionDim(contract)];
  const size = trace.steps === 0 ? 0 : trace.features.length / trace.steps;
  guard.reset();
  for (let t = 0; t < trace.steps; t++) {
    guard.stepAt(trace.obs, t * seen, trace.action, t * done, trace.features, t * size);
    after(t);
  }
}

async function fitModels(
  { contract, features, key, fit = DEFAULT_FIT }: GuardTraining,
  traces: readonly Trace[],
  held: readonly Trace[],
): Promise<{ tensors: Record<string, Float32Array>; forward: Fitted | null; novelty: Fitted }> {
  const shape = guardShape(contract, features);
  const tensors: Record<string, Float32Array> = {};
  Object.assign(tensors, transitionStatistics(contract, traces));
  if (features > 0) {
    const rows = Float64Array.from(traces.flatMap((trace) => Array.from(trace.features)));
    Object.assign(tensors, statistics('features', rows, features, new Float64Array(features).fill(1)));
  }
  const take = (name: string, layers: readonly number[], flat: Float32Array) => {
    for (const [i, part] of splitTensors(flat, tensorSizes(layers)).entries())
      tensors[`${name}.${i >> 1}.${i % 2 === 0 ? 'weight' : 'bias'}`] = part.slice();
  };
  // Until they are fitted, what the scorer needs besides is not asked for.
  const scorer = () => new GuardScores(contract, tensors, features);
  const zeros = (layers: readonly number[]) =>
    new Float32Array(tensorSizes(layers).reduce((sum, size) => sum + size, 0));
  const identity = (name: string, size: number) => {
    tensors[`${name}.weight`] = Float32Array.from({ length: size * size }, (_, i) => Number(i % (size + 1) === 0));
    tensors[`${name}.bias`] = new Float32Array(size);
  };
  take('forward', shape.forward, zeros(shape.forward));
  take('novelty', shape.novelty, zeros(shape.novelty));
  take('target', shape.target, initialWeights(shape.target, 1, foldIn(key, PURPOSE.target)));
  for (const name of ['dynamics', 'drift']) identity(name, shape.predicted);
  if (features > 0) identity('features', features);

  const batches = foldIn(key, PURPOSE.batches);
  const rows = transitions(scorer(), contract, traces);
  let forward: Fitted | null = null;
  if (shape.predicted > 0) {
    const first = initialWeights(shape.forward, 0.01, foldIn(key, PURPOSE.forward));
    forward = await fitNetwork(
      shape.forward,
      GUARD_ACTIVATION,
      first,
      rows.input,
      rows.change,
      fit,
      foldIn(batches, 1),
    );
    take('forward', shape.forward, forward.parameters);
  }
  const first = initialWeights(shape.novelty, 1, foldIn(key, PURPOSE.novelty));
  const novelty = await fitNetwork(
    shape.novelty,
    GUARD_ACTIVATION,
    first,
    rows.seen,
    rows.wanted(tensors),
    fit,
    foldIn(batches, 2),
  );
  take('novelty', shape.novelty, novelty.parameters);

  // Residuals of episodes that the forward model has not seen: its own are too small.
  const unseen = transitions(scorer(), contract, held);
  const whiten = (name: string, values: Float32Array, size: number) => {
    const { weight, bias } = whiteningOf(ledoitWolf(Float64Array.from(values), size));
    tensors[`${name}.weight`] = weight;
    tensors[`${name}.bias`] = bias;
  };
  if (shape.predicted > 0) {
    whiten('dynamics', unseen.residual, shape.predicted);
    whiten('drift', unseen.drift, shape.predicted);
  }
  if (features > 0) whiten('features', rows.features, features);
  if (shape.predicted === 0) for (const name of Object.keys(tensors)) if (isOfPrediction(name)) delete tensors[name];
  return { tensors, forward, novelty };
}

function isOfPrediction(name: string): boolean {
  return /^(forward|dynamics|drift)\./.test(name);
}

/** Everything that a scorer makes of the transitions of some episodes, row by row. */
function transitions(scores: GuardScores, contract: Contract, traces: readonly Trace[]) {
  const count = traces.reduce((sum, { steps }) => sum + Math.max(0, steps - 1), 0);
  const [inputs, predicted] = [scores.input.length, scores.change.length];
  const rows = {
    input: new Float32Array(count * inputs),
    change: new Float32Array(count * predicted),
    seen: new Float32Array(count * (inputs + predicted)),
    residual: new Float32Array(count * predicted),
    drift: new Float32Array(count * predicted),
    features: new Float32Array(count * scores.features.length),
  };
  let row = 0;
  eachTransition(scores, contract, traces, () => {
    rows.input.set(scores.input, row * inputs);
    rows.change.set(scores.change, row * predicted);
    rows.seen.set(scores.input, row * (inputs + predicted));
    rows.seen.set(scores.change, row * (inputs + predicted) + inputs);
    rows.residual.set(scores.residual, row * predicted);
    rows.drift.set(scores.drift, row * predicted);
    rows.features.set(scores.features, row * scores.features.length);
    row++;
  });
  return {
    ...rows,
    /** What the novelty's random target gives for each row. */
    wanted: (tensors: GuardModel['tensors']) => {
      const shape = guardShape(contract, scores.features.length);
      return targetOutputs(shape, tensors, rows.seen);
    },
  };
}

function targetOutputs(
  shape: ReturnType<typeof guardShape>,
  tensors: GuardModel['tensors'],
  seen: Float32Array,
): Float32Array {
  const outputs = shape.target.at(-1)!;
  const mlp = new Mlp(shape.target, GUARD_ACTIVATION);
  const weights = networkTensors(tensors, 'target', shape.target);
  const width = shape.target[0]!;
  const out = new Float32Array((seen.length / width) * outputs);
  for (let row = 0; row * width < seen.length; row++) {
    const input = seen.subarray(row * width, (row + 1) * width);
    mlp.forward(weights, input, out.subarray(row * outputs, (row + 1) * outputs));
  }
  return out;
}

function eachTransition(
  scores: GuardScores,
  contract: Contract,
  traces: readonly Trace[],
  take: (trace: number, step: number) => void,
): void {
  const [seen, done] = [obsDim(contract), actionDim(contract)];
  for (const [number, { steps, obs, action, features }] of traces.entries()) {
    scores.reset();
    for (let t = 0; t < steps; t++) {
      if (scores.step(obs, t * seen, action, t * done, features, t * scores.features.length)) take(number, t);
    }
  }
}

/** Means and deviations of what a guard sees before a transition, and of what changes in it. */
function transitionStatistics(contract: Contract, traces: readonly Trace[]): Record<string, Float32Array> {
  const { inputs, predicted } = guardView(contract);
  const [seen, done] = [obsDim(contract), actionDim(contract)];
  const before: number[] = [];
  const change: number[] = [];
  for (const { steps, obs, action } of traces) {
    for (let t = 0; t + 1 < steps; t++) {
      for (const i of inputs) before.push(obs[t * seen + i]!);
      for (let i = 0; i < done; i++) before.push(clamp(action[t * done + i]!, -1, 1));
      for (const i of predicted) change.push(obs[(t + 1) * seen + i]! - obs[t * seen + i]!);
    }
  }
  const usual = contract.normalizer.variance.map(Math.sqrt);
  const scaleOf = (indices: Int32Array) => Array.from(indices, (i) => usual[i]!);
  return {
    ...statistics(
      'input',
      Float64Array.from(before),
      inputs.length + done,
      Float64Array.of(...scaleOf(inputs), ...new Array<number>(done).fill(1)),
    ),
    // A step changes less than an episode does.
    ...statistics(
      'change',
      Float64Array.from(change),
      predicted.length,
      Float64Array.from(scaleOf(predicted), (x) => 0.1 * x),
    ),
  };
}

/** @param rows [n, dim] @param usual deviations, of which a small share is the least */
function statistics(name: string, rows: Float64Array, dim: number, usual: Float64Array): Record<string, Float32Array> {
  const n = rows.length / dim;
  const mean = new Float64Array(dim);
  const square = new Float64Array(dim);
  for (let at = 0; at < rows.length; at++) mean[at % dim] = mean[at % dim]! + rows[at]! / n;
  for (let at = 0; at < rows.length; at++)
    square[at % dim] = square[at % dim]! + (rows[at]! - mean[at % dim]!) ** 2 / n;
  return {
    [`${name}.mean`]: Float32Array.from(mean),
    [`${name}.inv_std`]: Float32Array.from(square, (v, i) => 1 / Math.max(Math.sqrt(v), LEAST_SD * usual[i]!, 1e-9)),
  };
}

/** Where each part's log level usually peaks in an episode, and how much that differs between episodes. */
function scaleParts(
  contract: Contract,
  tensors: GuardModel['tensors'],
  features: number,
  traces: readonly Trace[],
  window: WindowRule,
): PartScale[] {
  const scores = new GuardScores(contract, tensors, features);
  const windows = scores.parts.map(() => new AlarmWindow(window));
  const peaks = scores.parts.map(() => new Float64Array(traces.length).fill(-Infinity));
  let last = -1;
  eachTransition(scores, contract, traces, (number) => {
    if (number !== last) for (const each of windows) each.reset();
    last = number;
    for (const [k, each] of windows.entries()) {
      each.push(scores.logs, k);
      peaks[k]![number] = Math.max(peaks[k]![number]!, each.level[0]!);
    }
  });
  return partsOf(guardShape(contract, features)).map((name, k) => {
    const levels = peaks[k]!.filter(Number.isFinite);
    if (levels.length === 0) {
      throw new InputError(`no ${name} score of the episodes is finite, or all are shorter than ${window.of} steps`, {
        repair: 'record longer episodes, or look for numbers that are not finite in them',
      });
    }
    const mean = levels.reduce((sum, x) => sum + x, 0) / levels.length;
    const variance = levels.reduce((sum, x) => sum + (x - mean) ** 2, 0) / Math.max(1, levels.length - 1);
    return { name, mean, sd: Math.max(LEAST_SPREAD, Math.sqrt(variance)) };
  });
}
