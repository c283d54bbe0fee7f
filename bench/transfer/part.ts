/** A part of the transfer benchmark: one kind of evidence, with its own seeds, arms and table. Knows no command line. */

export interface TransferOptions {
  /** How many, counted from 1. */
  readonly seeds: number;
  /** Worker threads; 0: one a core. */
  readonly workers: number;
  /** Where what was trained is kept, so that a second call judges again without training again. */
  readonly directory: string;
  readonly onProgress: (text: string) => void;
}

export interface TransferFigures {
  /** What `--json` prints under the part's name. */
  readonly json: Readonly<Record<string, unknown>>;
  /** The same as Markdown tables, as docs/results.md keeps them. */
  readonly table: string;
}

export interface TransferPart {
  readonly name: string;
  readonly doc: string;
  /** Unless the caller says otherwise. */
  readonly seeds: number;
  /** @throws InputError where the part needs recordings that are not there, naming them */
  run(options: TransferOptions): Promise<TransferFigures>;
}
