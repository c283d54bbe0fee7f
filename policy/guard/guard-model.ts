/**
 * What a guard has learned, as plain data: which tensors there are, in which shapes, and the numbers beside them. The same for
 * training, file and robot. Knows no arithmetic.
 */

import { actionDim, type Contract } from '../../core/contract.ts';
import { bodyLayers } from '../architecture.ts';
import { tensorShapes } from '../mlp.ts';
import type { WindowRule } from './alarm-window.ts';
import { guardView } from './guard-view.ts';

/**
 * `dynamics`: the whitened residual of a one-step forward model. `drift`: the same, averaged exponentially, which shows a small
 * error that stays (Lowry et al., Technometrics 34, 1992). `novelty`: random network distillation (Burda et al. 2019, 1810.12894).
 * `features`: the Mahalanobis distance of the policy's last hidden layer (Lee et al. 2018, 1807.03888).
 */
export const partNames = ['dynamics', 'drift', 'novelty', 'features'] as const;
export type PartName = (typeof partNames)[number];

/**
 * Where a part's scores lie, so that the largest of several can be asked for: z = (log score - what is usual there - mean) / sd.
 * What is usual is learned from observation and action: a robot that starts to move is harder to predict than one at rest, and one
 * limit for both would be blind at rest (locally weighted conformal scores: Lei et al. 2018, 1604.04173).
 */
export interface PartScale {
  readonly name: PartName;
  readonly mean: number;
  readonly sd: number;
}

export interface GuardModel {
  /** SHA-256 of the policy it belongs to. */
  readonly policy: string;
  /** False alarms that one episode may have, as a probability. */
  readonly alpha: number;
  /** Of the largest z: more is an alarm; +inf: not calibrated. */
  readonly threshold: number;
  readonly window: WindowRule;
  /** Episodes that it was fitted to, scaled by and calibrated with; none is in two. */
  readonly episodes: { readonly fit: number; readonly scale: number; readonly calibration: number };
  readonly parts: readonly PartScale[];
  readonly tensors: Readonly<Record<string, Float32Array>>;
}

/** Of all hidden layers: smooth, and cheaper than tanh. */
export const GUARD_ACTIVATION = 'elu';

/** Hidden layers of the forward model and of the novelty's learner, the hidden layer of its random target, numbers that gives. */
const HIDDEN = [64, 64];
const TARGET_HIDDEN = [64];
const TARGET_OUTPUTS = 16;
const USUAL_HIDDEN = [32];

/** Sizes of everything. */
export interface GuardShape {
  /** Numbers of the observation looked at, and of the action. */
  readonly inputs: number;
  readonly predicted: number;
  /** Of the policy's last hidden layer; 0 for none. */
  readonly features: number;
  readonly forward: readonly number[];
  readonly novelty: readonly number[];
  readonly target: readonly number[];
  /** What log score is usual, by part. */
  readonly usual: readonly number[];
}

export function guardShape(contract: Contract, features: number): GuardShape {
  const view = guardView(contract);
  const inputs = view.inputs.length + actionDim(contract);
  const predicted = view.predicted.length;
  const parts = partsOf({ predicted, features });
  return {
    inputs,
    predicted,
    features,
    usual: [inputs, ...USUAL_HIDDEN, parts.length],
    forward: [inputs, ...HIDDEN, predicted],
    novelty: [inputs + predicted, ...HIDDEN, TARGET_OUTPUTS],
    target: [inputs + predicted, ...TARGET_HIDDEN, TARGET_OUTPUTS],
  };
}

/** Of the policy's last hidden layer; 0 where it has none. */
export function featureCount({ network }: Pick<Contract, 'network'>): number {
  const layers = bodyLayers(network);
  return layers.length > 2 ? layers.at(-2)! : 0;
}

/** The parts that such a guard has: without sensed numbers there is nothing to predict. */
export function partsOf({ predicted, features }: Pick<GuardShape, 'predicted' | 'features'>): PartName[] {
  return partNames.filter((name) => (name === 'novelty' ? true : name === 'features' ? features > 0 : predicted > 0));
}

/** Names and shapes of its tensors. */
export function guardTensors(shape: GuardShape): { readonly name: string; readonly shape: readonly number[] }[] {
  const { inputs, predicted, features } = shape;
  const vectors = (name: string, size: number) => [
    { name: `${name}.mean`, shape: [size] },
    { name: `${name}.inv_std`, shape: [size] },
  ];
  const white = (name: string, size: number) => [
    { name: `${name}.weight`, shape: [size, size] },
    { name: `${name}.bias`, shape: [size] },
  ];
  const network = (name: string, layers: readonly number[]) =>
    tensorShapes(layers).map((size, i) => ({
      name: `${name}.${i >> 1}.${i % 2 === 0 ? 'weight' : 'bias'}`,
      shape: size,
    }));
  return [
    ...vectors('input', inputs),
    ...vectors('change', predicted),
    ...(predicted === 0 ? [] : network('forward', shape.forward)),
    ...(predicted === 0 ? [] : [...white('dynamics', predicted), ...white('drift', predicted)]),
    ...network('novelty', shape.novelty),
    ...network('target', shape.target),
    ...network('usual', shape.usual),
    { name: 'usual.range', shape: [2, shape.usual.at(-1)!] },
    ...(features === 0 ? [] : [...vectors('features', features), ...white('features', features)]),
  ];
}

/** The tensors of one network, W1, b1, W2, b2, ... */
export function networkTensors(
  tensors: GuardModel['tensors'],
  name: 'forward' | 'novelty' | 'target' | 'usual',
  layers: readonly number[],
): Float32Array[] {
  return tensorShapes(layers).map((_, i) => tensors[`${name}.${i >> 1}.${i % 2 === 0 ? 'weight' : 'bias'}`]!);
}
