/**
 * A distribution over parameters instead of a point: the truncated normals under which logged transitions are most likely,
 * each judged by a Gaussian through what samples of the parameters make of it (Tiboni, Arndt & Kyrki, "DROPO: sim-to-real
 * transfer with offline domain randomization", 2023, arXiv 2201.08434). Two things are added: simulations that end early
 * count against the distribution, and what the transitions say nothing about keeps its prior. Knows no simulator.
 */

import { exp, log } from '../../core/math.ts';
import { foldIn, type Key, RandomStream } from '../../core/rng.ts';
import { minimize } from './cma-es.ts';
import { solvePositive } from '../../core/linear-algebra.ts';
import { latinHypercube, quantilesOf, type Spread } from './truncated-normal.ts';

/**
 * Simulated minus observed outcome of every transition at each point, [points], each [transitions * dims]; NaN where the
 * simulation ended before the transition did.
 */
export type Outcomes = (points: readonly (readonly number[])[]) => Promise<Float64Array[]> | Float64Array[];

export interface DropoProblem {
  /** The box of the parameters' search coordinates, [n]. */
  readonly lower: readonly number[];
  readonly upper: readonly number[];
  /** Where each parameter is known to be beforehand. @default the box's middle, a quarter of its width */
  readonly prior?: Spread;
  readonly simulate: Outcomes;
  /** Variance of each number of an outcome that no parameter explains: the sensors' noise, [dims]. */
  readonly noise: readonly number[];
}

export interface DropoOptions {
  /** Parameter samples a likelihood is estimated from. @default 100 */
  readonly samples?: number;
  /** Likelihoods to estimate. @default 1000 */
  readonly evaluations?: number;
  readonly key: Key;
  readonly onProgress?: (logLikelihood: number) => void;
}

export interface FoundSpread extends Spread {
  /** Mean over the transitions, nats. */
  readonly logLikelihood: number;
  /** Whether the transitions narrowed or moved it: false for what kept its prior, [n]. */
  readonly informed: readonly boolean[];
}

/** Bounds of a standard deviation, as shares of the box's width. */
const LEAST_SD = 1e-5;
const MOST_SD = 0.25;
/** Log-likelihood of a transition that no sample reaches the end of, nats: worse than ten standard deviations. */
const UNREACHED = -50;
/** A deviation still above this share of the prior's was not narrowed. */
const INFORMED = 0.5;

export async function dropo(problem: DropoProblem, options: DropoOptions): Promise<FoundSpread> {
  const { lower, upper } = problem;
  const n = lower.length;
  const width = upper.map((u, i) => u - lower[i]!);
  const prior = problem.prior ?? {
    mean: width.map((w, i) => lower[i]! + w / 2),
    sd: width.map((w) => MOST_SD * w),
  };
  // Common random numbers: every likelihood is estimated from the same quantiles.
  const shares = latinHypercube(options.samples ?? 100, n, new RandomStream(foldIn(options.key, 1)));
  const likelihoodOf = async (spread: Spread) =>
    logLikelihood(await problem.simulate(quantilesOf(spread, lower, upper, shares)), problem.noise);
  // Searched: the mean, and the logarithm of the deviation's share of the width.
  const spreadAt = (x: readonly number[]): Spread => ({
    mean: x.slice(0, n),
    sd: width.map((w, i) => w * exp(x[n + i]!)),
  });
  const floor = log(LEAST_SD);
  const found = await minimize(
    async (points) => {
      const values: number[] = [];
      for (const x of points) {
        const spread = spreadAt(x);
        // -(sum of log p(s'|phi)) + KL(phi | prior): what leaves the likelihood alone goes where the prior is.
        values.push(-(await likelihoodOf(spread)) + divergence(spread, prior));
      }
      return values;
    },
    {
      lower: [...lower, ...width.map(() => floor)],
      upper: [...upper, ...width.map(() => log(MOST_SD))],
      start: [...prior.mean, ...width.map(() => log(MOST_SD / 2))],
      sigma: 0.2,
      tolerance: 1e-4,
      maxEvaluations: options.evaluations ?? 1000,
      key: foldIn(options.key, 2),
      onGeneration: (best) => options.onProgress?.(-best),
    },
  );
  const spread = spreadAt(found.x);
  const transitions = (await problem.simulate([spread.mean]))[0]!.length / problem.noise.length;
  return {
    ...spread,
    logLikelihood: (await likelihoodOf(spread)) / transitions,
    informed: spread.sd.map((sd, i) => sd < INFORMED * prior.sd[i]!),
  };
}

/** KL divergence of normals, summed over the parameters, nats. */
function divergence({ mean, sd }: Spread, prior: Spread): number {
  let sum = 0;
  for (const [i, s] of sd.entries()) {
    const s0 = prior.sd[i]!;
    // log(s0 / s) + (s^2 + (m - m0)^2) / (2 s0^2) - 1/2
    sum += log(s0 / s) + (s * s + (mean[i]! - prior.mean[i]!) ** 2) / (2 * s0 * s0) - 0.5;
  }
  return sum;
}

/**
 * Sum over the transitions of log((1 - f) N(0; m, C + noise) + exp(UNREACHED)), with m and C the mean and covariance of the
 * samples' outcomes and f the share that ended early: such a sample says that nothing would have been observed.
 * @param outcomes simulated minus observed, [samples], each [transitions * dims]
 */
export function logLikelihood(outcomes: readonly Float64Array[], noise: readonly number[]): number {
  const dims = noise.length;
  const mean = new Float64Array(dims);
  const covariance = new Float64Array(dims * dims);
  let total = 0;
  for (let at = 0; at < outcomes[0]!.length; at += dims) {
    mean.fill(0);
    covariance.fill(0);
    let reached = 0;
    for (const sample of outcomes) {
      if (!reachedEnd(sample, at, dims)) continue;
      reached++;
      for (let a = 0; a < dims; a++) mean[a] = mean[a]! + sample[at + a]!;
    }
    if (reached <= dims) {
      total += UNREACHED;
      continue;
    }
    for (let a = 0; a < dims; a++) mean[a] = mean[a]! / reached;
    for (const sample of outcomes) {
      if (!reachedEnd(sample, at, dims)) continue;
      for (let a = 0; a < dims; a++) {
        for (let b = 0; b <= a; b++) {
          const product = (sample[at + a]! - mean[a]!) * (sample[at + b]! - mean[b]!);
          covariance[a * dims + b] = covariance[a * dims + b]! + product / (reached - 1);
        }
      }
    }
    for (let a = 0; a < dims; a++) {
      for (let b = 0; b < a; b++) covariance[b * dims + a] = covariance[a * dims + b]!;
      covariance[a * dims + a] = covariance[a * dims + a]! + noise[a]!;
    }
    const one = log(reached / outcomes.length) + logDensity(mean, covariance, dims);
    // log(exp(one) + exp(UNREACHED))
    const most = Math.max(one, UNREACHED);
    total += most + log(exp(one - most) + exp(UNREACHED - most));
  }
  return total;
}

function reachedEnd(sample: Float64Array, at: number, dims: number): boolean {
  for (let a = 0; a < dims; a++) if (!Number.isFinite(sample[at + a]!)) return false;
  return true;
}

/** log N(0; mean, covariance) */
function logDensity(mean: Float64Array, covariance: Float64Array, dims: number): number {
  const solved = solvePositive(covariance, mean, dims);
  if (solved === null) return UNREACHED;
  let square = 0;
  for (let a = 0; a < dims; a++) square += mean[a]! * solved[a]!;
  return -0.5 * (square + logDeterminant(covariance, dims) + dims * log(2 * Math.PI));
}

/** Of a positive definite matrix, by elimination. */
function logDeterminant(matrix: Float64Array, dims: number): number {
  const a = matrix.slice();
  let sum = 0;
  for (let k = 0; k < dims; k++) {
    const pivot = a[k * dims + k]!;
    sum += log(pivot);
    for (let i = k + 1; i < dims; i++) {
      const factor = a[i * dims + k]! / pivot;
      for (let j = k; j < dims; j++) a[i * dims + j] = a[i * dims + j]! - factor * a[k * dims + j]!;
    }
  }
  return sum;
}
