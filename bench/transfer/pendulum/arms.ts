/**
 * What may be known of the pendulum after some of its recordings, arm by arm, and how far each arm's open-loop simulation
 * then departs from recordings it has not seen. Fits see the training stretches only, and are tuned on nothing else.
 */

import { foldIn, type Key } from '../../../core/rng.ts';
import type { DeltaActionModel } from '../../../sim/delta-action.ts';
import { cloneDynamics, type Dynamics } from '../../../sim/dynamics.ts';
import { type ChosenDelta, learnDelta, type Part } from '../../../sim/identify/delta-choice.ts';
import type { DeltaTask } from '../../../sim/identify/delta-fit.ts';
import { distributionOf } from '../../../sim/identify/distribution.ts';
import { type Estimation, estimate } from '../../../sim/identify/estimate.ts';
import { driveScales } from '../../../sim/identify/identify.ts';
import { defaultFitted, fitParameters } from '../../../sim/identify/parameters.ts';
import type { Evaluator, ProblemWindow, RobotRecipe } from '../../../sim/identify/problem.ts';
import type { Recording } from '../../../sim/identify/recording.ts';
import { robustDeviation } from '../../../sim/identify/robust-statistics.ts';
import { cutWindows, overlaps, type Span } from '../../../sim/identify/windows.ts';
import {
  equationResiduals,
  identifiedEquation,
  leaderboardEquation,
  type PendulumEquation,
} from '../../published-pendulum.ts';
import { leastSquaresLaw } from './least-squares-law.ts';

export const ARMS = [
  'nominal',
  'published, leaderboard',
  'published, identified',
  'least squares',
  'identification',
  'DROPO mean',
  'identification + delta action',
  'delta action alone',
] as const;

export type Arm = (typeof ARMS)[number];

export interface Bench {
  readonly robot: RobotRecipe;
  readonly urdfHash: string;
  /** As logged, for the equations, and with torques settled, for the simulator. */
  readonly logged: readonly Recording[];
  readonly recordings: readonly Recording[];
  readonly disturbances: readonly (readonly Span[])[];
  readonly evaluator: Evaluator;
}

export interface Split {
  readonly name: string;
  readonly train: readonly Part[];
  readonly test: readonly Part[];
}

const SECONDS = 0.5;
export const TEST_STRIDE = 0.25;
/** Windows of a fit, at most: ten for each weight of a delta action's pair would be more than a day's patience. */
const MOST_WINDOWS = 60;
const BUDGET = { searchWindows: 12, searchEvaluations: 72, iterations: 6, rounds: 1 };
/** Plain data: it is kept, so that a bench cut short goes on where it was. */
export interface SplitResult {
  /** Mean square of each test window, by arm, in the order of the split's test parts. */
  readonly errors: Readonly<Record<Arm, readonly (readonly number[])[]>>;
  readonly dynamics: Dynamics;
  readonly parameters: Readonly<Record<string, Told>>;
  readonly spread: Readonly<Record<string, Told>>;
  readonly delta: { readonly afterIdentification: string; readonly alone: string };
}

/** Mean and deviation of a parameter; `told` false where the recordings did not tell it. */
export interface Told {
  readonly value: number;
  readonly sd: number;
  readonly told: boolean;
}

export async function runSplit(
  bench: Bench,
  split: Split,
  key: Key,
  say: (text: string) => void,
): Promise<SplitResult> {
  say(`${split.name}: identification`);
  const { recordings, disturbances, evaluator, robot } = bench;
  const found = await identifyOn(bench, split.train, key);
  say(`${split.name}: DROPO`);
  const distribution = await distributionOf(
    {
      evaluator,
      recordings: recordings.map((recording, index) => cutAt(recording, untilOf(split.train, index))),
      group: { members: split.train.map(({ recording }) => recording), ...found },
      disturbances,
      share: 1,
    },
    { key: foldIn(key, 2), transitions: 40, evaluations: 600 },
  );
  const centre = cloneDynamics(found.dynamics);
  for (const { parameter, mean } of distribution.spreads) {
    if (parameter.name === 'latency') centre.latency = mean;
    else centre[parameter.name][parameter.joint!] = mean;
  }
  say(`${split.name}: delta action`);
  const after = await deltaOn(bench, split.train, found.dynamics, foldIn(key, 3));
  const alone = await deltaOn(bench, split.train, robot.nominal, foldIn(key, 4));
  const law = leastSquaresLaw(
    split.train.map(({ recording, end }) => ({ recording: recordings[recording]!, until: end })),
  );
  const simulated = (dynamics: Dynamics, delta?: DeltaActionModel) =>
    mapParts(split.test, (part) => simulatedErrors(bench, part, dynamics, delta));
  const solved = (equation: PendulumEquation, of: readonly Recording[]) =>
    split.test.map((part) =>
      testWindows(bench, part).map((w) => meanSquare(equationResiduals(equation, of[part.recording]!, w, 'logged'))),
    );
  return {
    errors: {
      nominal: await simulated(robot.nominal),
      'published, leaderboard': solved(leaderboardEquation, bench.logged),
      'published, identified': solved(identifiedEquation, bench.logged),
      'least squares': solved(law, recordings),
      identification: await simulated(found.dynamics),
      'DROPO mean': await simulated(centre),
      'identification + delta action': await simulated(found.dynamics, after.model),
      'delta action alone': await simulated(robot.nominal, alone.model),
    },
    dynamics: found.dynamics,
    parameters: Object.fromEntries(
      found.estimates.map(({ parameter, value, sd, identifiable }) => [
        parameter.name,
        { value, sd, told: identifiable },
      ]),
    ),
    spread: Object.fromEntries(
      distribution.spreads.map(({ parameter, mean, sd, informed }) => [
        parameter.name,
        { value: mean, sd, told: informed },
      ]),
    ),
    delta: { afterIdentification: after.how, alone: alone.how },
  };
}

/** @param start where to begin, else at the nominal parameters */
export function identifyOn(
  { robot, recordings, evaluator }: Bench,
  train: readonly Part[],
  key: Key,
  start?: Dynamics,
): Promise<Estimation> {
  const seconds = train.reduce((sum, { begin, end }) => sum + end - begin, 0);
  const stride = Math.max(0.1, seconds / MOST_WINDOWS);
  const windows = train.flatMap((part) => windowsOf(recordings, part, SECONDS, stride));
  const task = {
    evaluator,
    recordings,
    windows,
    parameters: fitParameters(defaultFitted, driveScales(train.map((p) => recordings[p.recording]!)), true),
    nominal: robot.nominal,
  };
  const options = { budget: BUDGET, key: foldIn(key, 1), ...(start === undefined ? {} : { start }) };
  return estimate(
    task,
    options,
    recordings.map(() => Math.min(1, stride / SECONDS)),
  );
}

/** Up to the torque that usually moves the arm. */
function deltaOn(bench: Bench, train: readonly Part[], dynamics: Dynamics, key: Key): Promise<ChosenDelta> {
  const { recordings, evaluator, disturbances, urdfHash } = bench;
  const torques = train.map(({ recording }) => robustDeviation(recordings[recording]!.torque));
  const task: DeltaTask = {
    evaluator,
    recordings,
    dynamics,
    robot: { name: 'pendulum', urdfHash },
    channel: 'effort',
    limit: [torques.reduce((sum, x) => sum + x, 0) / torques.length],
  };
  return learnDelta(task, train, disturbances, key);
}

export async function simulatedErrors(bench: Bench, part: Part, dynamics: Dynamics, delta?: DeltaActionModel) {
  const windows = testWindows(bench, part);
  const [residuals] = await bench.evaluator.evaluate({
    parameters: [],
    nominal: dynamics,
    points: [[]],
    windows,
    start: 'logged',
    ...(delta === undefined ? {} : { delta }),
  });
  return residuals!.map(meanSquare);
}

/** From sound readings, and where nothing but motor and gravity moved the arm. */
export function testWindows(bench: Bench, part: Part): ProblemWindow[] {
  return windowsOf(bench.recordings, part, SECONDS, TEST_STRIDE).filter((w) => isFree(bench, w));
}

function isFree({ recordings, disturbances }: Bench, window: ProblemWindow): boolean {
  return !overlaps(recordings[window.recording]!, window, disturbances[window.recording]!);
}

function windowsOf(recordings: readonly Recording[], part: Part, seconds: number, stride: number): ProblemWindow[] {
  const recording = recordings[part.recording]!;
  const duration = recording.times.at(-1)!;
  const settings = { seconds, stride, begin: part.begin / duration, end: part.end / duration, soundStarts: true };
  return cutWindows(recording, settings).map((window) => ({ ...window, recording: part.recording }));
}

async function mapParts(parts: readonly Part[], errors: (part: Part) => Promise<number[]>): Promise<number[][]> {
  const out: number[][] = [];
  for (const part of parts) out.push(await errors(part));
  return out;
}

function untilOf(train: readonly Part[], recording: number): number {
  return train.find((part) => part.recording === recording)?.end ?? 0;
}

/** The readings up to a time; indices stay what they were. */
function cutAt(recording: Recording, until: number): Recording {
  const count = recording.times.findIndex((t) => t > until);
  return count < 0 ? recording : { ...recording, times: recording.times.slice(0, count) };
}

function meanSquare(residuals: Float64Array): number {
  return residuals.reduce((sum, e) => sum + e * e, 0) / residuals.length;
}
