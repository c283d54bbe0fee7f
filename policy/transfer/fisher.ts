/**
 * The diagonal Fisher information of a Gaussian policy's parameters, exactly, from states (no actions sampled): what elastic weight
 * consolidation weighs each number with (Kirkpatrick et al. 2017; for Gaussian heads as Continual World, Wolczyk et al. 2021).
 * Perceptrons only; backpropagation by hand, one state at a time.
 */

import type { NetworkContract } from '../../core/contract.ts';
import { InputError } from '../../core/errors.ts';
import { sizesOf } from '../architecture.ts';
import { activate, linear, splitTensors } from '../mlp.ts';

/** No number is quite free. */
export const LEAST_FISHER = 1e-5;

/**
 * F = E_o sum_out (1 / sigma^2) [(dmu/dw)^2 + 2 (dsigma/dw)^2], at least 1e-5.
 * @param actor log-std last @param obs normalised, [states, obsDim]
 * @returns [actor]
 * @throws InputError for a network that is no perceptron
 */
export function gaussianFisher(network: NetworkContract, actor: Float32Array, obs: Float32Array): Float32Array {
  const { kind, layers, activation } = network;
  if (kind !== 'mlp') {
    throw new InputError(`the Fisher information is of perceptrons, this policy's network is of kind ${kind}`, {
      repair: 'use the arm l2sp',
    });
  }
  const tensors = splitTensors(actor, sizesOf(network));
  const actions = layers.at(-1)!;
  const logStd = actor.subarray(actor.length - actions);
  const states = obs.length / layers[0]!;
  const outputs = layers.slice(1).map((size) => new Float32Array(size));
  const squares = new Float64Array(actor.length);
  for (let s = 0; s < states; s++) {
    const input = obs.subarray(s * layers[0]!, (s + 1) * layers[0]!);
    let x: Float32Array = input;
    for (const [l, y] of outputs.entries()) {
      linear(tensors[2 * l]!, tensors[2 * l + 1]!, x, y);
      if (l + 1 < outputs.length) activate(activation, y);
      x = y;
    }
    for (let k = 0; k < actions; k++) {
      // dmu_k / d(output of the last layer) is 1 in k, else 0
      let slope: Float64Array = new Float64Array(actions);
      slope[k] = 1;
      let end = actor.length - actions;
      for (let l = outputs.length - 1; l >= 0; l--) {
        const below = l === 0 ? input : outputs[l - 1]!;
        const [inputs, width] = [below.length, slope.length];
        const from = end - (inputs + 1) * width;
        const weights = tensors[2 * l]!;
        const next = new Float64Array(inputs);
        for (let i = 0; i < inputs; i++) {
          for (let j = 0; j < width; j++) {
            const at = from + i * width + j;
            squares[at] = squares[at]! + (below[i]! * slope[j]!) ** 2 * Math.exp(-2 * logStd[k]!);
            next[i] = next[i]! + weights[i * width + j]! * slope[j]!;
          }
        }
        for (let j = 0; j < width; j++) {
          const at = end - width + j;
          squares[at] = squares[at]! + slope[j]! ** 2 * Math.exp(-2 * logStd[k]!);
        }
        if (l > 0) for (let i = 0; i < inputs; i++) next[i] = next[i]! * slopeOf(activation, below[i]!);
        slope = next;
        end = from;
      }
    }
  }
  const fisher = Float32Array.from(squares, (sum) => Math.max(LEAST_FISHER, sum / states));
  // dsigma / dlog sigma = sigma: 2 (1 / sigma^2) sigma^2
  return fisher.fill(2, actor.length - actions);
}

/** act'(x) of y = act(x) */
function slopeOf(activation: NetworkContract['activation'], y: number): number {
  switch (activation) {
    case 'tanh':
      return 1 - y * y;
    case 'elu':
      return y > 0 ? 1 : y + 1;
    case 'relu':
      return y > 0 ? 1 : 0;
  }
}
