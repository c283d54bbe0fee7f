/** Fits the simulator's parameters to episodes, quickly: the identification that adapting begins with. */

import { availableParallelism } from 'node:os';
import type { Episode } from '../core/episode.ts';
import { foldIn, keyOf } from '../core/rng.ts';
import { fit } from '../sim/identify/fit.ts';
import { defaultFitted, fitParameters } from '../sim/identify/parameters.ts';
import { type Recording, recordingOf } from '../sim/identify/recording.ts';
import { cutWindows, pooledError } from '../sim/identify/windows.ts';
import { makeWorkerEvaluator } from '../sim/identify/worker-evaluator.ts';
import type { FittedSimulator } from './adaptation.ts';
import type { Experiment } from './experiment.ts';

/** Open-loop windows, s. */
const WINDOW = 0.5;
/** Windows to fit to, at most: ten episodes of ten seconds are ten times what is needed. */
const MOST_WINDOWS = 150;

/** A fitter for `adapt`: same seed, same episodes, same parameters. */
export function fitterOf({ robot, task, dynamics }: Experiment, seed: number) {
  return async (episodes: readonly Episode[]): Promise<FittedSimulator> => {
    const recordings = episodes.map((episode) => recordingOf(episode, episode.meta.id));
    const seconds = recordings.reduce((sum, recording) => sum + recording.times.at(-1)!, 0);
    const stride = Math.max(WINDOW / 2, seconds / MOST_WINDOWS);
    const windows = recordings.flatMap((recording, index) =>
      cutWindows(recording, { seconds: WINDOW, stride, begin: 0, end: 1, soundStarts: true }).map((window) => ({
        ...window,
        recording: index,
      })),
    );
    const parameters = fitParameters(
      defaultFitted,
      driveScales(recordings),
      recordings.some((recording) => recording.measured),
    );
    const setup = { urdf: robot.model.urdf, physics: task.physics, nominal: dynamics };
    const evaluator = makeWorkerEvaluator(setup, recordings, availableParallelism());
    try {
      const fitted = await fit(
        { evaluator, recordings, windows, parameters, nominal: dynamics },
        {
          budget: { searchWindows: 24, searchEvaluations: 150, iterations: 8, rounds: 2 },
          key: foldIn(keyOf(seed), 21),
        },
      );
      const [nominal] = await evaluator.evaluate({
        parameters: [],
        nominal: dynamics,
        points: [[]],
        windows,
        start: 'smoothed',
      });
      return {
        dynamics: fitted.dynamics,
        error: pooledError(fitted.point.residuals),
        nominalError: pooledError(nominal!),
      };
    } finally {
      await evaluator.close();
    }
  };
}

/** Root mean square of torque and velocity over all recordings, per joint. */
function driveScales(recordings: readonly Recording[]) {
  const n = recordings[0]!.joints.length;
  const rms = (pick: (recording: Recording) => Float64Array, j: number) => {
    let sum = 0;
    let count = 0;
    for (const recording of recordings) {
      const values = pick(recording);
      for (let k = j; k < values.length; k += n) sum += values[k]! ** 2;
      count += values.length / n;
    }
    return Math.sqrt(sum / count);
  };
  return Array.from({ length: n }, (_, j) => ({ torque: rms((r) => r.torque, j), velocity: rms((r) => r.qd, j) }));
}
