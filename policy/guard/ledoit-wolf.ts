/**
 * A covariance from few samples, shrunk towards a multiple of the identity by the intensity of least expected error (Ledoit and
 * Wolf, J. Multivariate Analysis 88, 2004), and the matrix that whitens by it. Knows no score.
 */

import { NumericError } from '../../core/errors.ts';

export interface Shrunk {
  /** [dim] */
  readonly mean: Float64Array;
  /** [dim, dim] */
  readonly covariance: Float64Array;
  /** Of the identity, in [0, 1]. */
  readonly shrinkage: number;
}

/** @param rows [n, dim], n >= 1 */
export function ledoitWolf(rows: Float64Array, dim: number): Shrunk {
  const n = rows.length / dim;
  const mean = new Float64Array(dim);
  for (let at = 0; at < rows.length; at++) mean[at % dim] = mean[at % dim]! + rows[at]! / n;
  // S = X'X / n,  and sum over the samples of |x x'|^2
  const covariance = new Float64Array(dim * dim);
  const x = new Float64Array(dim);
  let fourth = 0;
  for (let at = 0; at < rows.length; at += dim) {
    let squared = 0;
    for (let i = 0; i < dim; i++) {
      x[i] = rows[at + i]! - mean[i]!;
      squared += x[i]! ** 2;
    }
    fourth += squared ** 2;
    for (let i = 0; i < dim; i++)
      for (let j = 0; j < dim; j++) covariance[i * dim + j] = covariance[i * dim + j]! + (x[i]! * x[j]!) / n;
  }
  let trace = 0;
  let squares = 0;
  for (let i = 0; i < dim; i++) trace += covariance[i * dim + i]!;
  for (let k = 0; k < covariance.length; k++) squares += covariance[k]! ** 2;
  const mu = trace / dim;
  // d^2 = |S - mu I|^2,  b^2 = min(d^2, sum |x x' - S|^2 / n^2),  shrinkage = b^2 / d^2
  const distance = squares - dim * mu * mu;
  const error = Math.min(distance, (fourth / n - squares) / n);
  const shrinkage = distance > 0 && error > 0 ? error / distance : 0;
  for (let k = 0; k < covariance.length; k++) covariance[k] = (1 - shrinkage) * covariance[k]!;
  for (let i = 0; i < dim; i++) covariance[i * dim + i] = covariance[i * dim + i]! + shrinkage * mu;
  return { mean, covariance, shrinkage };
}

/** y = x W + b is white; |y|^2 = (x - mean)' C^-1 (x - mean). */
export interface Whitening {
  /** [dim, dim], and [dim] */
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

/** Least variance along any axis as a share of the mean one: what float32 and a nearly flat cloud of samples can bear. */
const FLOOR = 1e-6;

/** @throws NumericError when the covariance is not finite */
export function whiteningOf({ mean, covariance }: Pick<Shrunk, 'mean' | 'covariance'>): Whitening {
  const dim = mean.length;
  const lower = cholesky(covariance, dim);
  const weight = new Float32Array(dim * dim);
  const bias = new Float32Array(dim);
  const column = new Float64Array(dim);
  // Row k of L^-1, by forward substitution of column k of the identity: y = L^-1 (x - mean), so W = L^-T.
  for (let k = 0; k < dim; k++) {
    for (let i = k; i < dim; i++) {
      let sum = i === k ? 1 : 0;
      for (let j = k; j < i; j++) sum -= lower[i * dim + j]! * column[j]!;
      column[i] = sum / lower[i * dim + i]!;
      weight[k * dim + i] = column[i]!;
      bias[i] = bias[i]! - column[i]! * mean[k]!;
    }
  }
  return { weight, bias };
}

/** L of C + floor = L L'. */
function cholesky(covariance: Float64Array, dim: number): Float64Array {
  let trace = 0;
  for (let i = 0; i < dim; i++) trace += covariance[i * dim + i]!;
  const floor = Math.max((FLOOR * trace) / dim, 1e-20);
  const lower = new Float64Array(dim * dim);
  for (let i = 0; i < dim; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = covariance[i * dim + j]! + (i === j ? floor : 0);
      for (let k = 0; k < j; k++) sum -= lower[i * dim + k]! * lower[j * dim + k]!;
      if (i === j && !(sum > 0)) {
        throw new NumericError(`the covariance of what the guard learned from is ${sum} along axis ${i}`, {
          repair: 'record more episodes, or look for numbers that are not finite in them',
        });
      }
      lower[i * dim + j] = i === j ? Math.sqrt(sum) : sum / lower[j * dim + j]!;
    }
  }
  return lower;
}
