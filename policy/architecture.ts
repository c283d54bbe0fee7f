/**
 * What tensors a network of the contract has: names, shapes and order, which checkpoint, worker and learner share. Knows no
 * arithmetic.
 */

import type { NetworkContract } from '../core/contract.ts';
import { tensorShapes } from './mlp.ts';

export type NetworkKind = NetworkContract['kind'];
export type NetworkOf<K extends NetworkKind> = Extract<NetworkContract, { kind: K }>;
export type HistoryEncoderContract = NetworkOf<'history'>['encoder'];

export interface TensorSpec {
  readonly name: string;
  /** [in, out] of a weight, [out] of a bias. */
  readonly shape: readonly number[];
}

/** Sizes of the body: what it sees, its hidden layers, the action. */
export function bodyLayers(network: NetworkContract): number[] {
  return [bodyInputs(network), ...network.layers.slice(1)];
}

/** Numbers that an actor remembers from step to step; 0 for one that remembers none. */
export function stateSize(network: NetworkContract): number {
  return network.kind === 'gru' ? network.cell : 0;
}

/** Of the actor, in the order of its parameters: encoder or cell, then body. The log-std is not among them. */
export function tensorsOf(network: NetworkContract): TensorSpec[] {
  return [...frontTensors(network), ...layerTensors('actor', bodyLayers(network))];
}

/** Numbers in each. */
export function sizesOf(network: NetworkContract): number[] {
  return tensorsOf(network).map(({ shape }) => shape.reduce((a, b) => a * b, 1));
}

/** How many tensors come before the body's. */
export function frontCount(network: NetworkContract): number {
  return frontTensors(network).length;
}

/** A convolution over time as a product of each window with one matrix. */
export interface WindowLayer {
  /** Numbers in a window, and what each becomes. */
  readonly inputs: number;
  readonly outputs: number;
  readonly windows: number;
  /** Numbers from one window's start to the next one's. */
  readonly step: number;
}

/** Of a history's encoder: embedding of each step, convolutions, latent. */
export function historyLayers(encoder: HistoryEncoderContract): WindowLayer[] {
  const { steps, terms, embed, convolutions, latent } = encoder;
  const width = terms.reduce((sum, term) => sum + term.width, 0);
  const layers = [{ inputs: width, outputs: embed, windows: steps, step: width }];
  let [length, channels] = [steps, embed];
  for (const { channels: outputs, kernel, stride } of convolutions) {
    length = Math.floor((length - kernel) / stride) + 1;
    layers.push({ inputs: kernel * channels, outputs, windows: length, step: stride * channels });
    channels = outputs;
  }
  layers.push({ inputs: length * channels, outputs: latent, windows: 1, step: 0 });
  return layers;
}

/** Sizes of the layers of an encoder of what only a simulation knows. */
export function privilegedLayers({ inputs, hidden, latent }: NetworkOf<'privileged'>['encoder']): number[] {
  return [inputs, ...hidden, latent];
}

/** Where what the body sees beside the latent stands among the observations: the newest steps of each, newest first. */
export function currentIndex({ steps, terms }: HistoryEncoderContract): number[] {
  return indexOfSteps(steps, terms, (term) => Array.from({ length: term.steps }, (_, age) => age));
}

/** Where each number of a history's frames, [steps, numbers a step] oldest first, stands among the observations. */
export function frameIndex({ steps, terms }: HistoryEncoderContract): number[] {
  return Array.from({ length: steps }, (_, k) => indexOfSteps(steps, terms, () => [steps - 1 - k])).flat();
}

function indexOfSteps(
  steps: number,
  terms: HistoryEncoderContract['terms'],
  ages: (term: HistoryEncoderContract['terms'][number]) => readonly number[],
): number[] {
  const index: number[] = [];
  let at = 0;
  for (const term of terms) {
    for (const age of ages(term)) for (let i = 0; i < term.width; i++) index.push(at + age * term.width + i);
    at += steps * term.width;
  }
  return index;
}

function bodyInputs(network: NetworkContract): number {
  const inputs = network.layers[0]!;
  switch (network.kind) {
    case 'mlp':
      return inputs;
    case 'gru':
      return network.cell;
    case 'history':
      return currentIndex(network.encoder).length + network.encoder.latent;
    case 'privileged':
      return inputs - network.encoder.inputs + network.encoder.latent;
  }
}

function frontTensors(network: NetworkContract): TensorSpec[] {
  switch (network.kind) {
    case 'mlp':
      return [];
    case 'gru': {
      // Gates in the order reset, update, new: PyTorch's.
      const gates = 3 * network.cell;
      return [
        { name: 'actor.gru.input.weight', shape: [network.layers[0]!, gates] },
        { name: 'actor.gru.input.bias', shape: [gates] },
        { name: 'actor.gru.state.weight', shape: [network.cell, gates] },
        { name: 'actor.gru.state.bias', shape: [gates] },
      ];
    }
    case 'history':
      return historyLayers(network.encoder).flatMap(({ inputs, outputs }, i) =>
        layerTensors('actor.encoder', [inputs, outputs], i),
      );
    case 'privileged':
      return layerTensors('actor.encoder', privilegedLayers(network.encoder));
  }
}

function layerTensors(prefix: string, layers: readonly number[], first = 0): TensorSpec[] {
  return tensorShapes(layers).map((shape, i) => ({
    name: `${prefix}.${first + Math.floor(i / 2)}.${i % 2 === 0 ? 'weight' : 'bias'}`,
    shape,
  }));
}
