/**
 * The distribution of a soft actor: a = tanh(u), u ~ N(mu, sigma^2) with mu and sigma of the state (Haarnoja et al. 2018,
 * arXiv 1812.05905, appendix C). Its network has two outputs an action, means then log-stds; the mean alone is deployed.
 * Plain arrays: the workers import it. Knows no learner.
 */

import { tensorSizes } from './mlp.ts';

/** Where log sigma is kept: below, the policy would never leave a mistake; above, tanh makes a coin of it. */
export const LOG_STD_RANGE = [-5, 2] as const;

/** The layers of the network that explores, of those of the policy that is deployed. */
export function explorerLayers(layers: readonly number[]): number[] {
  return [...layers.slice(0, -1), 2 * layers.at(-1)!];
}

/**
 * What is deployed of it, as a bundle holds it: W1, b1, ..., the columns of the means, and for the log-std its bias.
 * @param layers of the deployed policy @param explorer tensors of `explorerLayers(layers)` in one vector
 */
export function meanActor(layers: readonly number[], explorer: Float32Array): Float32Array {
  const [actions, width] = [layers.at(-1)!, layers.at(-2)!];
  const body = explorer.length - 2 * actions * (width + 1);
  const out = new Float32Array(body + actions * (width + 2));
  out.set(explorer.subarray(0, body));
  const half = (from: number, to: number) => out.set(explorer.subarray(from, from + actions), to);
  // Rows of the last weights, then its biases: [means, log-stds] each.
  for (let row = 0; row <= width; row++) half(body + 2 * actions * row, body + actions * row);
  half(explorer.length - actions, out.length - actions);
  return out;
}

/** The other way: a deployed policy explores with its log-std everywhere. @param actor as in a bundle, log-std last */
export function explorerOf(layers: readonly number[], actor: Float32Array): Float32Array {
  const [actions, width] = [layers.at(-1)!, layers.at(-2)!];
  const size = tensorSizes(explorerLayers(layers)).reduce((a, b) => a + b);
  const body = size - 2 * actions * (width + 1);
  const out = new Float32Array(size);
  out.set(actor.subarray(0, body));
  for (let row = 0; row <= width; row++) {
    out.set(actor.subarray(body + actions * row, body + actions * (row + 1)), body + 2 * actions * row);
  }
  out.set(actor.subarray(actor.length - actions), size - actions);
  return out;
}
