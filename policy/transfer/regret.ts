/**
 * Judges a selector: how much return its choices left on the table, against always choosing the same, choosing at random and
 * knowing the answer. The unit is the cell, one shift with one amount of data. Knows no strategy.
 */

import { foldIn, type Key } from '../../core/rng.ts';
import { bootstrapMean } from '../evaluate.ts';

export interface RegretCell {
  /** Which shift, how many episodes. */
  readonly name: string;
  /** Return of each strategy, on episodes that chose nothing. The same strategies in every cell, and comparable scales. */
  readonly scores: Readonly<Record<string, number>>;
  readonly selected: string;
}

export interface RivalRegret {
  readonly regret: number;
  /** Mean of the rival's regret less the selector's, and its 95% bootstrap interval over cells: above 0, the selector wins. */
  readonly difference: number;
  readonly ci95: readonly [number, number];
}

export interface RegretReport {
  readonly cells: number;
  /** Mean of max_s J_s - J_selected. The best of several noisy scores is too good: so is every regret here too large. */
  readonly regret: number;
  readonly ci95: readonly [number, number];
  /** Share of the cells in which the best strategy was selected. */
  readonly hits: number;
  /** Always one strategy, by its name. */
  readonly always: Readonly<Record<string, RivalRegret>>;
  /** One drawn at random in each cell. */
  readonly random: RivalRegret;
  /** Enough cells, and every interval of `always` above 0. */
  readonly isClaimed: boolean;
}

/** Fewer cells than this support no claim. */
export const LEAST_CELLS = 20;

/**
 * @param key of the bootstrap
 * @throws RangeError without cells, or when a cell lacks a strategy that another has
 */
export function regret(cells: readonly RegretCell[], key: Key): RegretReport {
  const names = Object.keys(cells[0]?.scores ?? {});
  if (names.length === 0) throw new RangeError('expected at least one cell with scores, found none');
  for (const { name, scores, selected } of cells) {
    const found = Object.keys(scores);
    if (found.length !== names.length || !names.every((strategy) => Object.hasOwn(scores, strategy))) {
      throw new RangeError(`cell ${name}: expected scores of ${names.join(', ')}, found ${found.join(', ')}`);
    }
    if (!Object.hasOwn(scores, selected))
      throw new RangeError(`cell ${name}: selected ${selected}, which has no score`);
  }
  const best = cells.map(({ scores }) => Math.max(...Object.values(scores)));
  const ours = cells.map(({ scores, selected }, i) => best[i]! - scores[selected]!);
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const against = (theirs: readonly number[], purpose: number): RivalRegret => {
    const differences = theirs.map((value, i) => value - ours[i]!);
    return {
      regret: mean(theirs),
      difference: mean(differences),
      ci95: bootstrapMean(differences, 0.95, foldIn(key, purpose)),
    };
  };
  const always = Object.fromEntries(
    names.map((strategy, k) => [
      strategy,
      against(
        cells.map(({ scores }, i) => best[i]! - scores[strategy]!),
        k + 2,
      ),
    ]),
  );
  return {
    cells: cells.length,
    regret: mean(ours),
    ci95: bootstrapMean(ours, 0.95, foldIn(key, 0)),
    hits: ours.filter((value) => value === 0).length / cells.length,
    always,
    random: against(
      cells.map(({ scores }, i) => best[i]! - mean(Object.values(scores))),
      1,
    ),
    isClaimed: cells.length >= LEAST_CELLS && Object.values(always).every(({ ci95 }) => ci95[0] > 0),
  };
}
