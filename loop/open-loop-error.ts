/**
 * How wrong the simulator is about recordings, some steps ahead: each window starts from a recorded state, receives the
 * recorded efforts, and is compared with what was recorded. The same about episodes of the simulator itself is the floor, which
 * sensor noise and unknown starts leave even where the physics is right.
 */

import type { Episode } from '../core/episode.ts';
import { InputError } from '../core/errors.ts';
import { makeLocalEvaluator } from '../sim/identify/problem.ts';
import { type Recording, recordingOf } from '../sim/identify/recording.ts';
import { cutWindows } from '../sim/identify/windows.ts';
import type { Experiment } from './experiment.ts';

export interface HorizonError {
  /** Control steps ahead. */
  readonly steps: number;
  /** Root mean square over windows, joints, positions and velocities, in deviations of the source's own motion. */
  readonly error: number;
  /** The same of the simulator's own episodes. */
  readonly floor: number;
  /** Of error to floor, neither taken for less than a hundredth of the motion. */
  readonly ratio: number;
}

export const HORIZONS = [1, 5, 10, 25] as const;

/**
 * In deviations of the motion. Without sensor noise the floor is a few thousandths, which differ by a factor of two between sets
 * of episodes of one and the same robot.
 */
const NEGLIGIBLE = 0.01;
/** Windows of each side, at most. */
const MOST_WINDOWS = 200;

/**
 * @param source simulated by the experiment as it is, sensor noise included @param target of the same robot
 * @returns null where it cannot be told: a base that floats, which no joint reading says where it is; efforts that were
 * neither sent nor measured; joints that stand still
 */
export async function openLoopErrors(
  experiment: Experiment,
  source: readonly Episode[],
  target: readonly Episode[],
): Promise<HorizonError[] | null> {
  if (experiment.robot.model.base === 'floating') return null;
  const [own, theirs] = [recordingsOf(source), recordingsOf(target)];
  if (own.length === 0 || theirs.length === 0) return null;
  // One scale for both: an episode that hardly moves is not wrong for being small.
  const pooled = (pick: (recording: Recording) => readonly number[]) =>
    pick(own[0]!).map((_, j) => Math.sqrt(own.reduce((sum, r) => sum + pick(r)[j]! ** 2 / own.length, 0)));
  const scale = { qScale: pooled((r) => r.qScale), qdScale: pooled((r) => r.qdScale) };
  const rate = experiment.contract.control.rateHz;
  const floor = await errorsAt(
    experiment,
    own.map((r) => ({ ...r, ...scale })),
    rate,
  );
  const error = await errorsAt(
    experiment,
    theirs.map((r) => ({ ...r, ...scale })),
    rate,
  );
  if (floor === null || error === null) return null;
  return HORIZONS.map((steps, i) => ({
    steps,
    error: error[i]!,
    floor: floor[i]!,
    ratio: Math.max(NEGLIGIBLE, error[i]!) / Math.max(NEGLIGIBLE, floor[i]!),
  }));
}

/** Those that identification can use: long enough, moving, driven by efforts. */
function recordingsOf(episodes: readonly Episode[]): Recording[] {
  return episodes.flatMap((episode) => {
    try {
      return [recordingOf(episode, episode.meta.id)];
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      return [];
    }
  });
}

async function errorsAt(
  { robot, task, dynamics }: Experiment,
  recordings: readonly Recording[],
  rate: number,
): Promise<number[] | null> {
  const longest = HORIZONS.at(-1)!;
  const seconds = recordings.reduce((sum, recording) => sum + recording.times.at(-1)!, 0);
  const windows = recordings.flatMap((recording, index) =>
    cutWindows(recording, {
      // Half a step more: times are sums of steps.
      seconds: (longest + 0.5) / rate,
      stride: Math.max(5 / rate, seconds / MOST_WINDOWS),
      begin: 0,
      end: 1,
      soundStarts: true,
    }).map((window) => ({ ...window, recording: index })),
  );
  if (windows.length === 0) return null;
  const evaluator = await makeLocalEvaluator(
    { urdf: robot.model.urdf, physics: task.physics, nominal: dynamics },
    recordings,
  );
  try {
    const [residuals] = await evaluator.evaluate({
      parameters: [],
      nominal: dynamics,
      points: [[]],
      windows,
      start: 'smoothed',
    });
    const width = 2 * recordings[0]!.joints.length;
    return HORIZONS.map((steps) => {
      let [sum, count] = [0, 0];
      for (const window of residuals!) {
        const at = (steps - 1) * width;
        if (at + width > window.length) continue;
        for (let k = at; k < at + width; k++) sum += window[k]! ** 2;
        count += width;
      }
      return Math.sqrt(sum / Math.max(1, count));
    });
  } finally {
    await evaluator.close();
  }
}
