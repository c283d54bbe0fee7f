/**
 * What the selector of policy/transfer/selector.ts would have chosen in each cell of the recovery study, and what that cost: its
 * regret against every fixed strategy. It is told what can be measured without trying an arm.
 */

import { keyOf } from '../../core/rng.ts';
import { type RegretCell, type RegretReport, regret } from '../../policy/transfer/regret.ts';
import { type Strategy, selectStrategy } from '../../policy/transfer/selector.ts';
import type { CellFacts, Recovered, TaskStudy } from './study-rows.ts';

/** The arm of the study that stands for a strategy. */
const ARM_OF: Readonly<Record<Strategy, string>> = {
  none: 'none',
  scratch: 'scratch',
  head: 'head',
  identify: 'full',
  full: 'l2sp',
  replay: 'rlpd',
};

export interface SelectorFigures {
  readonly cells: readonly RegretCell[];
  /** Null without a cell in which every strategy was tried. */
  readonly report: RegretReport | null;
}

/** @param score,zeroOf normalised, of an arm and of the policy as it was */
export function selectorFigures(
  { facts, headParameters }: TaskStudy,
  rows: readonly Recovered[],
  score: (one: Recovered) => number,
  zeroOf: (one: Recovered) => number,
): SelectorFigures {
  const home = new Map(facts.filter(({ target }) => target === 'source').map((one) => [one.seed, one.nominalError]));
  const cells = facts.flatMap((fact): RegretCell[] => {
    const here = rows.filter((one) => nameOf(one) === nameOf(fact));
    const scores = Object.fromEntries(here.map((one) => [one.arm, score(one)]));
    if (here.length === 0 || !Object.values(ARM_OF).every((arm) => arm === 'none' || arm in scores)) return [];
    const none = zeroOf(here[0]!);
    return [
      {
        name: nameOf(fact),
        scores: { none, ...scores },
        selected: selected(fact, headParameters, none, home.get(fact.seed)),
      },
    ];
  });
  return { cells, report: cells.length === 0 ? null : regret(cells, keyOf(72)) };
}

function nameOf({ target, seed, episodes }: Pick<Recovered, 'target' | 'seed' | 'episodes'>): string {
  return `${target} seed ${seed} N ${episodes}`;
}

/** @param retention that the recorded episodes showed @param home the simulator's error on its own episodes */
function selected(fact: CellFacts, headParameters: number, retention: number, home: number | undefined): string {
  const { strategy } = selectStrategy({
    episodes: fact.learned,
    effectiveSteps: fact.effectiveSteps,
    headParameters,
    dynamicsZ: null,
    openLoopRatio: home === undefined ? null : fact.nominalError / home,
    retention,
  });
  return ARM_OF[strategy];
}
