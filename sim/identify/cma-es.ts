/**
 * Covariance matrix adaptation evolution strategy after N. Hansen, "The CMA evolution strategy: a tutorial" (2016,
 * arXiv 1604.00772); equation numbers are the tutorial's. Asks for points and is told their values, so that whoever owns
 * it may evaluate a generation anywhere and in any order. Boxes are kept by repair and penalty (appendix B.5), restarts
 * double the population (Auger & Hansen 2005). Knows no simulator.
 */

import { identity, symmetricEigen } from '../../core/linear-algebra.ts';
import { exp, log } from '../../core/math.ts';
import { foldIn, type Key, RandomStream } from '../../core/rng.ts';

export interface CmaEsOptions {
  /** Bounds of the box, [n]. */
  readonly lower: readonly number[];
  readonly upper: readonly number[];
  /** First mean, [n]. */
  readonly start: readonly number[];
  /** First standard deviation, as a share of each bound's width. @default 0.3 */
  readonly sigma?: number;
  /** Points a generation. @default 4 + floor(3 ln n) */
  readonly population?: number;
  /** Stop when the search has shrunk to this share of the box in every direction. @default 1e-6 */
  readonly tolerance?: number;
  readonly key: Key;
}

/** One run of the strategy. All state is in the unit cube; the owner sees the box. */
export class CmaEs {
  readonly population: number;
  readonly #n: number;
  readonly #lower: readonly number[];
  readonly #upper: readonly number[];
  readonly #width: readonly number[];
  readonly #tolerance: number;
  readonly #random: RandomStream;
  readonly #weights: Float64Array;
  readonly #muEff: number;
  readonly #cSigma: number;
  readonly #dSigma: number;
  readonly #cc: number;
  readonly #c1: number;
  readonly #cMu: number;
  readonly #chiN: number;

  readonly #mean: Float64Array;
  #sigma: number;
  #covariance: Float64Array;
  /** Eigenvectors and square roots of the eigenvalues of the covariance. */
  #basis: Float64Array;
  #scales: Float64Array;
  readonly #pathSigma: Float64Array;
  readonly #pathC: Float64Array;
  #generation = 0;
  /** Points of this generation as drawn, and after repair, both in the unit cube. */
  #drawn: Float64Array[] = [];
  #repaired: Float64Array[] = [];
  #best: { readonly x: number[]; readonly value: number } | undefined;
  #stagnant = 0;

  constructor(options: CmaEsOptions) {
    const n = options.start.length;
    this.#n = n;
    this.#lower = options.lower;
    this.#upper = options.upper;
    this.#width = options.upper.map((u, i) => u - options.lower[i]!);
    this.#mean = Float64Array.from(options.start, (x, i) => (x - options.lower[i]!) / this.#width[i]!);
    this.#sigma = options.sigma ?? 0.3;
    this.#tolerance = options.tolerance ?? 1e-6;
    this.#random = new RandomStream(options.key);
    this.population = options.population ?? 4 + Math.floor(3 * log(n));

    const mu = Math.floor(this.population / 2);
    // (49), (53) w_i = ln((lambda + 1) / 2) - ln i, for the better half, with sum 1
    const raw = Float64Array.from({ length: mu }, (_, i) => log((this.population + 1) / 2) - log(i + 1));
    const total = raw.reduce((a, b) => a + b, 0);
    this.#weights = raw.map((w) => w / total);
    this.#muEff = 1 / this.#weights.reduce((a, w) => a + w * w, 0);
    // (55) to (58): learning rates
    this.#cSigma = (this.#muEff + 2) / (n + this.#muEff + 5);
    this.#dSigma = 1 + 2 * Math.max(0, Math.sqrt((this.#muEff - 1) / (n + 1)) - 1) + this.#cSigma;
    this.#cc = (4 + this.#muEff / n) / (n + 4 + (2 * this.#muEff) / n);
    this.#c1 = 2 / ((n + 1.3) ** 2 + this.#muEff);
    this.#cMu = Math.min(1 - this.#c1, (2 * (this.#muEff - 2 + 1 / this.#muEff)) / ((n + 2) ** 2 + this.#muEff));
    // E ||N(0, I)||
    this.#chiN = Math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n));

    this.#covariance = identity(n);
    this.#basis = identity(n);
    this.#scales = new Float64Array(n).fill(1);
    this.#pathSigma = new Float64Array(n);
    this.#pathC = new Float64Array(n);
  }

  /** The best point told so far, inside the box. */
  get best(): { readonly x: number[]; readonly value: number } | undefined {
    return this.#best;
  }

  /** Covariance of the search distribution in the unit cube, without its step size squared. [n * n] */
  get covariance(): Float64Array {
    return this.#covariance;
  }

  /** True when the search has shrunk below the tolerance or its values no longer differ. */
  get converged(): boolean {
    const widest = this.#sigma * Math.max(...this.#scales);
    return widest < this.#tolerance || this.#stagnant > 10 + Math.ceil((30 * this.#n) / this.population);
  }

  /** The points of the next generation, inside the box, [population][n]. */
  ask(): number[][] {
    this.#drawn = Array.from({ length: this.population }, () => this.#draw());
    this.#repaired = this.#drawn.map((x) => x.map((v) => (v < 0 ? 0 : v > 1 ? 1 : v)));
    return this.#repaired.map((x) => this.#toBox(x));
  }

  /** From the unit cube; rounding must not lead out of the box. */
  #toBox(x: Float64Array): number[] {
    return Array.from(x, (v, i) => Math.min(this.#upper[i]!, this.#lower[i]! + v * this.#width[i]!));
  }

  /** (38) to (40): x = m + sigma B D z */
  #draw(): Float64Array {
    const n = this.#n;
    const z = Float64Array.from({ length: n }, () => this.#random.normal());
    return Float64Array.from({ length: n }, (_, i) => {
      let y = 0;
      for (let k = 0; k < n; k++) y += this.#basis[i * n + k]! * this.#scales[k]! * z[k]!;
      return this.#mean[i]! + this.#sigma * y;
    });
  }

  /** @param values of the points last asked for, in their order; NaN counts as worst */
  tell(values: readonly number[]): void {
    const finite = values.map((v) => (Number.isFinite(v) ? v : Number.MAX_VALUE));
    this.#remember(finite);
    const ranked = this.#ranking(finite);
    this.#generation++;
    this.#adapt(ranked);
  }

  #remember(values: readonly number[]): void {
    let improved = false;
    for (const [k, value] of values.entries()) {
      if (this.#best !== undefined && value >= this.#best.value) continue;
      improved ||= this.#best === undefined || this.#best.value - value > 1e-9 * Math.abs(value);
      this.#best = { x: this.#toBox(this.#repaired[k]!), value };
    }
    this.#stagnant = improved ? 0 : this.#stagnant + 1;
  }

  /** Indices from best to worst; a point outside pays for its distance to the box in units of the values' spread. */
  #ranking(values: readonly number[]): number[] {
    const sorted = [...values].sort((a, b) => a - b);
    const spread = sorted[Math.floor(0.75 * (sorted.length - 1))]! - sorted[Math.floor(0.25 * (sorted.length - 1))]!;
    const unit = spread > 0 ? spread : Math.abs(sorted[0]!) + 1;
    const cost = values.map((value, k) => {
      let outside = 0;
      for (let i = 0; i < this.#n; i++) outside += ((this.#drawn[k]![i]! - this.#repaired[k]![i]!) / this.#sigma) ** 2;
      return value + (unit * outside) / this.#n;
    });
    return cost.map((_, k) => k).sort((a, b) => cost[a]! - cost[b]! || a - b);
  }

  #adapt(ranked: readonly number[]): void {
    const n = this.#n;
    const steps = ranked.map((k) => this.#drawn[k]!.map((x, i) => (x - this.#mean[i]!) / this.#sigma));
    // (41), (42): m <- m + sigma sum w_i y_i
    const step = new Float64Array(n);
    for (const [r, w] of this.#weights.entries()) for (let i = 0; i < n; i++) step[i] = step[i]! + w * steps[r]![i]!;
    for (let i = 0; i < n; i++) this.#mean[i] = this.#mean[i]! + this.#sigma * step[i]!;

    // (43) p_sigma <- (1 - c_sigma) p_sigma + sqrt(c_sigma (2 - c_sigma) mu_eff) C^-1/2 <y>
    const whitened = this.#whiten(step);
    const gainSigma = Math.sqrt(this.#cSigma * (2 - this.#cSigma) * this.#muEff);
    for (let i = 0; i < n; i++) {
      this.#pathSigma[i] = (1 - this.#cSigma) * this.#pathSigma[i]! + gainSigma * whitened[i]!;
    }
    const length = Math.sqrt(this.#pathSigma.reduce((a, p) => a + p * p, 0));
    // (44) sigma <- sigma exp(c_sigma / d_sigma (||p_sigma|| / E||N|| - 1))
    this.#sigma *= exp(Math.min(1, (this.#cSigma / this.#dSigma) * (length / this.#chiN - 1)));

    // (45) p_c, held back while p_sigma is long
    const settled = 1 - (1 - this.#cSigma) ** (2 * this.#generation);
    const h = length / Math.sqrt(settled) < (1.4 + 2 / (n + 1)) * this.#chiN ? 1 : 0;
    const gainC = h * Math.sqrt(this.#cc * (2 - this.#cc) * this.#muEff);
    for (let i = 0; i < n; i++) this.#pathC[i] = (1 - this.#cc) * this.#pathC[i]! + gainC * step[i]!;

    // (47) C <- (1 - c_1 - c_mu) C + c_1 p_c p_c^T + c_mu sum w_i y_i y_i^T, with the loss of a held path made good
    const keep = 1 - this.#c1 - this.#cMu + (1 - h) * this.#c1 * this.#cc * (2 - this.#cc);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) {
        let rankMu = 0;
        for (const [r, w] of this.#weights.entries()) rankMu += w * steps[r]![i]! * steps[r]![j]!;
        const at = i * n + j;
        const value = keep * this.#covariance[at]! + this.#c1 * this.#pathC[i]! * this.#pathC[j]! + this.#cMu * rankMu;
        this.#covariance[at] = value;
        this.#covariance[j * n + i] = value;
      }
    }
    const { values, vectors } = symmetricEigen(this.#covariance, n);
    this.#basis = vectors;
    this.#scales = values.map((v) => Math.sqrt(Math.max(v, 1e-20)));
  }

  /** C^-1/2 y = B D^-1 B^T y */
  #whiten(y: Float64Array): Float64Array {
    const n = this.#n;
    const out = new Float64Array(n);
    for (let k = 0; k < n; k++) {
      let along = 0;
      for (let i = 0; i < n; i++) along += this.#basis[i * n + k]! * y[i]!;
      along /= this.#scales[k]!;
      for (let i = 0; i < n; i++) out[i] = out[i]! + this.#basis[i * n + k]! * along;
    }
    return out;
  }
}

export interface MinimizeOptions extends CmaEsOptions {
  /** Values to ask for at most, restarts included. */
  readonly maxEvaluations: number;
  /** Runs after the first, each with twice the population, from a random point. @default 0 */
  readonly restarts?: number;
  /** Called after each generation with the best value so far and the evaluations spent. */
  readonly onGeneration?: (best: number, evaluations: number) => void;
}

export interface Minimum {
  readonly x: number[];
  readonly value: number;
  readonly evaluations: number;
}

/**
 * The best point of a run and its restarts.
 * @param evaluate the values of a generation's points, in their order
 */
export async function minimize(
  evaluate: (points: readonly (readonly number[])[]) => Promise<readonly number[]> | readonly number[],
  options: MinimizeOptions,
): Promise<Minimum> {
  let best: Minimum | undefined;
  let evaluations = 0;
  for (let run = 0; run <= (options.restarts ?? 0); run++) {
    const strategy = startRun(options, run);
    while (evaluations + strategy.population <= options.maxEvaluations && !strategy.converged) {
      const points = strategy.ask();
      strategy.tell(await evaluate(points));
      evaluations += points.length;
      const found = strategy.best!;
      if (best === undefined || found.value < best.value) best = { ...found, evaluations };
      options.onGeneration?.(best.value, evaluations);
    }
  }
  if (best === undefined) throw new RangeError(`maxEvaluations ${options.maxEvaluations} is below one generation`);
  return { ...best, evaluations };
}

function startRun(options: MinimizeOptions, run: number): CmaEs {
  const key = foldIn(options.key, run);
  if (run === 0) return new CmaEs({ ...options, key });
  const random = new RandomStream(foldIn(key, 1));
  const start = options.lower.map((lower, i) => random.between(lower, options.upper[i]!));
  const population = (options.population ?? 4 + Math.floor(3 * log(start.length))) * 2 ** run;
  return new CmaEs({ ...options, start, population, key });
}
