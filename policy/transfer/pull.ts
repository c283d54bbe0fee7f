/**
 * What pulls weights back to where they came from: L2-SP (Li et al. 2018, 1802.01483), elastic weight consolidation (Kirkpatrick et al.
 * 2017, 1612.00796), or both: each a diagonal quadratic, stiffness/2 (w - anchor)^2. Arrays alone.
 */

import type { Pull } from '../fine-tune-plan.ts';
import { type ParameterLayer, parameterCount } from './parameter-layers.ts';

/**
 * a/2 ||w_body - w0||^2 + b/2 ||w_head - anchor||^2; the critic and the log-std are free.
 * @param source [parameters], the source's weights
 * @param isNewHead the head starts anew: it is pulled to 0, as in the paper; an old one stays near where it was
 */
export function l2sp(
  layers: readonly ParameterLayer[],
  source: Float32Array,
  { body = 0.01, head = 0.01, isNewHead = false } = {},
): Pull {
  const stiffness = new Float32Array(parameterCount(layers));
  const anchor = Float32Array.from(source);
  for (const { part, from, to } of layers) {
    if (part === 'body' || part === 'encoder') stiffness.fill(body, from, to);
    if (part === 'head') stiffness.fill(head, from, to);
    if (part === 'head' && isNewHead) anchor.fill(0, from, to);
  }
  return { anchor, stiffness };
}

/** lambda/2 sum F_i (w_i - w0_i)^2. @param fisher of the actor, [its parameters]; what follows them is free */
export function ewc(source: Float32Array, fisher: Float32Array, lambda: number): Pull {
  const stiffness = new Float32Array(source.length);
  stiffness.set(fisher.map((f) => lambda * f));
  return { anchor: Float32Array.from(source), stiffness };
}

/** The sum of two pulls, which is one: k = k1 + k2 towards (k1 w1 + k2 w2) / k. */
export function both(a: Pull, b: Pull): Pull {
  const stiffness = a.stiffness.map((k, i) => k + b.stiffness[i]!);
  const anchor = a.anchor.map((w, i) =>
    stiffness[i] === 0 ? w : (a.stiffness[i]! * w + b.stiffness[i]! * b.anchor[i]!) / stiffness[i]!,
  );
  return { anchor, stiffness };
}
