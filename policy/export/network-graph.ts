/**
 * A policy's network as nodes of an ONNX graph, by the contract's `network.kind`. To export another kind, add its entry to
 * `networks`. Knows no normaliser and no action terms.
 */

import { InputError } from '../../core/errors.ts';
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
  mlp(graph, { contract, weights }, observation) {
    const { layers, activation } = contract.network;
    let value = observation;
    for (let l = 0; l + 1 < layers.length; l++) {
      const [inputs, outputs] = [layers[l]!, layers[l + 1]!];
      const weight = graph.constant(`actor.${l}.weight`, [inputs, outputs], weights[2 * l]!);
      const bias = graph.constant(`actor.${l}.bias`, [outputs], weights[2 * l + 1]!);
      value = graph.node('Gemm', [value, weight, bias]);
      if (l + 2 < layers.length) value = graph.node(OPERATORS[activation], [value]);
    }
    return { action: value, state: [] };
  },
};

/** Their defaults are ours: Elu's alpha is 1. */
const OPERATORS = { tanh: 'Tanh', elu: 'Elu', relu: 'Relu' } as const;

/** @throws InputError naming the kinds that can be exported */
export function networkWriter(kind: string, where: string): NetworkWriter {
  if (Object.hasOwn(networks, kind)) return networks[kind]!;
  throw new InputError(`${where}: a network of kind ${kind} cannot be exported yet`, {
    repair: `kinds that can: ${Object.keys(networks).join(', ')}`,
  });
}
