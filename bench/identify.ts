/**
 * Identification judged on the real recordings of the torque-limited simple pendulum: fitted on the first 60% of each,
 * tested on the rest, beside the published model and the URDF's own figures.
 */

import { join } from 'node:path';
import { importEpisode } from '../bridge/importers/import-episode.ts';
import { foldIn, type Key } from '../core/rng.ts';
import type { RobotModel } from '../core/robot-model.ts';
import { type Dynamics, nominalDynamics } from '../sim/dynamics.ts';
import { findDisturbances, probeWindows } from '../sim/identify/disturbances.ts';
import type { Estimation } from '../sim/identify/estimate.ts';
import { group, worstRatio } from '../sim/identify/grouping.ts';
import {
  driveScales,
  type IdentifyBudget,
  Study,
  TRAIN_SHARE,
  testWindows,
  WINDOW_SECONDS,
} from '../sim/identify/identify.ts';
import type { StartVelocity } from '../sim/identify/open-loop.ts';
import { fitParameters, fittable } from '../sim/identify/parameters.ts';
import type { RobotRecipe } from '../sim/identify/problem.ts';
import { type Recording, recordingOf } from '../sim/identify/recording.ts';
import { settleTorque, type TorqueVerdict } from '../sim/identify/torque-check.ts';
import { cutWindows, pooledError, type Span, type Window } from '../sim/identify/windows.ts';
import { makeWorkerEvaluator } from '../sim/identify/worker-evaluator.ts';
import type { PhysicsSettings } from '../sim/rapier-robot.ts';
import { hindsightError } from './hindsight.ts';
import { publishedResiduals } from './published-pendulum.ts';

export const RECORDINGS = ['energy_shaping', 'ilqr_swingup', 'dircol_swingup', 'pd_swingup'] as const;

/** Open-loop errors: RMS of angle and velocity over the windows, each in units of the recording's deviation. */
export interface ModelErrors {
  readonly fitted: number;
  readonly published: number;
  readonly nominal: number;
}

export interface RecordingResult extends ModelErrors {
  /** Windows of the held-out part that start at a sound reading and that no push touches: the figures above. */
  readonly windows: number;
  /**
   * The same, without leaving anything out. `hindsight` is the lowest error that a search of every parameter of our
   * simulator finds on these very windows: what lies below it is not to be had, whatever is fitted.
   */
  readonly everyWindow: ModelErrors & { readonly windows: number; readonly hindsight: number };
  /** As the figures above, started from the smoothed velocity instead of the logged one. */
  readonly smoothedStart: ModelErrors;
  /** Where the arm was pushed, s. */
  readonly disturbances: readonly Span[];
  readonly wildVelocities: number;
  readonly wildTorques: { readonly kept: number; readonly replaced: number };
  readonly parameters: readonly {
    readonly name: string;
    readonly value: number;
    readonly relativeSd: number;
    readonly identifiable: boolean;
  }[];
}

export interface IdentifyBench {
  readonly recordings: Readonly<Record<string, RecordingResult>>;
  /** Held-out error by what was fitted on, then by what it was tested on. */
  readonly cross: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Names of the recordings that one parameter set explains together. */
  readonly groups: readonly (readonly string[])[];
}

export interface IdentifyBenchOptions {
  /** Holds the CSV files. */
  readonly directory: string;
  readonly model: RobotModel;
  readonly physics: PhysicsSettings;
  readonly budget: IdentifyBudget;
  readonly key: Key;
  readonly workers: number;
  /** Evaluations of the search in hindsight, a recording. @default 400 */
  readonly hindsightEvaluations?: number;
  /** @default all four */
  readonly names?: readonly string[];
  /** Leave the joint fits out. */
  readonly singlesOnly?: boolean;
  readonly onProgress?: (message: string) => void;
}

interface Fitted extends Estimation {
  readonly members: readonly number[];
  readonly errors: readonly { readonly test: number }[];
  /** Held-out error on every recording. */
  readonly tested: readonly number[];
}

export async function benchIdentify(options: IdentifyBenchOptions): Promise<IdentifyBench> {
  const { model, physics, budget, key } = options;
  const robot: RobotRecipe = { urdf: model.urdf, physics, nominal: nominalDynamics(model) };
  const names = options.names ?? RECORDINGS;
  // The published model gets every torque as it was logged.
  const logged: Recording[] = [];
  const verdicts: TorqueVerdict[] = [];
  for (const name of names) {
    const recording = recordingOf(await importEpisode(join(options.directory, `${name}.csv`)), name);
    logged.push(recording);
    verdicts.push(await settleTorque(robot, recording));
  }
  const recordings = verdicts.map((verdict) => verdict.recording);
  const evaluator = makeWorkerEvaluator(robot, recordings, options.workers);
  try {
    const study = new Study(robot, recordings, evaluator, { budget, key: foldIn(key, 1) });
    const disturbances = logged.map(publishedDisturbances);
    const tests = recordings.map((recording, index) => testWindows(recording, budget.testStride, disturbances[index]!));
    const fitOn = async (members: readonly number[], start?: Dynamics): Promise<Fitted> => {
      options.onProgress?.(`fitting ${members.map((index) => names[index]).join(' + ')}`);
      const found = await study.estimate(members, members.length === 1 ? 'single' : 'joint', start);
      const tested: number[] = [];
      for (const [index, windows] of tests.entries()) {
        tested.push(await study.error(index, windows, found.dynamics, 'logged'));
      }
      return { ...found, members, tested, errors: members.map((index) => ({ test: tested[index]! })) };
    };
    const singles: Fitted[] = [];
    for (const index of names.keys()) singles.push(await fitOn([index]));

    const results: Record<string, RecordingResult> = {};
    for (const [index, name] of names.entries()) {
      const { dynamics, estimates } = singles[index]!;
      const measure = async (windows: readonly Window[], start: StartVelocity): Promise<ModelErrors> => ({
        fitted: await study.error(index, windows, dynamics, start),
        published: pooledError(windows.map((window) => publishedResiduals(logged[index]!, window, start))),
        nominal: await study.error(index, windows, robot.nominal, start),
      });
      const every = everyTestWindow(recordings[index]!);
      options.onProgress?.(`hindsight on ${name}`);
      const hindsight = await hindsightError({
        evaluator,
        windows: every.map((window) => ({ ...window, recording: index })),
        parameters: fitParameters(fittable, driveScales([recordings[index]!]), recordings[index]!.measured),
        start: dynamics,
        evaluations: options.hindsightEvaluations ?? 400,
        key: foldIn(key, 2 + index),
      });
      results[name] = {
        ...(await measure(tests[index]!, 'logged')),
        windows: tests[index]!.length,
        everyWindow: { ...(await measure(every, 'logged')), windows: every.length, hindsight },
        smoothedStart: await measure(tests[index]!, 'smoothed'),
        disturbances: disturbances[index]!,
        wildVelocities: recordings[index]!.wildVelocities,
        wildTorques: { kept: verdicts[index]!.kept, replaced: verdicts[index]!.replaced },
        parameters: estimates.map(({ parameter, value, relativeSd, identifiable }) => ({
          name: parameter.name,
          value,
          relativeSd,
          identifiable,
        })),
      };
    }

    const fits = [...singles];
    let groups: Fitted[] = singles;
    if (options.singlesOnly !== true && names.length > 1) {
      const everyone = [...names.keys()];
      const all = await fitOn(everyone);
      // Fitted on all but one and tested on that one: what a recording says of another day.
      for (const left of everyone) {
        if (names.length > 2)
          fits.push(
            await fitOn(
              everyone.filter((index) => index !== left),
              all.dynamics,
            ),
          );
      }
      fits.push(all);
      groups = await group(singles, all, async (members) => {
        const fitted = await fitOn(members, singles[members[0]!]!.dynamics);
        options.onProgress?.(`  worst member: ${worstRatio(fitted, singles).toFixed(2)} of its own fit's error`);
        fits.push(fitted);
        return fitted;
      });
    }
    const label = ({ members }: Fitted) => members.map((index) => names[index]).join('+');
    return {
      recordings: results,
      cross: Object.fromEntries(
        fits.map((fitted) => [
          label(fitted),
          Object.fromEntries(names.map((name, index) => [name, fitted.tested[index]!])),
        ]),
      ),
      groups: groups.map((g) => g.members.map((index) => names[index]!)),
    };
  } finally {
    await evaluator.close();
  }
}

/** Pushes as the published model sees them, so that the fits have no say in what is left out. */
function publishedDisturbances(recording: Recording): Span[] {
  const windows = probeWindows(recording);
  const predicted = windows.map((window) => {
    const residuals = publishedResiduals(recording, window, 'smoothed');
    return [residuals.at(-1)! * recording.qdScale[0]! + recording.qd[window.to]!];
  });
  return findDisturbances(recording, windows, predicted);
}

function everyTestWindow(recording: Recording): Window[] {
  return cutWindows(recording, {
    seconds: WINDOW_SECONDS,
    stride: 0.1,
    begin: TRAIN_SHARE,
    end: 1,
    soundStarts: false,
  });
}
