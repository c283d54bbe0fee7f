/**
 * Readings on their way, each with the time it was taken. What comes out is a reading as it was taken, never a mix of two:
 * the newest that is at least the latency old. Allocates only until it holds as many as the latency spans.
 */

/** Times are sums of steps: a reading due within a microsecond is due, s. */
export const TIME_SLACK = 1e-6;

export class DelayLine {
  readonly #size: number;
  readonly #latency: number;
  /** A ring: `#count` readings from `#oldest` on. */
  #slots: Float64Array[];
  #times: Float64Array;
  #oldest = 0;
  #count = 0;

  /** @param size numbers in a reading @param latency s */
  constructor(size: number, latency: number) {
    this.#size = size;
    this.#latency = latency;
    this.#slots = [new Float64Array(size), new Float64Array(size)];
    this.#times = new Float64Array(2);
  }

  clear(): void {
    this.#oldest = 0;
    this.#count = 0;
  }

  /** @param time when the reading was taken, s; not before the last one's */
  push(reading: Float64Array, time: number): void {
    if (this.#count === this.#slots.length) this.#grow();
    const slot = (this.#oldest + this.#count) % this.#slots.length;
    this.#slots[slot]!.set(reading);
    this.#times[slot] = time;
    this.#count++;
  }

  /**
   * The newest reading that is at least the latency old at `time`; the first of all while there is none so old. Not to be
   * kept. Of no use before the first push.
   */
  newest(time: number): Float64Array {
    const due = time - this.#latency + TIME_SLACK;
    while (this.#count > 1) {
      const next = (this.#oldest + 1) % this.#slots.length;
      if (this.#times[next]! > due) break;
      this.#oldest = next;
      this.#count--;
    }
    return this.#slots[this.#oldest]!;
  }

  #grow(): void {
    const { length } = this.#slots;
    const order = Array.from({ length }, (_, i) => (this.#oldest + i) % length);
    const times = new Float64Array(2 * length);
    times.set(order.map((slot) => this.#times[slot]!));
    this.#times = times;
    const fresh = order.map(() => new Float64Array(this.#size));
    this.#slots = [...order.map((slot) => this.#slots[slot]!), ...fresh];
    this.#oldest = 0;
  }
}
