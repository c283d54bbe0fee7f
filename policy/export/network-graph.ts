/**
 * A policy's network as nodes of an ONNX graph, by the contract's `network.kind`. To export another kind, add its entry to
 * `networks`. Knows no normaliser and no action terms.
 */

import { InputError } from '../../core/errors.ts';
import { bodyLayers, currentIndex, frameIndex, frontCount, historyLayers, type NetworkOf } from '../architecture.ts';
import type { Bundle } from '../checkpoint.ts';
import type { OnnxGraph } from './onnx-graph.ts';

/** An input that is, at every step but the first, what an output was the step before. */
export interface StateInput {
  readonly input: string;
  readonly output: string;
  /** Its values at the first step. */
  readonly initial: readonly number[];
}

export interface NetworkOutput {
  /** The value that is the mean action, [batch, actionDim]. */
  readonly action: string;
  /** What the network remembers: it declares these inputs and outputs itself. */
  readonly state: readonly StateInput[];
}

/** @param observation the value that is the normalised observation, [batch, obsDim] */
export type NetworkWriter = (
  graph: OnnxGraph,
  policy: Pick<Bundle, 'contract' | 'weights'>,
  observation: string,
) => NetworkOutput;

const networks: Readonly<Record<string, NetworkWriter>> = {
  mlp: (graph, policy, observation) => ({ action: body(graph, policy, observation), state: [] }),
  gru(graph, policy, observation) {
    const { network } = policy.contract;
    if (network.kind !== 'gru') throw new Error(`a writer of gru was given ${network.kind}`);
    const size = network.cell;
    const next = gru(graph, policy.weights, size, observation, graph.input(STATE.input, size));
    graph.output(STATE.output, next, size);
    return {
      action: body(graph, policy, next),
      state: [{ ...STATE, initial: new Array<number>(size).fill(0) }],
    };
  },
  history(graph, policy, observation) {
    const { network } = policy.contract;
    if (network.kind !== 'history') throw new Error(`a writer of history was given ${network.kind}`);
    const latent = encoded(graph, policy.weights, network, observation);
    const current = currentIndex(network.encoder);
    const chosen = new Float32Array(network.layers[0]! * current.length);
    for (const [k, i] of current.entries()) chosen[i * current.length + k] = 1;
    const newest = graph.constant('actor.newest', [network.layers[0]!, current.length], chosen);
    const seen = graph.node('Concat', [graph.node('MatMul', [observation, newest]), latent], { axis: 1 });
    return { action: body(graph, policy, seen), state: [] };
  },
};

const STATE = { input: 'state', output: 'next_state' } as const;

/** Their defaults are ours: Elu's alpha is 1. */
const OPERATORS = { tanh: 'Tanh', elu: 'Elu', relu: 'Relu' } as const;

/** The layers that every kind ends with. @param value what they see */
function body(graph: OnnxGraph, { contract, weights }: Pick<Bundle, 'contract' | 'weights'>, value: string): string {
  const layers = bodyLayers(contract.network);
  const first = frontCount(contract.network);
  let x = value;
  for (let l = 0; l + 1 < layers.length; l++) {
    const [inputs, outputs] = [layers[l]!, layers[l + 1]!];
    const weight = graph.constant(`actor.${l}.weight`, [inputs, outputs], weights[first + 2 * l]!);
    const bias = graph.constant(`actor.${l}.bias`, [outputs], weights[first + 2 * l + 1]!);
    x = graph.node('Gemm', [x, weight, bias]);
    if (l + 2 < layers.length) x = graph.node(OPERATORS[contract.network.activation], [x]);
  }
  if (contract.network.output === 'tanh') x = graph.node('Tanh', [x]);
  return x;
}

/** One step of the cell, gate by gate: ONNX's own GRU takes sequences. @returns the next state */
function gru(graph: OnnxGraph, weights: readonly Float32Array[], size: number, x: string, h: string): string {
  const gate = (of: string, part: number, k: number) => {
    const [weight, bias] = [weights[part]!, weights[part + 1]!];
    const rows = weight.length / (3 * size);
    const columns = Float32Array.from({ length: rows * size }, (_, i) => {
      return weight[Math.floor(i / size) * 3 * size + k * size + (i % size)]!;
    });
    const name = `actor.gru.${part === 0 ? 'input' : 'state'}.${['reset', 'update', 'new'][k]}`;
    return graph.node('Gemm', [
      of,
      graph.constant(`${name}.weight`, [rows, size], columns),
      graph.constant(`${name}.bias`, [size], bias.slice(k * size, (k + 1) * size)),
    ]);
  };
  // r = s(x_r + h_r),  z = s(x_z + h_z),  n = tanh(x_n + r h_n),  h' = n + z (h - n)
  const [r, z] = [0, 1].map((k) => graph.node('Sigmoid', [graph.node('Add', [gate(x, 0, k), gate(h, 2, k)])]));
  const n = graph.node('Tanh', [graph.node('Add', [gate(x, 0, 2), graph.node('Mul', [r!, gate(h, 2, 2)])])]);
  return graph.node('Add', [n, graph.node('Mul', [z!, graph.node('Sub', [h, n])])]);
}

/** Each convolution as one product with all its windows, the first with the order of the observations in it. */
function encoded(
  graph: OnnxGraph,
  weights: readonly Float32Array[],
  { encoder, activation }: NetworkOf<'history'>,
  observation: string,
): string {
  const layers = historyLayers(encoder);
  let order = frameIndex(encoder);
  let x = observation;
  for (const [l, { inputs, outputs, windows, step }] of layers.entries()) {
    const columns = windows * outputs;
    const matrix = new Float32Array(order.length * columns);
    for (let w = 0; w < windows; w++)
      for (let i = 0; i < inputs; i++)
        for (let k = 0; k < outputs; k++)
          matrix[order[w * step + i]! * columns + w * outputs + k] = weights[2 * l]![i * outputs + k]!;
    const bias = Float32Array.from({ length: columns }, (_, i) => weights[2 * l + 1]![i % outputs]!);
    x = graph.node('Gemm', [
      x,
      graph.constant(`actor.encoder.${l}.weight`, [order.length, columns], matrix),
      graph.constant(`actor.encoder.${l}.bias`, [columns], bias),
    ]);
    if (l + 1 < layers.length) x = graph.node(OPERATORS[activation], [x]);
    order = Array.from({ length: columns }, (_, i) => i);
  }
  return x;
}

/** @throws InputError naming the kinds that can be exported */
export function networkWriter(kind: string, where: string): NetworkWriter {
  if (Object.hasOwn(networks, kind)) return networks[kind]!;
  throw new InputError(`${where}: a network of kind ${kind} cannot be exported yet`, {
    repair: `kinds that can: ${Object.keys(networks).join(', ')}`,
  });
}
