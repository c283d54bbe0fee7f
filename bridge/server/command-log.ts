/** Every command the robot was sent, and what became of it: what tests and a person ask a robot afterwards. */

/** `stale`: its stamp was older than the watchdog allows. */
export type CommandVerdict = 'taken' | 'stale' | 'refused';

export interface CommandRecord {
  /** When it arrived and when it says it was made, s since 1970 on the server's and the sender's clock. */
  readonly arrival: number;
  /** null where the message type has none. */
  readonly stamp: number | null;
  /** Effort per joint, N m, in the robot's order; null where the message made no sense, or is not about efforts. */
  readonly effort: readonly number[] | null;
  /** Position and velocity per joint, where the message is about them. */
  readonly q?: readonly number[];
  readonly qd?: readonly number[];
  readonly verdict: CommandVerdict;
  /** Why it was not taken. */
  readonly reason?: string;
}

/** Records kept; older ones are forgotten, the counts go on. */
const CAPACITY = 100_000;

export class CommandLog {
  readonly counts: Record<CommandVerdict, number> = { taken: 0, stale: 0, refused: 0 };
  readonly #sink: ((record: CommandRecord) => void) | undefined;
  #records: CommandRecord[] = [];

  /** @param sink also gets every record */
  constructor(sink?: (record: CommandRecord) => void) {
    this.#sink = sink;
  }

  /** The newest ones, oldest first. */
  get records(): readonly CommandRecord[] {
    return this.#records;
  }

  add(record: CommandRecord): void {
    this.counts[record.verdict]++;
    if (this.#records.length === CAPACITY) this.#records = this.#records.slice(CAPACITY / 2);
    this.#records.push(record);
    this.#sink?.(record);
  }

  clear(): void {
    this.#records = [];
    this.counts.taken = this.counts.stale = this.counts.refused = 0;
  }
}
