/**
 * The alarm rule "w of the last W steps over the limit" as one number: the w-th largest of the last W scores is over a limit
 * exactly when w of them are. Calibrating this number calibrates the rule itself. Allocates nothing per step.
 */

export interface WindowRule {
  /** w: how many steps must be over the limit. */
  readonly over: number;
  /** W: of how many last ones. */
  readonly of: number;
}

export class AlarmWindow {
  /** Of the last steps, [1]: -inf until `over` steps have come, +inf as soon as a score was not finite. */
  readonly level = Float64Array.of(-Infinity);
  readonly #over: number;
  readonly #ring: Float64Array;
  /** The largest, falling, [over]. */
  readonly #largest: Float64Array;
  #at = 0;

  constructor({ over, of }: WindowRule) {
    this.#over = over;
    this.#ring = new Float64Array(of);
    this.#largest = new Float64Array(over);
    this.reset();
  }

  /** An episode begins. */
  reset(): void {
    this.#ring.fill(-Infinity);
    this.level[0] = -Infinity;
    this.#at = 0;
  }

  /** @param scores of this step at `index`: a number is not passed, which would be allocated */
  push(scores: Float64Array, index: number): void {
    const score = scores[index]!;
    if (!(score < Infinity) || this.level[0] === Infinity) {
      // Neither a NaN nor an overflow is a score to wait for the next one.
      this.level[0] = Infinity;
      return;
    }
    const largest = this.#largest;
    const ring = this.#ring;
    ring[this.#at] = score;
    this.#at = (this.#at + 1) % ring.length;
    largest.fill(-Infinity);
    for (let i = 0; i < ring.length; i++) {
      let value = ring[i]!;
      for (let k = 0; k < largest.length && value > -Infinity; k++) {
        if (value <= largest[k]!) continue;
        const next = largest[k]!;
        largest[k] = value;
        value = next;
      }
    }
    this.level[0] = largest[this.#over - 1]!;
  }
}
