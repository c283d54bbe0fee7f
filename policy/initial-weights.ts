/** What a network starts from: orthogonal weights (Saxe et al. 2014), the same bits for every learner. Knows no backend. */

import { type Key, RandomStream, split } from '../core/rng.ts';
import { tensorSizes } from './mlp.ts';

/**
 * Orthogonal weights (Saxe et al. 2014), zero biases.
 * @param headGain of the last layer; the hidden ones have sqrt(2)
 * @returns W1, b1, W2, b2, ... in one vector
 */
export function initialWeights(layers: readonly number[], headGain: number, key: Key): Float32Array {
  const sizes = tensorSizes(layers);
  const flat = new Float32Array(sizes.reduce((a, b) => a + b, 0));
  const keys = split(key, layers.length - 1);
  let at = 0;
  for (let l = 0; l + 1 < layers.length; l++) {
    const gain = l + 2 === layers.length ? headGain : Math.SQRT2;
    flat.set(orthogonal(layers[l]!, layers[l + 1]!, gain, keys[l]!), at);
    at += sizes[2 * l]! + sizes[2 * l + 1]!;
  }
  return flat;
}

/** A [rows, cols] matrix whose shorter side is orthonormal, times gain: Gram-Schmidt on a normal matrix. */
export function orthogonal(rows: number, cols: number, gain: number, key: Key): Float32Array {
  const random = new RandomStream(key);
  const [count, length] = rows < cols ? [rows, cols] : [cols, rows];
  const vectors: Float64Array[] = [];
  for (let i = 0; i < count; i++) {
    const vector = Float64Array.from({ length }, () => random.normal());
    // Twice is enough (Kahan): the second pass removes what rounding left.
    for (let pass = 0; pass < 2; pass++) {
      for (const other of vectors) {
        let dot = 0;
        for (let k = 0; k < length; k++) dot += vector[k]! * other[k]!;
        for (let k = 0; k < length; k++) vector[k] = vector[k]! - dot * other[k]!;
      }
    }
    const norm = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
    vectors.push(vector.map((x) => x / norm));
  }
  const out = new Float32Array(rows * cols);
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < length; k++) out[rows < cols ? i * cols + k : k * cols + i] = gain * vectors[i]![k]!;
  }
  return out;
}
