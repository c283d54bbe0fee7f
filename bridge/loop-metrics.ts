/** How punctual a control loop was. Plain numbers; knows no loop. */

export interface LoopMetrics {
  /** Ticks while a policy ran. */
  readonly ticks: number;
  /** 99th percentile and largest |time between ticks - period|, ms. */
  readonly periodP99Ms: number;
  readonly periodMaxMs: number;
  /** From a state's arrival to its command's leaving, ms. */
  readonly latencyP50Ms: number;
  readonly latencyP99Ms: number;
  readonly latencyMaxMs: number;
  /** Deadlines that passed while the loop was late by more than a period. */
  readonly missedDeadlines: number;
  /** Ticks without a new state: nothing was sent in them. */
  readonly missedStates: number;
}

/** Samples in order of arrival, in memory that grows by doubling. */
export class Samples {
  #values = new Float64Array(4096);
  #count = 0;

  add(value: number): void {
    if (this.#count === this.#values.length) {
      const larger = new Float64Array(2 * this.#count);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#count++] = value;
  }

  get count(): number {
    return this.#count;
  }

  /** Nearest-rank percentile. @param share in (0, 1] @returns NaN without samples */
  percentile(share: number): number {
    if (this.#count === 0) return NaN;
    const sorted = this.#values.slice(0, this.#count).sort();
    return sorted[Math.max(0, Math.ceil(share * this.#count) - 1)]!;
  }
}
