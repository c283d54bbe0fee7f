/**
 * Adapters: a few numbers theta that stand in for many weights, w = w0 + delta(theta), and merge into them, so that whatever runs
 * a policy needs to know nothing of them. Low-rank products (LoRA, Hu et al. 2021, 2106.09685), scales and shifts of features
 * (FiLM, Perez et al. 2017, 1709.07871) and shared single numbers. Plain data and plain arrays: the same in every learner.
 */

import type { Key } from '../../core/rng.ts';
import { RandomStream } from '../../core/rng.ts';

/** A layer's W [inputs, outputs] in the flat vector; b [outputs] follows it. */
export interface AdaptedLayer {
  readonly from: number;
  readonly inputs: number;
  readonly outputs: number;
}

export type AdapterSpec =
  /** W = W0 + scale P Q with P [inputs, rank], Q [rank, outputs] */
  | {
      readonly kind: 'low-rank';
      readonly layers: readonly AdaptedLayer[];
      readonly rank: number;
      readonly scale: number;
    }
  /** What a layer sees is h (1 + gamma) + beta: W = diag(1 + gamma) W0, b = b0 + beta W0 */
  | { readonly kind: 'film'; readonly layers: readonly AdaptedLayer[] }
  /** w[to[i]] = w0[to[i]] + theta[of[i]] */
  | { readonly kind: 'shared'; readonly size: number; readonly to: Int32Array; readonly of: Int32Array };

/** Numbers in theta. */
export function adapterSize(spec: AdapterSpec): number {
  switch (spec.kind) {
    case 'low-rank':
      return spec.layers.reduce((sum, { inputs, outputs }) => sum + spec.rank * (inputs + outputs), 0);
    case 'film':
      return spec.layers.reduce((sum, { inputs }) => sum + 2 * inputs, 0);
    case 'shared':
      return spec.size;
  }
}

/** A theta with delta(theta) = 0 from which it can learn: of a product one factor is random, else it would stay 0. */
export function identityOf(spec: AdapterSpec, key: Key): Float32Array {
  const theta = new Float32Array(adapterSize(spec));
  if (spec.kind !== 'low-rank') return theta;
  const random = new RandomStream(key);
  let at = 0;
  for (const { inputs, outputs } of spec.layers) {
    for (let i = 0; i < inputs * spec.rank; i++) theta[at + i] = random.normal() / Math.sqrt(inputs);
    at += spec.rank * (inputs + outputs);
  }
  return theta;
}

/** w = w0 + delta(theta), where the adapter reaches. @param base,parameters [parameters] */
export function expand(spec: AdapterSpec, theta: Float32Array, base: Float32Array, parameters: Float32Array): void {
  let at = 0;
  switch (spec.kind) {
    case 'low-rank':
      for (const { from, inputs, outputs } of spec.layers) {
        const second = at + inputs * spec.rank;
        for (let i = 0; i < inputs; i++) {
          for (let j = 0; j < outputs; j++) {
            let sum = 0;
            for (let r = 0; r < spec.rank; r++)
              sum += theta[at + i * spec.rank + r]! * theta[second + r * outputs + j]!;
            const k = from + i * outputs + j;
            parameters[k] = base[k]! + spec.scale * sum;
          }
        }
        at = second + spec.rank * outputs;
      }
      return;
    case 'film':
      for (const { from, inputs, outputs } of spec.layers) {
        const bias = from + inputs * outputs;
        for (let j = 0; j < outputs; j++) {
          let sum = base[bias + j]!;
          for (let i = 0; i < inputs; i++) sum += theta[at + inputs + i]! * base[from + i * outputs + j]!;
          parameters[bias + j] = sum;
        }
        for (let i = 0; i < inputs; i++) {
          for (let j = 0; j < outputs; j++) {
            const k = from + i * outputs + j;
            parameters[k] = (1 + theta[at + i]!) * base[k]!;
          }
        }
        at += 2 * inputs;
      }
      return;
    case 'shared':
      for (let i = 0; i < spec.to.length; i++) parameters[spec.to[i]!] = base[spec.to[i]!]! + theta[spec.of[i]!]!;
  }
}

/** dL/dtheta from dL/dw. @param gradient [parameters] @param out [adapterSize], overwritten */
export function pullBack(
  spec: AdapterSpec,
  theta: Float32Array,
  base: Float32Array,
  gradient: Float32Array,
  out: Float32Array,
): void {
  out.fill(0);
  let at = 0;
  switch (spec.kind) {
    case 'low-rank':
      for (const { from, inputs, outputs } of spec.layers) {
        const second = at + inputs * spec.rank;
        for (let r = 0; r < spec.rank; r++) {
          for (let i = 0; i < inputs; i++) {
            const p = at + i * spec.rank + r;
            // dP = scale dW Q^T,  dQ = scale P^T dW
            let sum = 0;
            for (let j = 0; j < outputs; j++) {
              const g = gradient[from + i * outputs + j]!;
              const q = second + r * outputs + j;
              sum += g * theta[q]!;
              out[q] = out[q]! + spec.scale * theta[p]! * g;
            }
            out[p] = spec.scale * sum;
          }
        }
        at = second + spec.rank * outputs;
      }
      return;
    case 'film':
      for (const { from, inputs, outputs } of spec.layers) {
        const bias = from + inputs * outputs;
        for (let i = 0; i < inputs; i++) {
          let [gain, shift] = [0, 0];
          for (let j = 0; j < outputs; j++) {
            const k = from + i * outputs + j;
            gain += gradient[k]! * base[k]!;
            shift += gradient[bias + j]! * base[k]!;
          }
          out[at + i] = gain;
          out[at + inputs + i] = shift;
        }
        at += 2 * inputs;
      }
      return;
    case 'shared':
      for (let i = 0; i < spec.to.length; i++) out[spec.of[i]!] = out[spec.of[i]!]! + gradient[spec.to[i]!]!;
  }
}

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

/** Adam (Kingma & Ba 2015) of theta, with an adapter's own memory. */
export interface AdapterState {
  readonly theta: Float32Array;
  readonly firstMoment: Float32Array;
  readonly secondMoment: Float32Array;
}

/** @param scale of the gradient @param step counts from 1 */
export function stepAdapter(
  { theta, firstMoment: m, secondMoment: v }: AdapterState,
  gradient: Float32Array,
  scale: number,
  learningRate: number,
  step: number,
): void {
  const [c1, c2] = [1 - BETA1 ** step, 1 - BETA2 ** step];
  for (let i = 0; i < theta.length; i++) {
    const g = scale * gradient[i]!;
    m[i] = BETA1 * m[i]! + (1 - BETA1) * g;
    v[i] = BETA2 * v[i]! + (1 - BETA2) * g * g;
    theta[i] = theta[i]! - (learningRate * (m[i]! / c1)) / (Math.sqrt(v[i]! / c2) + EPSILON);
  }
}
