/**
 * LogME (You et al. 2021, 2102.11005), its regression form: the evidence, per row, of a Bayesian linear model from features to
 * targets, with both precisions chosen to make it largest. High for features on which a linear head can predict the targets.
 */

import { symmetricEigen } from '../../core/linear-algebra.ts';
import { log } from '../../core/math.ts';

export interface Evidence {
  /** log p(y | F) / N at the precisions found. */
  readonly perRow: number;
  /** Precisions of the weights and of the noise. */
  readonly alpha: number;
  readonly beta: number;
}

const MOST_ITERATIONS = 11;
const TOLERANCE = 0.01;

/** Mean over the target's columns. @param features [n, d] @param targets [n, outputs], such as a good policy's actions */
export function logMe(features: Float64Array, targets: Float64Array, n: number): number {
  const outputs = targets.length / n;
  const spectrum = spectrumOf(features, n);
  let sum = 0;
  for (let k = 0; k < outputs; k++) {
    sum += evidence(
      spectrum,
      Float64Array.from({ length: n }, (_, i) => targets[i * outputs + k]!),
    ).perRow;
  }
  return sum / outputs;
}

/** Of F^T F: eigenvalues s and eigenvectors, and F itself. */
export interface Spectrum {
  readonly features: Float64Array;
  readonly dim: number;
  readonly values: Float64Array;
  readonly vectors: Float64Array;
}

export function spectrumOf(features: Float64Array, n: number): Spectrum {
  const dim = features.length / n;
  const gram = new Float64Array(dim * dim);
  for (let i = 0; i < n; i++) {
    for (let a = 0; a < dim; a++) {
      const x = features[i * dim + a]!;
      for (let b = 0; b < dim; b++) gram[a * dim + b] = gram[a * dim + b]! + x * features[i * dim + b]!;
    }
  }
  const { values, vectors } = symmetricEigen(gram, dim);
  return { features, dim, values: values.map((s) => Math.max(0, s)), vectors };
}

/** @param y [n] */
export function evidence({ features, dim, values, vectors }: Spectrum, y: Float64Array): Evidence {
  const n = y.length;
  // F^T y in the eigenvectors' axes.
  const moment = new Float64Array(dim);
  for (let i = 0; i < n; i++) for (let a = 0; a < dim; a++) moment[a] = moment[a]! + features[i * dim + a]! * y[i]!;
  const z = values.map((_, k) => {
    let sum = 0;
    for (let a = 0; a < dim; a++) sum += vectors[a * dim + k]! * moment[a]!;
    return sum;
  });
  const square = y.reduce((sum, v) => sum + v * v, 0);

  let [alpha, beta] = [1, 1];
  let fit = fitted(values, z, square, alpha, beta);
  for (let iteration = 0; iteration < MOST_ITERATIONS; iteration++) {
    const lambda = alpha / beta;
    // gamma = sum s / (s + alpha/beta);  alpha <- gamma / ||m||^2;  beta <- (N - gamma) / ||y - F m||^2
    const gamma = values.reduce((sum, s) => sum + s / (s + lambda), 0);
    alpha = gamma / Math.max(1e-12, fit.norm);
    beta = (n - gamma) / Math.max(1e-12, fit.residual);
    fit = fitted(values, z, square, alpha, beta);
    if (Math.abs(alpha / beta - lambda) / lambda < TOLERANCE) break;
  }
  // (d log alpha + N log beta - sum log(alpha + beta s) - beta ||y - F m||^2 - alpha ||m||^2 - N log 2 pi) / 2
  const determinant = values.reduce((sum, s) => sum + log(alpha + beta * s), 0);
  const total =
    (dim * log(alpha) + n * log(beta) - determinant - beta * fit.residual - alpha * fit.norm - n * log(2 * Math.PI)) /
    2;
  return { perRow: total / n, alpha, beta };
}

/** ||m||^2 and ||y - F m||^2 of the posterior mean m = beta (alpha + beta F^T F)^-1 F^T y. */
function fitted(values: Float64Array, z: Float64Array, square: number, alpha: number, beta: number) {
  let [norm, residual] = [0, square];
  for (let k = 0; k < z.length; k++) {
    const m = (beta * z[k]!) / (alpha + beta * values[k]!);
    norm += m * m;
    residual += m * (m * values[k]! - 2 * z[k]!);
  }
  return { norm, residual: Math.max(0, residual) };
}
