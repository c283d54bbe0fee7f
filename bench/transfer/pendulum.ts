/**
 * The real pendulum's recordings: what identification, DROPO and delta actions, each fitted to some of them, make of those
 * they have not seen, beside the published models; which recordings belong together; and drives learned from measured
 * torque. Nothing is tuned on what is tested.
 */

import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { importEpisode } from '../../bridge/importers/import-episode.ts';
import { InputError } from '../../core/errors.ts';
import { foldIn, type Key, keyOf } from '../../core/rng.ts';
import { loadRobot } from '../../loop/experiment.ts';
import { writeJson } from '../../policy/checkpoint.ts';
import { nominalDynamics } from '../../sim/dynamics.ts';
import type { Part } from '../../sim/identify/delta-choice.ts';
import { findDisturbances, probeWindows } from '../../sim/identify/disturbances.ts';
import { group } from '../../sim/identify/grouping.ts';
import { type Recording, recordingOf } from '../../sim/identify/recording.ts';
import { settleTorque } from '../../sim/identify/torque-check.ts';
import type { Span } from '../../sim/identify/windows.ts';
import { makeWorkerEvaluator } from '../../sim/identify/worker-evaluator.ts';
import { tasks } from '../../sim/tasks/index.ts';
import { publishedResiduals } from '../published-pendulum.ts';
import type { TransferFigures, TransferOptions, TransferPart } from './part.ts';
import { type ActuatorFigures, actuatorFigures } from './pendulum/actuators.ts';
import {
  ARMS,
  type Arm,
  type Bench,
  identifyOn,
  runSplit,
  type Split,
  type SplitResult,
  simulatedErrors,
} from './pendulum/arms.ts';
import { bootstrap, type Interval, pooled } from './pendulum/block-bootstrap.ts';
import { tableOf } from './pendulum/tables.ts';

const NAMES = ['energy_shaping', 'ilqr_swingup', 'dircol_swingup', 'pd_swingup'] as const;
const DATA = fileURLToPath(new URL('../../../shared/data', import.meta.url));
/** Of each recording that is used in training, s; within a recording its last two are held out. */
const FIRST = 8;
const LAST = 2;
/** Windows a block of the bootstrap: a second and a half. */
const BLOCK = 4;

export interface SplitFigures {
  readonly name: string;
  readonly windows: number;
  readonly arms: Readonly<Record<Arm, Interval>>;
  readonly parameters: SplitResult['parameters'];
  readonly spread: SplitResult['spread'];
  readonly delta: SplitResult['delta'];
}

export interface PendulumFigures {
  /** Fitted to all recordings but one, tested on that one. */
  readonly leftOut: readonly SplitFigures[];
  /** Mean over the recordings, and what it is relative to the nominal simulator and to plain identification. */
  readonly pooled: Readonly<
    Record<Arm, Interval & { readonly overNominal: Interval; readonly overIdentification: Interval }>
  >;
  /** Fitted to the first seconds of a recording, tested on its last two. */
  readonly within: readonly SplitFigures[];
  readonly withinPooled: PendulumFigures['pooled'];
  /** Names of the recordings that one parameter set explains together. */
  readonly groups: readonly (readonly string[])[];
  readonly actuators: readonly ActuatorFigures[];
}

export const part: TransferPart = {
  name: 'pendulum',
  doc: 'identification, DROPO and delta action on real recordings that were not fitted',
  seeds: 1,
  run: async (options: TransferOptions): Promise<TransferFigures> => {
    const figures = await pendulumFigures(options);
    return { json: { ...figures }, table: tableOf(figures) };
  },
};

async function pendulumFigures({ workers, directory, onProgress }: TransferOptions): Promise<PendulumFigures> {
  const key = keyOf(1);
  const bench = await openBench(workers === 0 ? availableParallelism() : workers);
  try {
    const end = (index: number) => bench.recordings[index]!.times.at(-1)!;
    const used = NAMES.map((_, recording): Part => ({ recording, begin: 0, end: Math.min(FIRST, end(recording)) }));
    const leftOut = NAMES.map((name, index): Split => {
      const test = [{ recording: index, begin: 0, end: end(index) }];
      return { name, train: used.filter((p) => p.recording !== index), test };
    });
    const within = NAMES.map((name, index): Split => {
      const { recording, end: last } = used[index]!;
      const cut = last - LAST;
      return { name, train: [{ recording, begin: 0, end: cut }], test: [{ recording, begin: cut, end: last }] };
    });
    const runAll = async (splits: readonly Split[], purpose: number) => {
      const results: SplitResult[] = [];
      for (const [k, split] of splits.entries()) {
        const file = join(directory, 'pendulum', `${purpose === 1 ? 'left-out' : 'within'}-${split.name}.json`);
        results.push(await kept(file, () => runSplit(bench, split, foldIn(foldIn(key, purpose), k), onProgress)));
      }
      return results;
    };
    const leftOutResults = await runAll(leftOut, 1);
    const withinResults = await runAll(within, 2);
    onProgress('grouping');
    const groups = await grouping(bench, within, used, withinResults, foldIn(key, 3));
    onProgress('actuator networks');
    const actuators = await actuatorFigures(DATA, foldIn(key, 4));
    return {
      leftOut: leftOutResults.map((r, k) => splitFigures(leftOut[k]!, r, foldIn(key, 5))),
      pooled: pooledFigures(leftOutResults, foldIn(key, 6)),
      within: withinResults.map((r, k) => splitFigures(within[k]!, r, foldIn(key, 7))),
      withinPooled: pooledFigures(withinResults, foldIn(key, 8)),
      groups,
      actuators,
    };
  } finally {
    await bench.evaluator.close();
  }
}

/** What a file holds, or else what is made now and put there. */
async function kept<T>(path: string, make: () => Promise<T>): Promise<T> {
  if (existsSync(path)) return JSON.parse(await readFile(path, 'utf8')) as T;
  const made = await make();
  await mkdir(dirname(path), { recursive: true });
  await writeJson(path, made);
  return made;
}

async function openBench(workers: number): Promise<Bench> {
  const directory = join(DATA, 'pendulum');
  const missing = NAMES.map((name) => join(directory, `${name}.csv`)).filter((path) => !existsSync(path));
  if (missing.length > 0) {
    throw new InputError(`the real pendulum's recordings are not there: ${missing.join(', ')}`, {
      repair: 'put them into ../shared/data/pendulum, beside the repository',
    });
  }
  const { model } = await loadRobot('pendulum');
  const robot = { urdf: model.urdf, physics: tasks.pendulum!.physics, nominal: nominalDynamics(model) };
  const logged: Recording[] = [];
  const recordings: Recording[] = [];
  for (const name of NAMES) {
    const recording = recordingOf(await importEpisode(join(directory, `${name}.csv`)), name);
    logged.push(recording);
    recordings.push((await settleTorque(robot, recording)).recording);
  }
  const evaluator = makeWorkerEvaluator(robot, recordings, workers);
  const disturbances = logged.map(publishedDisturbances);
  return { robot, urdfHash: model.urdfHash, logged, recordings, disturbances, evaluator };
}

/** Pushes as the published model sees them, so that no arm has a say in what is left out. */
export function publishedDisturbances(recording: Recording): Span[] {
  const windows = probeWindows(recording);
  const predicted = windows.map((window) => {
    const residuals = publishedResiduals(recording, window, 'smoothed');
    return [residuals.at(-1)! * recording.qdScale[0]! + recording.qd[window.to]!];
  });
  return findDisturbances(recording, windows, predicted);
}

function splitFigures(split: Split, result: SplitResult, key: Key): SplitFigures {
  return {
    name: split.name,
    windows: result.errors.nominal[0]!.length,
    arms: perArm((arm) => bootstrap([result.errors[arm]], ([error]) => error!, BLOCK, key)),
    parameters: result.parameters,
    spread: result.spread,
    delta: result.delta,
  };
}

function pooledFigures(results: readonly SplitResult[], key: Key): PendulumFigures['pooled'] {
  const all = perArm((arm) => results.flatMap((r) => r.errors[arm]));
  const over = (arm: Arm, other: Arm) => bootstrap([all[arm], all[other]], ([a, b]) => a! / b!, BLOCK, key);
  return perArm((arm) => ({
    ...bootstrap([all[arm]], ([error]) => error!, BLOCK, key),
    overNominal: over(arm, 'nominal'),
    overIdentification: over(arm, 'identification'),
  }));
}

function perArm<T>(value: (arm: Arm) => T): Record<Arm, T> {
  return Object.fromEntries(ARMS.map((arm) => [arm, value(arm)])) as Record<Arm, T>;
}

/** By the rule of `landfall identify`, with each recording's own fit and its last seconds. */
async function grouping(
  bench: Bench,
  within: readonly Split[],
  used: readonly Part[],
  singles: readonly SplitResult[],
  key: Key,
): Promise<string[][]> {
  const train = used.map((p) => ({ ...p, end: p.end - LAST }));
  const fitTogether = async (members: readonly number[]) => {
    const found = await identifyOn(
      bench,
      members.map((index) => train[index]!),
      key,
      singles[members[0]!]!.dynamics,
    );
    const errors: { test: number }[] = [];
    for (const index of members) {
      errors.push({ test: pooled([await simulatedErrors(bench, within[index]!.test[0]!, found.dynamics)]) });
    }
    return { members, errors };
  };
  const alone = singles.map((r, index) => ({ members: [index], errors: [{ test: pooled(r.errors.identification) }] }));
  const groups = await group(alone, await fitTogether(NAMES.map((_, index) => index)), fitTogether);
  return groups.map(({ members }) => members.map((index) => NAMES[index]!));
}
