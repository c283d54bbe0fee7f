/** Part `tasks`: the body of one task's policy reused for another task, in control steps against learning from nothing. */

import { keyOf } from '../../core/rng.ts';
import { type Curve, efficiencyRatio, forwardTransfer, type Ratio } from './metrics.ts';
import type { TransferPart } from './part.ts';
import { type LearningRun, studyPair, type TaskPair } from './reuse-study.ts';
import { median, stratifiedBootstrap } from './statistics.ts';
import { table } from './twin-table.ts';

const CHEAP: readonly TaskPair[] = [
  // The same robot for another reward: torque six times as dear. At twenty times scratch does not swing up within its budget.
  { name: 'pendulum-to-thrifty-pendulum', from: 'pendulum', to: 'pendulum', overrides: ['reward.torque=-0.3'] },
  { name: 'cartpole-balance-to-swingup', from: 'cartpole-balance', to: 'cartpole-swingup' },
];

/** Hours each. */
const DEAR: readonly TaskPair[] = [
  { name: 'acrobot-to-pendubot', from: 'acrobot', to: 'pendubot' },
  { name: 'arm-reach-to-arm-push', from: 'arm-reach', to: 'arm-push' },
  { name: 'quadruped-velocity-to-rough', from: 'quadruped-velocity', to: 'quadruped-rough' },
];

/** Who asks for the protocol's ten seeds has the hours. */
const DEAR_FROM = 10;

/** Of the way from a random policy's return to the best that scratch reached. */
const THRESHOLD = 0.8;

export interface PairFigures {
  readonly seeds: number;
  /** Return that counts as learned. */
  readonly bar: number;
  readonly arms: Readonly<Record<string, ArmFigures>>;
}

export interface ArmFigures {
  /** Control steps to the bar by seed; null: not reached. */
  readonly steps: readonly (number | null)[];
  /** Steps of scratch over the arm's, at least; median over seeds, 0 where the arm never got there. */
  readonly ratio: number;
  readonly ci95: readonly [number, number];
  readonly bounds: readonly Ratio['bound'][];
  /** Over the steps that both took, median over seeds. */
  readonly forwardTransfer: number | null;
}

export function pairFigures(runs: readonly LearningRun[]): PairFigures {
  const scratch = runs.filter(({ arm }) => arm === 'scratch');
  // The first evaluation of a policy that knows next to nothing stands for a random one.
  const floor = Math.min(...scratch.map(({ curve }) => curve[0]!.meanReturn));
  const best = median(scratch.map(({ curve }) => Math.max(...curve.map(({ meanReturn }) => meanReturn))));
  const score = (meanReturn: number) => (meanReturn - floor) / (best - floor);
  const curveOf = ({ curve }: LearningRun): Curve =>
    curve.map(({ steps, meanReturn }) => ({ spent: steps, score: score(meanReturn) }));
  const arms = [...new Set(runs.map(({ arm }) => arm))];
  const figures = (arm: string): ArmFigures => {
    const own = runs.filter((run) => run.arm === arm);
    const ratios = own.map((run) => {
      const from = scratch.find(({ seed }) => seed === run.seed)!;
      return efficiencyRatio(curveOf(from), curveOf(run), THRESHOLD);
    });
    const least = ratios.map(({ ratio, bound }) => (bound === '=' || bound === '>=' ? ratio : 0));
    const forward = own.flatMap((run) => {
      const [a, b] = shared(curveOf(run), curveOf(scratch.find(({ seed }) => seed === run.seed)!));
      return a.length < 2 ? [] : [forwardTransfer(a, b)];
    });
    return {
      steps: own.map((run) => curveOf(run).find((point) => point.score >= THRESHOLD)?.spent ?? null),
      ratio: median(least),
      ci95: stratifiedBootstrap([least], ([values]) => median(values!), keyOf(82)).ci95,
      bounds: ratios.map(({ bound }) => bound),
      forwardTransfer: forward.length === 0 ? null : median(forward),
    };
  };
  return {
    seeds: scratch.length,
    bar: floor + THRESHOLD * (best - floor),
    arms: Object.fromEntries(arms.map((arm) => [arm, figures(arm)])),
  };
}

/** Both up to where the shorter ends. */
function shared(a: Curve, b: Curve): [Curve, Curve] {
  const end = Math.min(a.at(-1)!.spent, b.at(-1)!.spent);
  const cut = (curve: Curve) => curve.filter(({ spent }) => spent <= end);
  return [cut(a), cut(b)];
}

function pairTable(name: string, { seeds, bar, arms }: PairFigures): string {
  const rows = Object.entries(arms).map(([arm, { steps, ratio, ci95, bounds, forwardTransfer: forward }]) => [
    arm,
    steps.map((value) => (value === null ? 'not reached' : value.toLocaleString('en'))).join(', '),
    `${ratio.toFixed(2)} (${ci95[0].toFixed(2)} to ${ci95[1].toFixed(2)})`,
    bounds.join(' '),
    forward === null ? '' : forward.toFixed(2),
  ]);
  return [
    `#### ${name}: seeds 1 to ${seeds}, bar at a return of ${bar.toFixed(2)}`,
    '',
    table(['arm', 'control steps to the bar', 'scratch over it, at least', 'by seed', 'forward transfer'], rows),
    '',
  ].join('\n');
}

export const part: TransferPart = {
  name: 'tasks',
  doc: `a body reused for another task: steps to the score against from scratch; with ${DEAR_FROM} seeds or more also the arm and the quadruped, for hours`,
  seeds: 3,
  async run({ seeds, workers, directory, onProgress }) {
    const json: Record<string, unknown> = {};
    const tables: string[] = [];
    for (const pair of seeds < DEAR_FROM ? CHEAP : [...CHEAP, ...DEAR]) {
      const figures = pairFigures(await studyPair(pair, { seeds, workers, directory, onProgress }));
      json[pair.name] = figures;
      tables.push(pairTable(pair.name, figures));
    }
    return { json, table: tables.join('\n') };
  },
};
