/**
 * A small network that learns the log of a ratio of two densities by telling their samples apart (Sugiyama et al. 2012): a
 * linear part and one hidden layer beside it, both zero at the start, so that what the data does not support stays zero.
 * Adam on the log loss, Gaussian noise on the inputs in training, and of all steps the one that is best on rows held out.
 */

import { exp, log } from '../../core/math.ts';
import { foldIn, type Key, RandomStream } from '../../core/rng.ts';

export interface LogRatioSettings {
  readonly hidden: number;
  readonly steps: number;
  /** Rows a step, half of each side. */
  readonly batch: number;
  /** Falls linearly to 0. */
  readonly learningRate: number;
  /** Standard deviation of the noise on the standardised inputs. */
  readonly noise: number;
  /** Of the weights, per unit of learning rate (Loshchilov & Hutter 2019). */
  readonly decay: number;
}

/** Rows of one side with what is known of their log ratio already. */
export interface Side {
  /** [n, dim], standardised. */
  readonly rows: Float64Array;
  /** Added to the network's logit, [n]. */
  readonly offset: Float64Array;
}

/** Parameter steps between two looks at the held-out rows. */
const LOOK_EVERY = 50;

export class LogRatioNetwork {
  readonly #dim: number;
  readonly #hidden: number;
  /** Linear [dim], bias [1], output [hidden], then W [hidden, dim] and b [hidden]. */
  #parameters: Float64Array;
  readonly #activation: Float64Array;

  constructor(dim: number, hidden: number, key: Key) {
    this.#dim = dim;
    this.#hidden = hidden;
    this.#activation = new Float64Array(hidden);
    const random = new RandomStream(key);
    // The output layer is zero: so is the network.
    const first = dim + 1 + hidden;
    this.#parameters = Float64Array.from({ length: first + hidden * (dim + 1) }, (_, i) =>
      i < first ? 0 : random.normal() / Math.sqrt(dim),
    );
  }

  /** @param rows [n, dim], row `at` is read */
  logRatio(rows: Float64Array, at: number): number {
    const p = this.#parameters;
    const dim = this.#dim;
    const hidden = this.#hidden;
    let out = p[dim]!;
    const from = at * dim;
    for (let k = 0; k < dim; k++) out += p[k]! * rows[from + k]!;
    const weights = dim + 1 + hidden;
    const biases = weights + hidden * dim;
    for (let h = 0; h < hidden; h++) {
      let sum = p[biases + h]!;
      for (let k = 0, w = weights + h * dim; k < dim; k++) sum += p[w + k]! * rows[from + k]!;
      // softsign: no call a unit
      const y = sum / (1 + Math.abs(sum));
      this.#activation[h] = y;
      out += p[dim + 1 + h]! * y;
    }
    return out;
  }

  /**
   * Learn log p_high(x) / p_low(x) less the rows' offsets.
   * @param heldLow,heldHigh rows that choose the step to keep; the untrained network, which says 0, is among the choices
   */
  fit(low: Side, high: Side, heldLow: Side, heldHigh: Side, settings: LogRatioSettings, key: Key): void {
    const { steps, batch, learningRate, noise, decay } = settings;
    const dim = this.#dim;
    const size = this.#parameters.length;
    const gradient = new Float64Array(size);
    const [m, v] = [new Float64Array(size), new Float64Array(size)];
    const random = new RandomStream(foldIn(key, 1));
    const row = new Float64Array(dim);
    const half = Math.max(1, batch >> 1);
    let best = this.#parameters.slice();
    let bestLoss = this.loss(heldLow, heldHigh);
    for (let step = 1; step <= steps; step++) {
      gradient.fill(0);
      for (const [label, side] of [low, high].entries()) {
        const count = side.offset.length;
        for (let b = 0; b < half; b++) {
          const i = random.below(count);
          for (let k = 0; k < dim; k++) row[k] = side.rows[i * dim + k]! + noise * random.normal();
          const logit = this.logRatio(row, 0) + side.offset[i]!;
          // d loss / d logit = p - label, halved: the mean over both sides
          this.#accumulate(row, (1 / (1 + exp(-logit)) - label) / (2 * half), gradient);
        }
      }
      const rate = learningRate * (1 - (step - 1) / steps);
      for (let i = 0; i < size; i++) {
        m[i] = 0.9 * m[i]! + 0.1 * gradient[i]!;
        v[i] = 0.999 * v[i]! + 0.001 * gradient[i]! ** 2;
        const change = m[i]! / (1 - 0.9 ** step) / (Math.sqrt(v[i]! / (1 - 0.999 ** step)) + 1e-8);
        this.#parameters[i] = this.#parameters[i]! - rate * (change + decay * this.#parameters[i]!);
      }
      if (step % LOOK_EVERY === 0 || step === steps) {
        const loss = this.loss(heldLow, heldHigh);
        if (loss < bestLoss) {
          bestLoss = loss;
          best = this.#parameters.slice();
        }
      }
    }
    this.#parameters = best;
  }

  /** Mean of both sides' log losses, nats. */
  loss(low: Side, high: Side): number {
    let total = 0;
    for (const [sign, { rows, offset }] of [
      [1, low],
      [-1, high],
    ] as const) {
      let sum = 0;
      for (let i = 0; i < offset.length; i++) {
        const logit = sign * (this.logRatio(rows, i) + offset[i]!);
        // log(1 + e^x) without overflow
        sum += Math.max(0, logit) + log(1 + exp(-Math.abs(logit)));
      }
      total += sum / offset.length / 2;
    }
    return total;
  }

  /** Add `slope` times the gradient of the last `logRatio(row, 0)`. */
  #accumulate(row: Float64Array, slope: number, gradient: Float64Array): void {
    const p = this.#parameters;
    const dim = this.#dim;
    const hidden = this.#hidden;
    for (let k = 0; k < dim; k++) gradient[k] = gradient[k]! + slope * row[k]!;
    gradient[dim] = gradient[dim]! + slope;
    const weights = dim + 1 + hidden;
    const biases = weights + hidden * dim;
    for (let h = 0; h < hidden; h++) {
      const y = this.#activation[h]!;
      gradient[dim + 1 + h] = gradient[dim + 1 + h]! + slope * y;
      // d/dx x / (1 + |x|) = (1 - |y|)^2
      const inner = slope * p[dim + 1 + h]! * (1 - Math.abs(y)) ** 2;
      gradient[biases + h] = gradient[biases + h]! + inner;
      for (let k = 0, w = weights + h * dim; k < dim; k++) gradient[w + k] = gradient[w + k]! + inner * row[k]!;
    }
  }
}
