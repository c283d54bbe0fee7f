/**
 * Identification of one robot from its recordings: fit on the first part of each, test on the rest, and say which
 * recordings one parameter set explains together. Knows no files, no terminal and no threads.
 */

import { InputError } from '../../core/errors.ts';
import { foldIn, type Key } from '../../core/rng.ts';
import type { Dynamics } from '../dynamics.ts';
import { findDisturbances, probeWindows } from './disturbances.ts';
import { type Estimation, estimate } from './estimate.ts';
import { type Fit, type FitBudget, type FitOptions, type FitTask, fit } from './fit.ts';
import { group } from './grouping.ts';
import type { StartVelocity } from './open-loop.ts';
import { type DriveScale, defaultFitted, type FittableName, fitParameters } from './parameters.ts';
import type { Evaluator, ProblemWindow, RobotRecipe } from './problem.ts';
import type { Recording } from './recording.ts';
import { cutWindows, overlaps, pooledError, type Span, type Window } from './windows.ts';

export interface IdentifyBudget {
  /** Of the fits of single recordings, and of several together. */
  readonly single: FitBudget;
  readonly joint: FitBudget;
  /** From start to start of the windows that are fitted, s; less where a recording has few windows otherwise. */
  readonly stride: number;
  /** Windows that a short recording is to have all the same. */
  readonly leastWindows: number;
  /** Of the windows that are tested, s. */
  readonly testStride: number;
}

/** Seconds on two cores for 40 s of recordings: the defaults of a person who waits, and of a benchmark. */
export const budgets = {
  quick: {
    single: { searchWindows: 0, searchEvaluations: 0, iterations: 3, rounds: 1 },
    joint: { searchWindows: 10, searchEvaluations: 72, iterations: 6, rounds: 1 },
    stride: 0.75,
    leastWindows: 6,
    testStride: 0.25,
  },
  thorough: {
    single: { searchWindows: 20, searchEvaluations: 180, iterations: 8, rounds: 2 },
    joint: { searchWindows: 32, searchEvaluations: 120, iterations: 8, rounds: 2 },
    stride: 0.2,
    leastWindows: 30,
    testStride: 0.1,
  },
} as const satisfies Record<string, IdentifyBudget>;

export interface IdentifyOptions {
  readonly budget: IdentifyBudget;
  readonly key: Key;
  /** @default defaultFitted */
  readonly fitted?: readonly FittableName[];
  readonly onProgress?: (message: string) => void;
}

/** The share of each recording that is fitted; the rest is the test. */
export const TRAIN_SHARE = 0.6;
export const WINDOW_SECONDS = 0.5;

export interface MemberErrors {
  /** RMS of angle and velocity over 0.5 s windows, each in units of the recording's deviation. */
  readonly train: number;
  readonly test: number;
  readonly nominalTrain: number;
  readonly nominalTest: number;
}

export interface IdentifiedGroup extends Estimation {
  /** Indices of the recordings. */
  readonly members: readonly number[];
  /** Of each member. */
  readonly errors: readonly MemberErrors[];
}

export interface Identification {
  /** Recordings that one parameter set explains, the group with most data first. */
  readonly groups: readonly IdentifiedGroup[];
  /** Where something else than the motor moved the robot, by recording. */
  readonly disturbances: readonly (readonly Span[])[];
  /** Test error of each recording's own fit. */
  readonly own: readonly number[];
  /** Test errors of the fit of all recordings together; null for a single one. */
  readonly joint: readonly number[] | null;
}

/** @param recordings those the evaluator was made with */
export async function identify(
  robot: RobotRecipe,
  recordings: readonly Recording[],
  evaluator: Evaluator,
  options: IdentifyOptions,
): Promise<Identification> {
  const study = new Study(robot, recordings, evaluator, options);
  const all = recordings.map((_, index) => index);
  const test = (index: number, spans: readonly Span[]) =>
    testWindows(recordings[index]!, options.budget.testStride, spans);
  for (const index of all) requireWindows(recordings[index]!, study.trainWindows(index));
  options.onProgress?.(all.length === 1 ? 'fitting the recording' : `fitting ${all.length} recordings together`);
  const together = await study.estimate(all, 'joint');
  const disturbances: Span[][] = [];
  for (const index of all) {
    const spans = await study.disturbances(index, together.dynamics);
    // A robot that is pushed all the time, or one that no fit explains: then every window has to count.
    disturbances.push(test(index, spans).length > 0 ? spans : []);
  }

  const nominal: Pick<MemberErrors, 'nominalTrain' | 'nominalTest'>[] = [];
  const errorsAt = async (index: number, dynamics: Dynamics) => ({
    train: await study.error(index, study.trainWindows(index), dynamics, 'logged'),
    test: await study.error(index, test(index, disturbances[index]!), dynamics, 'logged'),
  });
  for (const index of all) {
    const { train, test } = await errorsAt(index, robot.nominal);
    nominal.push({ nominalTrain: train, nominalTest: test });
  }
  const errorsOf = async (estimation: Estimation, members: readonly number[]): Promise<IdentifiedGroup> => {
    const errors: MemberErrors[] = [];
    for (const index of members) {
      errors.push({ ...(await errorsAt(index, estimation.dynamics)), ...nominal[index]! });
    }
    return { ...estimation, members, errors };
  };
  const jointGroup = await errorsOf(together, all);
  const joint = jointGroup.errors.map((e) => e.test);
  if (all.length === 1) return { groups: [jointGroup], disturbances, own: joint, joint: null };

  // A recording's own fit is a yardstick: how certain its parameters are matters only if it stays alone.
  const singles: Candidate[] = [];
  for (const index of all) {
    options.onProgress?.(`fitting ${recordings[index]!.name} alone`);
    const { dynamics } = await study.fit([index], 'single', together.dynamics);
    singles.push({ members: [index], dynamics, errors: [await errorsAt(index, dynamics)] });
  }
  const candidates = await group<Candidate>(singles, jointGroup, async (members) => {
    options.onProgress?.(`fitting ${members.map((index) => recordings[index]!.name).join(' + ')}`);
    return errorsOf(await study.estimate(members, 'joint', singles[members[0]!]!.dynamics), members);
  });
  const groups: IdentifiedGroup[] = [];
  for (const candidate of candidates) {
    groups.push(
      isIdentified(candidate)
        ? candidate
        : await errorsOf(await study.estimate(candidate.members, 'single', candidate.dynamics), candidate.members),
    );
  }
  const seconds = ({ members }: IdentifiedGroup) =>
    members.reduce((sum, index) => sum + recordings[index]!.times.at(-1)!, 0);
  return {
    groups: groups.sort((a, b) => seconds(b) - seconds(a)),
    disturbances,
    own: singles.map((single) => single.errors[0]!.test),
    joint,
  };
}

/** A fit that may become a group. */
interface Candidate {
  readonly members: readonly number[];
  readonly dynamics: Dynamics;
  readonly errors: readonly { readonly test: number }[];
}

function isIdentified(candidate: Candidate | IdentifiedGroup): candidate is IdentifiedGroup {
  return 'estimates' in candidate;
}

function requireWindows(recording: Recording, train: readonly Window[]): void {
  if (train.length > 0 && testWindows(recording, WINDOW_SECONDS, []).length > 0) return;
  const least = WINDOW_SECONDS / (1 - TRAIN_SHARE);
  throw new InputError(
    `${recording.name}: expected at least ${least.toFixed(2)} s, to fit ${100 * TRAIN_SHARE}% and test on the rest in windows of ${WINDOW_SECONDS} s, found ${recording.times.at(-1)!.toFixed(2)} s`,
    { repair: 'give longer recordings' },
  );
}

/** The windows of the held-out part: from sound readings, and where nothing else moved the robot. */
export function testWindows(recording: Recording, stride: number, disturbances: readonly Span[]): Window[] {
  const settings = { seconds: WINDOW_SECONDS, stride, begin: TRAIN_SHARE, end: 1, soundStarts: true };
  return cutWindows(recording, settings).filter((window) => !overlaps(recording, window, disturbances));
}

/** Fits and errors of one robot's recordings. */
export class Study {
  readonly #robot: RobotRecipe;
  readonly #recordings: readonly Recording[];
  readonly #evaluator: Evaluator;
  readonly #options: IdentifyOptions;

  constructor(robot: RobotRecipe, recordings: readonly Recording[], evaluator: Evaluator, options: IdentifyOptions) {
    this.#robot = robot;
    this.#recordings = recordings;
    this.#evaluator = evaluator;
    this.#options = options;
  }

  trainWindows(index: number): Window[] {
    const stride = this.#stride(index);
    const settings = { seconds: WINDOW_SECONDS, stride, begin: 0, end: TRAIN_SHARE, soundStarts: true };
    return cutWindows(this.#recordings[index]!, settings);
  }

  #stride(index: number): number {
    const { stride, leastWindows } = this.#options.budget;
    const room = TRAIN_SHARE * this.#recordings[index]!.times.at(-1)! - WINDOW_SECONDS;
    return Math.min(stride, Math.max(room, 0.01) / leastWindows);
  }

  /** Fit the first part of some recordings together. @param start where to begin, else at the nominal parameters */
  fit(members: readonly number[], kind: 'single' | 'joint', start?: Dynamics): Promise<Fit> {
    return fit(this.#task(members), this.#fitOptions(members, kind, start));
  }

  /** The same, and how certain each parameter is. */
  estimate(members: readonly number[], kind: 'single' | 'joint', start?: Dynamics): Promise<Estimation> {
    // Windows that overlap add only the time by which they do not.
    const shares = this.#recordings.map((_, index) => Math.min(1, this.#stride(index) / WINDOW_SECONDS));
    return estimate(this.#task(members), this.#fitOptions(members, kind, start), shares);
  }

  #fitOptions(members: readonly number[], kind: 'single' | 'joint', start: Dynamics | undefined): FitOptions {
    const { budget, key } = this.#options;
    return { budget: budget[kind], key: members.reduce(foldIn, key), ...(start === undefined ? {} : { start }) };
  }

  #task(members: readonly number[]): FitTask {
    const recordings = members.map((index) => this.#recordings[index]!);
    const measured = recordings.some((recording) => recording.measured);
    return {
      evaluator: this.#evaluator,
      recordings: this.#recordings,
      windows: members.flatMap((index) => this.#windows(index, this.trainWindows(index))),
      parameters: fitParameters(this.#options.fitted ?? defaultFitted, driveScales(recordings), measured),
      nominal: this.#robot.nominal,
    };
  }

  /** Pooled error of a simulation with `dynamics` over windows of one recording. */
  async error(index: number, windows: readonly Window[], dynamics: Dynamics, start: StartVelocity): Promise<number> {
    return pooledError(await this.#residuals(index, windows, dynamics, start));
  }

  async disturbances(index: number, dynamics: Dynamics): Promise<Span[]> {
    const recording = this.#recordings[index]!;
    const windows = probeWindows(recording, Math.max(0.02, this.#options.budget.stride / 10));
    const n = recording.joints.length;
    const residuals = await this.#residuals(index, windows, dynamics, 'smoothed');
    // The last n residuals of a window are its last velocities' departures from the log.
    const predicted = residuals.map((r, w) =>
      Array.from(
        { length: n },
        (_, j) => r[r.length - n + j]! * recording.qdScale[j]! + recording.qd[windows[w]!.to * n + j]!,
      ),
    );
    return findDisturbances(recording, windows, predicted);
  }

  async #residuals(index: number, windows: readonly Window[], dynamics: Dynamics, start: StartVelocity) {
    const [residuals] = await this.#evaluator.evaluate({
      parameters: [],
      nominal: dynamics,
      points: [[]],
      windows: this.#windows(index, windows),
      start,
    });
    return residuals!;
  }

  #windows(index: number, windows: readonly Window[]): ProblemWindow[] {
    return windows.map((window) => ({ ...window, recording: index }));
  }
}

/** Root mean squares of torque and velocity by joint, the largest over the recordings. */
export function driveScales(recordings: readonly Recording[]): DriveScale[] {
  const n = recordings[0]!.joints.length;
  return Array.from({ length: n }, (_, j) => ({
    torque: Math.max(...recordings.map((r) => rootMeanSquare(r.torque, n, j)), 1e-3),
    velocity: Math.max(...recordings.map((r) => rootMeanSquare(r.qd, n, j))),
  }));
}

function rootMeanSquare(values: Float64Array, n: number, j: number): number {
  let sum = 0;
  for (let k = j; k < values.length; k += n) sum += values[k]! * values[k]!;
  return Math.sqrt((sum * n) / values.length);
}
