/**
 * The figures of part `twin`, from what its study measured: retention, recovery by arm, sample efficiency, forgetting, harm,
 * regret, the negative controls and the protocol's lines. Arithmetic alone: knows no policy and no simulator.
 */

import { keyOf } from '../../core/rng.ts';
import { mean } from '../../policy/evaluate.ts';
import {
  type Curve,
  efficiencyRatio,
  forgetting,
  LEAST_GAP,
  negativeTransfer,
  normalised,
  type Ratio,
  recovery,
} from './metrics.ts';
import { type SelectorFigures, selectorFigures } from './selector-figures.ts';
import {
  cvar,
  type Estimate,
  iqmOf,
  median,
  mmrv,
  pairedDifference,
  pearson,
  probabilityOfImprovement,
  stratifiedBootstrap,
} from './statistics.ts';
import type { Recovered, SourceName, TaskStudy, ZeroShot } from './study-rows.ts';

const KEY = keyOf(71);
/** Of the oracle: where a policy counts as having learned the target. */
const THRESHOLD = 0.8;

/** By arm, then by the number of episodes. */
type ByArm<T> = Record<string, Record<string, T>>;

export interface TwinFigures {
  readonly seeds: number;
  readonly evalEpisodes: number;
  /** Interquartile mean of J~(pi_0) over the test targets and seeds; strata are targets. */
  readonly retention: number;
  readonly ci95: readonly [number, number];
  readonly targets: Readonly<Record<string, TargetFigures>>;
  readonly randomisation: {
    readonly randomised: Estimate;
    readonly fixed: Estimate;
    /** Randomised minus fixed, paired by target and seed. */
    readonly difference: ReturnType<typeof pairedDifference>;
    readonly probabilityOfImprovement: number;
  };
  /** Median of R@N over the cells (target, seed) with a gap. */
  readonly recovery: ByArm<number>;
  readonly recoveryCi95: ByArm<readonly [number, number]>;
  /** Cells with a gap, for each number of episodes. */
  readonly gapCells: Readonly<Record<string, number>>;
  /** The same after the roll-back, and how often the judge accepted. */
  readonly kept: ByArm<number>;
  readonly accepted: ByArm<number>;
  /** Episodes that scratch needs over the arm's: at least, 0 where the arm was never there; and how the cells were cut. */
  readonly efficiency: Readonly<
    Record<string, { median: number; ci95: readonly [number, number]; cells: Readonly<Record<Ratio['bound'], number>> }>
  >;
  readonly forgetting: ByArm<number>;
  /** The worst cell; above 0 is harm. `zero` after the roll-back. */
  readonly negativeTransfer: ByArm<{
    readonly zero: number;
    readonly zeroUnjudged: number;
    readonly scratch: number | null;
  }>;
  /** Mean normalised return of the worst tenth of the episodes. */
  readonly tail: Readonly<Record<string, number>>;
  readonly predictivity: { readonly policies: number; readonly pearson: number; readonly mmrv: number };
  readonly selector: SelectorFigures;
  readonly controls: {
    /** On the simulator itself: retention, and the change by each arm, before and after the roll-back. */
    readonly sourceIsTarget: {
      readonly retention: number;
      readonly change: Readonly<Record<string, number>>;
      readonly kept: Readonly<Record<string, number>>;
    };
    /** A source whose weights were shuffled: its retention on the test targets, and what the arms make of it. */
    readonly shuffled: { readonly retention: number; readonly afterArm: Readonly<Record<string, number>> };
  };
  readonly lines: Readonly<Record<string, { readonly holds: boolean | null; readonly found: string }>>;
}

export interface TargetFigures {
  readonly kind: string;
  readonly random: number;
  readonly oracle: number;
  readonly retention: number;
  readonly fixed: number;
  readonly success: number;
  readonly recovery: ByArm<number>;
}

/** @param first the number of episodes that the lines are drawn at */
export function twinFigures(study: TaskStudy, first = study.size.budgets[0]!): TwinFigures {
  const tests = study.targets.filter(({ kind, name }) => kind !== 'source' && name !== 'twin');
  const score = (one: { readonly target: string; readonly returns: readonly number[] }) =>
    normalised(mean(one.returns), study.references[one.target]!);
  const zeros = (target: string, source: SourceName) =>
    study.zeroShot.filter((one) => one.target === target && one.source === source);
  const strata = (source: SourceName) => tests.map(({ name }) => zeros(name, source).map(score));
  const zeroOf = ({ target, seed, source }: Pick<Recovered, 'target' | 'seed' | 'source'>) =>
    score(zeros(target, source).find((one) => one.seed === seed)!);
  const isTest = ({ target }: Recovered) => tests.some(({ name }) => name === target);
  const own = study.recovered.filter((one) => one.source === 'randomised');
  const cells = own.filter((one) => isTest(one) && recovery(1, zeroOf(one)) !== null);
  const keptScore = (one: Recovered) => (one.accepted === false ? zeroOf(one) : score(one));

  const randomised = iqmOf(strata('randomised'), KEY);
  const fixed = iqmOf(strata('fixed'), KEY);
  const recoveredBy = (one: Recovered, value = score(one)) => recovery(value, zeroOf(one))!;
  const efficiency = efficiencies(cells, zeroOf, score);
  const lost = byArm(own, (rows) => median(rows.map((one) => forgettingOf(one, study))));
  const recoveries = byArm(cells, (rows) => median(rows.map((one) => recoveredBy(one))));
  const harm = byArm(own, (rows) => worstHarm(rows, own, zeroOf, score, keptScore));
  const atHome = own.filter(({ target }) => target === 'source');
  const sourceIsTarget = {
    retention: median(zeros('source', 'randomised').map(score)),
    change: onlyArm(atHome, (rows) => median(rows.map((one) => score(one) - zeroOf(one)))),
    kept: onlyArm(atHome, (rows) => median(rows.map((one) => keptScore(one) - zeroOf(one)))),
  };
  const selector = selectorFigures(study, cells, score, zeroOf);

  return {
    seeds: study.size.seeds,
    evalEpisodes: study.size.evalEpisodes,
    retention: randomised.value,
    ci95: randomised.ci95,
    targets: Object.fromEntries(
      study.targets.map(({ name, kind }) => [
        name,
        {
          kind,
          ...study.references[name]!,
          retention: median(zeros(name, 'randomised').map(score)),
          fixed: median(zeros(name, 'fixed').map(score)),
          success: mean(zeros(name, 'randomised').map(({ success }) => success)),
          recovery: byArm(
            cells.filter(({ target }) => target === name),
            (rows) => median(rows.map((one) => recoveredBy(one))),
          ),
        },
      ]),
    ),
    randomisation: {
      randomised,
      fixed,
      difference: pairedDifference(strata('fixed').flat(), strata('randomised').flat(), KEY),
      probabilityOfImprovement: mean(
        tests.map(({ name }) =>
          probabilityOfImprovement(zeros(name, 'randomised').map(score), zeros(name, 'fixed').map(score)),
        ),
      ),
    },
    recovery: recoveries,
    recoveryCi95: byArm(cells, (rows) => medianInterval(rows, (one) => recoveredBy(one))),
    gapCells: Object.fromEntries(
      study.size.budgets.map((n) => [
        n,
        new Set(cells.filter((c) => c.episodes === n).map((c) => `${c.target} ${c.seed}`)).size,
      ]),
    ),
    kept: byArm(cells, (rows) => median(rows.map((one) => recoveredBy(one, keptScore(one))))),
    accepted: byArm(
      own.filter(({ accepted }) => accepted !== null),
      (rows) => mean(rows.map(({ accepted }) => Number(accepted))),
    ),
    efficiency,
    forgetting: lost,
    negativeTransfer: harm,
    tail: tails(
      study,
      tests.map(({ name }) => name),
      own,
      first,
    ),
    predictivity: predictivityOf(study, strata),
    selector,
    controls: {
      sourceIsTarget,
      shuffled: {
        retention: iqmOf(strata('shuffled'), KEY).value,
        afterArm: onlyArm(
          study.recovered.filter(({ source }) => source === 'shuffled'),
          (rows) => median(rows.map(score)),
        ),
      },
    },
    lines: {
      A1: line(median(strata('randomised').flat()), (zr) => zr >= 0.2 && zr <= 0.8, 'median retention'),
      A2: bestArm(cells, first, recoveries, recoveredBy),
      A3: ratioLine(efficiency),
      A4: harmLine(harm),
      A5: forgettingLine(lost),
      A7: regretLine(selector),
      'B = A': sameLine(sourceIsTarget),
    },
  };
}

function line(value: number, holds: (value: number) => boolean, what: string) {
  return { holds: Number.isNaN(value) ? null : holds(value), found: `${what} ${value.toFixed(2)}` };
}

function byArm<T>(rows: readonly Recovered[], figure: (rows: readonly Recovered[]) => T): ByArm<T> {
  const out: ByArm<T> = {};
  for (const { arm, episodes } of rows) {
    out[arm] ??= {};
    out[arm][episodes] ??= figure(rows.filter((one) => one.arm === arm && one.episodes === episodes));
  }
  return out;
}

function onlyArm(rows: readonly Recovered[], figure: (rows: readonly Recovered[]) => number): Record<string, number> {
  const arms = [...new Set(rows.map(({ arm }) => arm))];
  return Object.fromEntries(arms.map((arm) => [arm, figure(rows.filter((one) => one.arm === arm))]));
}

/** Of the median over cells; strata are targets. */
function medianInterval(rows: readonly Recovered[], value: (one: Recovered) => number): readonly [number, number] {
  const targets = [...new Set(rows.map(({ target }) => target))];
  const strata = targets.map((name) => rows.filter(({ target }) => target === name).map(value));
  return stratifiedBootstrap(strata, (all) => median(all.flat()), KEY).ci95;
}

type Scored = (one: Recovered) => number;

/** Curves of one cell against learning from nothing there. */
function efficiencies(cells: readonly Recovered[], zeroOf: Scored, score: Scored): TwinFigures['efficiency'] {
  const ratios: Record<string, Ratio[]> = {};
  for (const scratch of groups(cells.filter(({ arm }) => arm === 'scratch'))) {
    const { target, seed } = scratch[0]!;
    const here = cells.filter((one) => one.target === target && one.seed === seed && one.arm !== 'scratch');
    for (const transfer of groups(here)) {
      const { arm } = transfer[0]!;
      ratios[arm] ??= [];
      // What knows nothing scores as random actions do.
      ratios[arm].push(
        efficiencyRatio(curveOf(scratch, 0, score), curveOf(transfer, zeroOf(transfer[0]!), score), THRESHOLD),
      );
    }
  }
  return Object.fromEntries(
    Object.entries(ratios).map(([arm, all]) => {
      const cellsOf = (bound: Ratio['bound']) => all.filter((one) => one.bound === bound).length;
      return [
        arm,
        {
          median: median(all.map(least)),
          ci95: stratifiedBootstrap([all.map(least)], ([ratios]) => median(ratios!), KEY).ci95,
          cells: { '=': cellsOf('='), '>=': cellsOf('>='), '<=': cellsOf('<='), unknown: cellsOf('unknown') },
        },
      ];
    }),
  );
}

/** What a ratio is at least: what never got there has no advantage to show. */
function least({ ratio, bound }: Ratio): number {
  return bound === '=' || bound === '>=' ? ratio : 0;
}

function groups(rows: readonly Recovered[]): Recovered[][] {
  const name = ({ target, seed, arm }: Recovered) => `${target} ${seed} ${arm}`;
  return [...new Set(rows.map(name))].map((group) => rows.filter((one) => name(one) === group));
}

function curveOf(rows: readonly Recovered[], start: number, score: Scored): Curve {
  const points = rows.map((one) => ({ spent: one.episodes, score: score(one) }));
  return [{ spent: 0, score: start }, ...points.sort((a, b) => a.spent - b.spent)];
}

function forgettingOf(one: Recovered, { home, homeRandom }: TaskStudy): number {
  return forgetting(home[one.seed - 1]!, one.home, homeRandom);
}

function worstHarm(rows: readonly Recovered[], all: readonly Recovered[], zeroOf: Scored, score: Scored, kept: Scored) {
  const harms = rows.map((one) => {
    const scratch = all.find(
      ({ arm, target, seed, episodes }) =>
        arm === 'scratch' && target === one.target && seed === one.seed && episodes === one.episodes,
    );
    return {
      ...negativeTransfer(kept(one), zeroOf(one), scratch === undefined ? -Infinity : score(scratch)),
      unjudged: zeroOf(one) - score(one),
    };
  });
  const scratch = Math.max(...harms.map((harm) => harm.scratch));
  return {
    zero: Math.max(...harms.map((harm) => harm.zero)),
    zeroUnjudged: Math.max(...harms.map((harm) => harm.unjudged)),
    scratch: Number.isFinite(scratch) ? scratch : null,
  };
}

function tails(study: TaskStudy, tests: readonly string[], own: readonly Recovered[], first: number) {
  const pooled = (rows: readonly (ZeroShot | Recovered)[]) =>
    cvar(rows.flatMap((one) => one.returns.map((value) => normalised(value, study.references[one.target]!))));
  const tested = (one: { readonly target: string }) => tests.includes(one.target);
  const sources = (['randomised', 'fixed'] as const).map((name) => [
    name,
    pooled(study.zeroShot.filter((one) => tested(one) && one.source === name)),
  ]);
  const rows = own.filter((one) => tested(one) && one.episodes === first);
  return Object.fromEntries([...sources, ...Object.entries(byArm(rows, pooled)).map(([arm, at]) => [arm, at[first]])]);
}

/** How well the simulator ranks policies for the test targets: every source, randomised, fixed and shuffled. */
function predictivityOf(study: TaskStudy, strata: (source: SourceName) => readonly (readonly number[])[]) {
  const names = ['randomised', 'fixed', 'shuffled'] as const;
  const real = names.flatMap((name) => {
    const all = strata(name);
    return (all[0] ?? []).map((_, seed) => mean(all.map((seeds) => seeds[seed]!)));
  });
  const sim = names.flatMap((name) =>
    study.zeroShot.filter((one) => one.target === 'source' && one.source === name).map(({ returns }) => mean(returns)),
  );
  return { policies: real.length, pearson: pearson(sim, real), mmrv: mmrv({ real, sim }) };
}

/** Chosen after seeing: the arm with the highest median at N. A cell is a target; its interval is over the seeds, by t. */
function bestArm(
  cells: readonly Recovered[],
  first: number,
  recoveries: ByArm<number>,
  recoveredBy: (one: Recovered) => number,
) {
  const at = Object.entries(recoveries).flatMap(([arm, by]) =>
    arm === 'scratch' || by[first] === undefined ? [] : [[arm, by[first]] as const],
  );
  if (at.length === 0) return { holds: null, found: `no target with a gap of ${LEAST_GAP}` };
  const [best, middle] = at.reduce((a, b) => (b[1] > a[1] ? b : a));
  const rows = cells.filter((one) => one.arm === best && one.episodes === first);
  const targets = [...new Set(rows.map(({ target }) => target))];
  const clear = targets.filter((name) => {
    const values = rows.filter(({ target }) => target === name).map((one) => recoveredBy(one));
    return (
      pairedDifference(
        values.map(() => 0),
        values,
        KEY,
      ).t95[0] > 0
    );
  });
  return {
    holds: clear.length >= 0.7 * targets.length && middle >= 0.3,
    found: `best arm ${best}: median R@${first} ${middle.toFixed(2)}, interval above 0 on ${clear.length} of ${targets.length} targets`,
  };
}

/** Of the arms that promise not to forget. */
function forgettingLine(lost: ByArm<number>) {
  const values = ['head', 'lora', 'l2sp'].flatMap((arm) =>
    Object.entries(lost[arm] ?? {}).map(([n, value]) => ({ arm, n, value })),
  );
  if (values.length === 0) return { holds: null, found: 'no such arm' };
  const { arm, n, value } = values.reduce((a, b) => (b.value > a.value ? b : a));
  return { holds: value <= 0.1, found: `worst median ${value.toFixed(2)}: ${arm} at ${n}` };
}

function ratioLine(efficiency: TwinFigures['efficiency']) {
  const arms = Object.entries(efficiency);
  if (arms.length === 0) return { holds: null, found: 'nothing learned from scratch to compare with' };
  const [arm, { median: middle, ci95, cells }] = arms.reduce((a, b) => (b[1].median > a[1].median ? b : a));
  const never = cells['<='] + cells.unknown;
  const found = `best arm ${arm}: median ${middle.toFixed(1)} (${ci95[0].toFixed(1)} to ${ci95[1].toFixed(1)}), ${cells['>=']} cells a lower bound, ${never} never there`;
  return { holds: middle >= 3 && ci95[0] > 1, found };
}

function regretLine({ cells, report }: SelectorFigures) {
  if (report === null) return { holds: null, found: 'no cell in which every strategy was tried' };
  const rivals = Object.entries(report.always).map(([name, one]) => `${name} ${one.regret.toFixed(2)}`);
  const found = `regret ${report.regret.toFixed(2)} over ${cells.length} cells, always one: ${rivals.join(', ')}`;
  return { holds: report.isClaimed, found };
}

/** The negative control: where nothing differs there is no gap, and no arm loses. */
function sameLine({ retention, kept }: TwinFigures['controls']['sourceIsTarget']) {
  const worst = Math.min(0, ...Object.values(kept));
  return {
    holds: 1 - retention < LEAST_GAP && worst >= -0.02,
    found: `retention ${retention.toFixed(2)}, worst change that was kept ${worst.toFixed(3)}`,
  };
}

function harmLine(harm: TwinFigures['negativeTransfer']) {
  const judged = Object.entries(harm).filter(([arm]) => arm !== 'scratch' && arm !== 'rlpd');
  const worst = judged.flatMap(([arm, by]) =>
    Object.entries(by).map(([n, { zero, scratch }]) => ({ arm, n, value: Math.max(zero, scratch ?? -Infinity) })),
  );
  if (worst.length === 0) return { holds: null, found: 'nothing was judged' };
  const { arm, n, value } = worst.reduce((a, b) => (b.value > a.value ? b : a));
  return { holds: value <= 0.02, found: `worst ${value.toFixed(2)}: ${arm} at ${n}` };
}
