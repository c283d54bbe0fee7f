/**
 * Distances that see two moments: CORAL (Sun & Saenko 2016, 1607.01719) between covariances, and Frechet's between normal
 * distributions (Dowson & Landau 1982). Rows in, numbers out.
 */

import { symmetricEigen } from '../../core/linear-algebra.ts';
import type { GroupedRows } from './grouped-rows.ts';

export interface Moments {
  readonly dim: number;
  /** [dim] */
  readonly mean: Float64Array;
  /** Unbiased, [dim, dim]. */
  readonly covariance: Float64Array;
}

export function momentsOf({ rows, dim, episode }: GroupedRows): Moments {
  const n = episode.length;
  const mean = new Float64Array(dim);
  for (let i = 0; i < n; i++) for (let k = 0; k < dim; k++) mean[k] = mean[k]! + rows[i * dim + k]! / n;
  const covariance = new Float64Array(dim * dim);
  const centred = new Float64Array(dim);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < dim; k++) centred[k] = rows[i * dim + k]! - mean[k]!;
    for (let a = 0; a < dim; a++) {
      for (let b = 0; b <= a; b++) {
        covariance[a * dim + b] = covariance[a * dim + b]! + (centred[a]! * centred[b]!) / Math.max(1, n - 1);
      }
    }
  }
  for (let a = 0; a < dim; a++) for (let b = 0; b < a; b++) covariance[b * dim + a] = covariance[a * dim + b]!;
  return { dim, mean, covariance };
}

/** ||C_S - C_T||_F^2 / (4 d^2) */
export function coralDistance(source: Moments, target: Moments): number {
  let sum = 0;
  for (let k = 0; k < source.covariance.length; k++) sum += (source.covariance[k]! - target.covariance[k]!) ** 2;
  return sum / (4 * source.dim ** 2);
}

/** ||mu_S - mu_T||^2 + Tr(S + T - 2 (S^1/2 T S^1/2)^1/2) */
export function frechetDistance(source: Moments, target: Moments): number {
  const { dim } = source;
  const root = symmetricRoot(source.covariance, dim);
  const inner = product(product(root, target.covariance, dim), root, dim);
  // Rounding leaves the product not quite symmetric.
  const symmetric = Float64Array.from(inner, (x, at) => (x + inner[(at % dim) * dim + Math.floor(at / dim)]!) / 2);
  const { values } = symmetricEigen(symmetric, dim);
  let sum = 0;
  for (let k = 0; k < dim; k++) {
    sum += (source.mean[k]! - target.mean[k]!) ** 2;
    sum += source.covariance[k * dim + k]! + target.covariance[k * dim + k]! - 2 * Math.sqrt(Math.max(0, values[k]!));
  }
  return Math.max(0, sum);
}

/** R with R R = A, of a symmetric A without negative eigenvalues but for rounding. @returns [n, n] */
export function symmetricRoot(matrix: ArrayLike<number>, n: number): Float64Array {
  const { values, vectors } = symmetricEigen(matrix, n);
  const out = new Float64Array(n * n);
  for (let k = 0; k < n; k++) {
    const root = Math.sqrt(Math.max(0, values[k]!));
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) out[i * n + j] = out[i * n + j]! + root * vectors[i * n + k]! * vectors[j * n + k]!;
    }
  }
  return out;
}

function product(a: Float64Array, b: Float64Array, n: number): Float64Array {
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) {
      const x = a[i * n + k]!;
      for (let j = 0; j < n; j++) out[i * n + j] = out[i * n + j]! + x * b[k * n + j]!;
    }
  }
  return out;
}
