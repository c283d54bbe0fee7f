/**
 * A perceptron beside a perceptron, as one wider perceptron with blocks of zeros: what a residual head or a progressive column is
 * deployed as, so that actor, bridge and export need nothing new. Knows no learner.
 */

import type { NetworkContract } from '../../core/contract.ts';
import { InputError } from '../../core/errors.ts';
import { foldIn, type Key, RandomStream } from '../../core/rng.ts';
import type { NetworkOf } from '../architecture.ts';
import { orthogonal } from '../initial-weights.ts';
import { tensorSizes } from '../mlp.ts';
import type { AdapterSpec } from './adapter.ts';

/** One layer of the wide network: which of its inputs and outputs are the old network's. */
export interface WideLayer {
  /** W [inputs, outputs] in the flat vector, then b. */
  readonly from: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly oldInputs: number;
  readonly oldOutputs: number;
}

export interface WideNetwork {
  readonly network: NetworkOf<'mlp'>;
  /** The old network's numbers in their places, 0 elsewhere; log-std last. */
  readonly actor: Float32Array;
  readonly layers: readonly WideLayer[];
}

/**
 * @param actor of the old network, log-std last
 * @param extra units beside each hidden layer
 * @throws InputError for a network that is no perceptron
 */
export function widened(network: NetworkContract, actor: Float32Array, extra: readonly number[]): WideNetwork {
  if (network.kind !== 'mlp') {
    throw new InputError(`a column is put beside perceptrons, this policy's network is of kind ${network.kind}`, {
      repair: 'use the arm head, lora or l2sp',
    });
  }
  const old = network.layers;
  const wide = old.map((size, l) => size + (l === 0 || l === old.length - 1 ? 0 : extra[l - 1]!));
  const actions = old.at(-1)!;
  const out = new Float32Array(tensorSizes(wide).reduce((a, b) => a + b, actions));
  const layers: WideLayer[] = [];
  let [from, at] = [0, 0];
  for (let l = 0; l + 1 < old.length; l++) {
    const [oldInputs, oldOutputs, inputs, outputs] = [old[l]!, old[l + 1]!, wide[l]!, wide[l + 1]!];
    // The bias is one more row.
    for (let i = 0; i <= oldInputs; i++) {
      const row = i === oldInputs ? inputs : i;
      out.set(actor.subarray(at, at + oldOutputs), from + row * outputs);
      at += oldOutputs;
    }
    layers.push({ from, inputs, outputs, oldInputs, oldOutputs });
    from += (inputs + 1) * outputs;
  }
  out.set(actor.subarray(actor.length - actions), from);
  return { network: { ...network, layers: wide }, actor: out, layers };
}

export interface Column extends WideNetwork {
  /** 1 for the numbers that learn, 0 for those that do not, [actor]. */
  readonly rates: Float32Array;
}

/**
 * A progressive column (Rusu et al. 2016, 1610.04286 section 2): h_i = f(W h_(i-1) + U h_(i-1)^old) beside the old one, whose body is
 * frozen. The last layer reads both and learns; its new rows are 0 at first, so that the policy is the old one.
 */
export function progressiveColumn(network: NetworkContract, actor: Float32Array, width: number, key: Key): Column {
  const hidden = Math.max(0, network.layers.length - 2);
  const wide = widened(network, actor, new Array<number>(hidden).fill(width));
  const rates = new Float32Array(wide.actor.length);
  for (const [l, { from, inputs, outputs, oldOutputs }] of wide.layers.entries()) {
    const isLast = l + 1 === wide.layers.length;
    if (isLast) {
      rates.fill(1, from, from + (inputs + 1) * outputs);
      continue;
    }
    const fresh = orthogonal(inputs, outputs - oldOutputs, Math.SQRT2, foldIn(key, l));
    for (let i = 0; i <= inputs; i++) {
      const row = from + i * outputs;
      rates.fill(1, row + oldOutputs, row + outputs);
      if (i < inputs)
        wide.actor.set(fresh.subarray(i * (outputs - oldOutputs), (i + 1) * (outputs - oldOutputs)), row + oldOutputs);
    }
  }
  return { ...wide, rates };
}

export interface ResidualHead extends WideNetwork {
  readonly adapter: AdapterSpec;
}

/**
 * Where the bounded function of two units is 0: x + 1 = exp(x - 1), so that elu(x + 1) - elu(x - 1) - 1 = 0. It rises from -1 to 1 as
 * tanh does; of relu units it is the clipped line.
 */
const ELU_ZERO = -0.8414056604369606;

/**
 * A residual policy: a = pi_0(o) + beta s(r(o)), r a perceptron whose last layer is 0 at first, s between -1 and 1. s is tanh where
 * the network's units are, else made of two of its units that share their weights. The old network is frozen.
 * @param width of r's hidden layers @param beta of the action's range of 1
 */
export function residualHead(
  network: NetworkContract,
  actor: Float32Array,
  width: number,
  beta: number,
  key: Key,
): ResidualHead {
  const hidden = network.layers.length - 2;
  if (hidden < 1)
    throw new InputError('a residual head needs a network with a hidden layer', { repair: 'use the arm head' });
  const actions = network.layers.at(-1)!;
  const pair = network.activation === 'tanh' ? 1 : 2;
  const extra = Array.from({ length: hidden }, (_, l) => (l + 1 < hidden ? width : pair * actions));
  const wide = widened(network, actor, extra);
  const [to, of]: [number[], number[]] = [[], []];
  let size = 0;
  for (const [l, layer] of wide.layers.entries()) {
    const { from, inputs, outputs, oldInputs, oldOutputs } = layer;
    const bias = from + inputs * outputs;
    if (l === hidden) {
      for (let a = 0; a < actions; a++) {
        wide.actor[from + (oldInputs + pair * a) * outputs + a] = beta;
        if (pair === 1) continue;
        wide.actor[from + (oldInputs + 2 * a + 1) * outputs + a] = -beta;
        wide.actor[bias + a] = wide.actor[bias + a]! - beta;
      }
      continue;
    }
    // r reads the observation, then itself.
    const first = l === 0 ? 0 : oldInputs;
    const isLast = l + 1 === hidden;
    const random = new RandomStream(foldIn(key, l));
    const units = isLast ? actions : outputs - oldOutputs;
    for (const i of [...Array.from({ length: inputs - first }, (_, k) => first + k), inputs]) {
      for (let u = 0; u < units; u++) {
        const places = isLast && pair === 2 ? [2 * u, 2 * u + 1] : [u];
        for (const place of places) {
          const at = from + i * outputs + oldOutputs + place;
          if (!isLast && i < inputs) wide.actor[at] = random.normal() * Math.sqrt(2 / (inputs - first));
          if (isLast && i === inputs && pair === 2)
            wide.actor[at] = (network.activation === 'elu' ? ELU_ZERO : 0) + (place % 2 === 0 ? 1 : -1);
          to.push(at);
          of.push(size);
        }
        size++;
      }
    }
  }
  return { ...wide, adapter: { kind: 'shared', size, to: Int32Array.from(to), of: Int32Array.from(of) } };
}
