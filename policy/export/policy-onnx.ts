/**
 * A policy as one ONNX model: from the observation as core/observation.ts writes it to the action and the robot's command,
 * with normaliser, network and action terms inside and the contract in the metadata. docs/export.md describes the file.
 */

import { actionDim, type Contract, obsDim } from '../../core/contract.ts';
import type { Bundle } from '../checkpoint.ts';
import { commandMap } from './command-map.ts';
import { networkWriter, type StateInput } from './network-graph.ts';
import { OnnxGraph, type Producer } from './onnx-graph.ts';

export const ONNX_FORMAT = 'landfall-policy-onnx/1';

/** Stands for no limit: ONNX's operators take it, and no command comes near it. */
const UNLIMITED = 1e30;

/** The contract's name for the last command, where the rate of its change is limited. */
const LAST_COMMAND = 'last_command';

export interface OnnxPolicy {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Name and numbers of a row. */
  readonly inputs: readonly (readonly [name: string, size: number])[];
  readonly outputs: readonly (readonly [name: string, size: number])[];
}

/** @throws InputError for a network or action terms that have no such form */
export function encodeOnnx(policy: Pick<Bundle, 'contract' | 'weights' | 'path'>, producer: Producer): OnnxPolicy {
  const { contract, path } = policy;
  const graph = new OnnxGraph();
  const [obs, actions, joints] = [obsDim(contract), actionDim(contract), contract.joints.length];
  const observation = normalise(graph, graph.input('obs', obs), contract);
  const network = networkWriter(contract.network.kind, path)(graph, policy, observation);
  graph.output('action', network.action, actions);
  const map = commandMap(contract);
  const constant = (name: string, data: ArrayLike<number>) => graph.constant(name, [data.length], data);
  const scalar = (name: string, value: number) => graph.constant(name, [], [value]);

  // value = clip(offset + scale clip(action, -1, 1), lower, upper)
  const clipped = graph.node('Clip', [network.action, scalar('action.least', -1), scalar('action.most', 1)]);
  const scaled = graph.node('Mul', [clipped, constant('action.scale', map.scale)]);
  const wanted = graph.node('Add', [scaled, constant('action.offset', map.offset)]);
  let value = between(graph, wanted, constant('action.lower', map.lower), constant('action.upper', map.upper));

  const state: StateInput[] = [...network.state];
  if (map.isRateLimited) {
    state.push({ input: LAST_COMMAND, output: 'command', initial: Array.from(map.initial) });
    const inverse = graph.constant('command.inverse', [joints, actions], map.inverse);
    const last = graph.node('Gemm', [
      graph.input(LAST_COMMAND, joints),
      inverse,
      constant('command.inverse_bias', map.inverseBias),
    ]);
    const step = constant(
      'action.max_step',
      map.maxStep.map((limit) => Math.min(limit, UNLIMITED)),
    );
    value = between(graph, value, graph.node('Sub', [last, step]), graph.node('Add', [last, step]));
  }
  const matrix = graph.constant('command.matrix', [actions, joints], map.matrix);
  graph.output('command', graph.node('Gemm', [value, matrix, constant('command.bias', map.bias)]), joints);

  const bytes = graph.encode(`${contract.robot.name} ${contract.task}`, producer, {
    format: ONNX_FORMAT,
    rate_hz: String(contract.control.rateHz),
    command: JSON.stringify(map.entries),
    state: JSON.stringify(state),
    contract: JSON.stringify(contract),
  });
  return { bytes, inputs: graph.inputs, outputs: graph.outputs };
}

/** normalised = clip((obs - mean) / sqrt(variance + epsilon), -clip, clip) */
function normalise(graph: OnnxGraph, obs: string, { normalizer }: Contract): string {
  const { mean, variance, epsilon, clip } = normalizer;
  const constant = (name: string, data: readonly number[]) => graph.constant(`normalizer.${name}`, [data.length], data);
  // Where a mean is large and the deviation small, rounding the mean to a float32 would shift every observation: two hold it.
  const high = mean.map(Math.fround);
  const low = mean.map((value, i) => value - high[i]!);
  const shifted = graph.node('Sub', [obs, constant('mean', high)]);
  const centred = graph.node('Sub', [shifted, constant('mean_rest', low)]);
  const inverse = variance.map((value) => 1 / Math.sqrt(value + epsilon));
  const scaled = graph.node('Mul', [centred, constant('inverse_deviation', inverse)]);
  return graph.node('Clip', [
    scaled,
    graph.constant('normalizer.least', [], [-clip]),
    graph.constant('normalizer.most', [], [clip]),
  ]);
}

/** min(max(value, lower), upper) */
function between(graph: OnnxGraph, value: string, lower: string, upper: string): string {
  return graph.node('Min', [graph.node('Max', [value, lower]), upper]);
}
