/**
 * Fits the models of a guard: what is usual, what comes next, which situations occur and what the policy makes of them. Knows no
 * limit.
 */

import { actionDim, type Contract, obsDim } from '../../core/contract.ts';
import { clamp } from '../../core/math.ts';
import { foldIn, type Key } from '../../core/rng.ts';
import { initialWeights } from '../initial-weights.ts';
import { Mlp, splitTensors, tensorSizes } from '../mlp.ts';
import { type FitSettings, type Fitted, fitNetwork } from './fit-network.ts';
import { GUARD_ACTIVATION, type GuardModel, guardShape, networkTensors } from './guard-model.ts';
import { GuardScores } from './guard-scores.ts';
import { guardView } from './guard-view.ts';
import { ledoitWolf, whiteningOf } from './ledoit-wolf.ts';
import { eachTransition, type Trace } from './trace.ts';

const PURPOSE = { forward: 2, novelty: 3, target: 4, batches: 5, usual: 6 } as const;
/** Least deviation of a number that hardly moves, as a share of what the policy's own normaliser says of it. */
const LEAST_SD = 0.01;

export interface FittedModels {
  readonly tensors: Readonly<Record<string, Float32Array>>;
  /** Of the forward model; null where nothing is to be predicted. */
  readonly forward: Fitted | null;
  readonly novelty: Fitted;
}

/**
 * @param features numbers of the policy's last hidden layer in the traces; 0 for none
 * @param traces to fit to @param held to whiten residuals by: those of the fit itself are too small
 */
export async function fitModels(
  contract: Contract,
  features: number,
  traces: readonly Trace[],
  held: readonly Trace[],
  fit: FitSettings,
  key: Key,
): Promise<FittedModels> {
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
  take('usual', shape.usual, zeros(shape.usual));
  tensors['usual.range'] = new Float32Array(2 * shape.usual.at(-1)!);
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
    outputsOf('target', shape.target, tensors, rows.seen),
    fit,
    foldIn(batches, 2),
  );
  take('novelty', shape.novelty, novelty.parameters);

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
  // The pattern of the scores is that of the episodes fitted to; where they lie, the held ones say (mean and sd of a part).
  const logs = transitions(scorer(), contract, traces).logs;
  const usual = await fitNetwork(
    shape.usual,
    GUARD_ACTIVATION,
    initialWeights(shape.usual, 0.01, foldIn(key, PURPOSE.usual)),
    rows.input,
    logs,
    fit,
    foldIn(batches, 3),
  );
  take('usual', shape.usual, usual.parameters);
  tensors['usual.range'] = rangeOf(outputsOf('usual', shape.usual, tensors, rows.input), shape.usual.at(-1)!);
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
    logs: new Float32Array(count * scores.logs.length),
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
    rows.logs.set(scores.logs, row * scores.logs.length);
    row++;
  });
  return rows;
}

/** What a network gives for each row. @param inputs [n, layers[0]] @returns [n, last layer] */
function outputsOf(
  name: 'target' | 'usual',
  layers: readonly number[],
  tensors: GuardModel['tensors'],
  inputs: Float32Array,
): Float32Array {
  const [width, outputs] = [layers[0]!, layers.at(-1)!];
  const mlp = new Mlp(layers, GUARD_ACTIVATION);
  const weights = networkTensors(tensors, name, layers);
  const out = new Float32Array((inputs.length / width) * outputs);
  for (let row = 0; row * width < inputs.length; row++) {
    const input = inputs.subarray(row * width, (row + 1) * width);
    mlp.forward(weights, input, out.subarray(row * outputs, (row + 1) * outputs));
  }
  return out;
}

/** Smallest and largest of each column, [2, dim]. @param rows [n, dim] */
function rangeOf(rows: Float32Array, dim: number): Float32Array {
  const range = new Float32Array(2 * dim).fill(Infinity, 0, dim).fill(-Infinity, dim);
  for (let at = 0; at < rows.length; at++) {
    const k = at % dim;
    range[k] = Math.min(range[k]!, rows[at]!);
    range[dim + k] = Math.max(range[dim + k]!, rows[at]!);
  }
  return range;
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
