/**
 * Every actor network of the contract on tfjs, for learning: initial weights, means whose gradients each backend computes,
 * and the encoders' latents. `policy/inference.ts` is the same on plain arrays. Knows no loss.
 */

import * as tf from '@tensorflow/tfjs';
import type { NetworkContract } from '../core/contract.ts';
import { foldIn, type Key } from '../core/rng.ts';
import {
  bodyLayers,
  currentIndex,
  frameIndex,
  frontCount,
  historyLayers,
  type NetworkOf,
  privilegedLayers,
  type WindowLayer,
} from './architecture.ts';
import { initialWeights, orthogonal } from './initial-weights.ts';
import { type Activation, activations, forward, linear } from './network.ts';

/** Steps of some environments one after another, and what a recurrent actor remembered: what its gradient flows through. */
export interface DeviceSequence {
  /** Control steps; rows are time first, [horizon, environments]. */
  readonly horizon: number;
  /** Before the first step, [environments, stateSize]. */
  readonly state: tf.Tensor2D;
  /** 0 where an episode begins with this step and the state with it, else 1, [horizon][environments, 1]. */
  readonly keep: readonly tf.Tensor2D[];
}

/** In the order of `tensorsOf`, in one vector. @param headGain of the body's last layer */
export function initialActor(network: NetworkContract, headGain: number, key: Key): Float32Array {
  const body = initialWeights(bodyLayers(network), headGain, key);
  const front = initialFront(network, foldIn(key, 1_000_001));
  const flat = new Float32Array(front.reduce((sum, part) => sum + part.length, body.length));
  let at = 0;
  for (const part of [...front, body]) {
    flat.set(part, at);
    at += part.length;
  }
  return flat;
}

function initialFront(network: NetworkContract, key: Key): Float32Array[] {
  switch (network.kind) {
    case 'mlp':
      return [];
    case 'gru': {
      const gates = 3 * network.cell;
      return [network.layers[0]!, network.cell].flatMap((inputs, part) => [
        besides(
          [0, 1, 2].map((gate) => orthogonal(inputs, network.cell, 1, foldIn(key, 3 * part + gate))),
          inputs,
        ),
        new Float32Array(gates),
      ]);
    }
    case 'history': {
      const layers = historyLayers(network.encoder);
      return layers.map(({ inputs, outputs }, l) =>
        initialWeights([inputs, outputs], l + 1 < layers.length ? Math.SQRT2 : 1, foldIn(key, l)),
      );
    }
    case 'privileged':
      return [initialWeights(privilegedLayers(network.encoder), 1, key)];
  }
}

/** Matrices of the same rows side by side, row-major. */
function besides(matrices: readonly Float32Array[], rows: number): Float32Array {
  const out: number[] = [];
  for (let i = 0; i < rows; i++) {
    for (const matrix of matrices) {
      const columns = matrix.length / rows;
      for (let k = 0; k < columns; k++) out.push(matrix[i * columns + k]!);
    }
  }
  return Float32Array.from(out);
}

/**
 * The mean actions.
 * @param tensors of the actor, in the order of `tensorsOf` @param x normalised, [batch, layers[0]]
 * @param sequence what the rows are of, where the network has a state
 * @returns [batch, actions]
 */
export function meanAction(
  network: NetworkContract,
  tensors: readonly tf.Tensor[],
  x: tf.Tensor2D,
  sequence: DeviceSequence | null,
): tf.Tensor2D {
  const body = tensors.slice(frontCount(network));
  return forward(body, network.activation, bodyInput(network, tensors, x, sequence));
}

/** What the encoder of a `history` or a `privileged` network makes of observations. @returns [batch, latent] */
export function latentOf(
  network: NetworkOf<'history' | 'privileged'>,
  tensors: readonly tf.Tensor[],
  x: tf.Tensor2D,
): tf.Tensor2D {
  const front = tensors.slice(0, frontCount(network));
  if (network.kind === 'history') {
    const frames = tf.gather(x, frameIndex(network.encoder), 1) as tf.Tensor2D;
    return overTime(historyLayers(network.encoder), front, network.activation, frames);
  }
  const own = network.layers[0]! - network.encoder.inputs;
  return forward(front, network.activation, tf.slice(x, [0, own], [-1, network.encoder.inputs]));
}

function bodyInput(
  network: NetworkContract,
  tensors: readonly tf.Tensor[],
  x: tf.Tensor2D,
  sequence: DeviceSequence | null,
): tf.Tensor2D {
  switch (network.kind) {
    case 'mlp':
      return x;
    case 'gru':
      if (sequence === null) throw new Error('a recurrent network learns from sequences');
      return states(tensors, x, sequence);
    case 'history':
      return tf.concat(
        [tf.gather(x, currentIndex(network.encoder), 1), latentOf(network, tensors, x)],
        1,
      ) as tf.Tensor2D;
    case 'privileged': {
      const own = tf.slice(x, [0, 0], [-1, network.layers[0]! - network.encoder.inputs]);
      return tf.concat([own, latentOf(network, tensors, x)], 1);
    }
  }
}

/** Windows of all rows in one product a layer. @param x [batch, windows * step of the first layer] @returns [batch, latent] */
function overTime(
  layers: readonly WindowLayer[],
  tensors: readonly tf.Tensor[],
  activation: Activation,
  x: tf.Tensor2D,
): tf.Tensor2D {
  let y = x;
  for (const [l, { inputs, outputs, windows, step }] of layers.entries()) {
    const batch = y.shape[0];
    const parts = Array.from({ length: windows }, (_, w) => tf.slice(y, [0, w * step], [batch, inputs]));
    const rows = windows === 1 ? parts[0]! : tf.reshape(tf.concat(parts, 1), [batch * windows, inputs]);
    const product = linear(rows, tensors[2 * l]!, tensors[2 * l + 1]!);
    const active = l + 1 < layers.length ? activations[activation](product) : product;
    y = tf.reshape(active, [batch, windows * outputs]);
  }
  return y;
}

/** The states after each step. @param x [horizon * environments, inputs] @returns [horizon * environments, size] */
function states(tensors: readonly tf.Tensor[], x: tf.Tensor2D, { horizon, state, keep }: DeviceSequence): tf.Tensor2D {
  const [batch, size] = state.shape;
  const all = linear(x, tensors[0]!, tensors[1]!);
  let h = state;
  const after: tf.Tensor2D[] = [];
  for (let t = 0; t < horizon; t++) {
    h = tf.mul(h, keep[t]!);
    const fromState = linear(h, tensors[2]!, tensors[3]!);
    const fromInput = tf.slice(all, [t * batch, 0], [batch, 3 * size]) as tf.Tensor2D;
    const gate = (of: tf.Tensor2D, k: number) => tf.slice(of, [0, k * size], [batch, size]);
    // r = s(x_r + h_r),  z = s(x_z + h_z),  n = tanh(x_n + r h_n),  h' = (1 - z) n + z h = n + z (h - n)
    const r = tf.sigmoid(tf.add(gate(fromInput, 0), gate(fromState, 0)));
    const z = tf.sigmoid(tf.add(gate(fromInput, 1), gate(fromState, 1)));
    const n = tf.tanh(tf.add(gate(fromInput, 2), tf.mul(r, gate(fromState, 2))));
    h = tf.add(n, tf.mul(z, tf.sub(h, n)));
    after.push(h);
  }
  return tf.concat(after, 0);
}
