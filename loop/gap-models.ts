/**
 * What closes the gap between a simulator and recordings beyond its parameters: how these are distributed, what to add to
 * actions, and what drives make of what they are asked for. Puts the parts of sim/identify together.
 */

import type { Episode } from '../core/episode.ts';
import { InputError } from '../core/errors.ts';
import { foldIn, type Key } from '../core/rng.ts';
import type { DeltaActionModel } from '../sim/delta-action.ts';
import {
  type DriveLog,
  fitActuator,
  linearModel,
  networkModel,
  rowsOf,
  torqueError,
} from '../sim/identify/actuator-fit.ts';
import { type ChosenDelta, learnDelta } from '../sim/identify/delta-choice.ts';
import type { IdentifiedGroup } from '../sim/identify/identify.ts';
import type { Evaluator } from '../sim/identify/problem.ts';
import type { Recording } from '../sim/identify/recording.ts';
import { robustDeviation } from '../sim/identify/robust-statistics.ts';
import type { Span } from '../sim/identify/windows.ts';
import type { ActuatorNetwork } from '../sim/robot-spec.ts';

/** Corrects the fitted simulator's efforts, up to the torque that usually moved each joint. */
export function deltaOfGroup(
  evaluator: Evaluator,
  recordings: readonly Recording[],
  { members, dynamics }: Pick<IdentifiedGroup, 'members' | 'dynamics'>,
  disturbances: readonly (readonly Span[])[],
  robot: DeltaActionModel['robot'],
  key: Key,
): Promise<ChosenDelta> {
  const n = recordings[0]!.joints.length;
  const limit = Array.from({ length: n }, (_, j) => {
    const usual = members.map((index) => robustDeviation(recordings[index]!.torque.filter((_, k) => k % n === j)));
    return Math.max(1e-3, usual.reduce((sum, x) => sum + x, 0) / usual.length);
  });
  const parts = members.map((recording) => ({ recording, begin: 0, end: recordings[recording]!.times.at(-1)! }));
  return learnDelta({ evaluator, recordings, dynamics, robot, channel: 'effort', limit }, parts, disturbances, key);
}

export interface LearnedDrive {
  readonly joint: string;
  readonly network: ActuatorNetwork;
  /** RMS torque error on the last episode, which was not fitted, or on the last fifth of the only one, N m. */
  readonly error: number;
  readonly linearError: number;
}

/**
 * A network for every joint whose torque was measured beside what it was asked for. @throws InputError when there is none
 */
export function drivesOf(episodes: readonly Episode[], key: Key): LearnedDrive[] {
  const { joints } = episodes[0]!.meta;
  const drives = joints.flatMap((joint, j): LearnedDrive[] => {
    const logs = episodes.flatMap((episode) => driveLog(episode, j) ?? []);
    if (logs.length === 0) return [];
    const { input } = logs[0]!;
    const [train, test] = split(logs);
    const network = fitActuator(train, { input, key: foldIn(key, j) });
    const rows = rowsOf(test, network.history, network.period);
    const linear = linearModel(rowsOf(train, network.history, network.period), network.history);
    return [
      { joint, network, error: torqueError(networkModel(network), rows), linearError: torqueError(linear, rows) },
    ];
  });
  if (drives.length > 0) return drives;
  throw new InputError('no joint has a measured torque beside what it was asked for, so no drive can be learned', {
    repair: 'record efforts: an importer that knows no command repeats the measured torque in its place',
  });
}

interface Asked extends DriveLog {
  readonly input: 'error' | 'effort';
}

function driveLog({ steps, meta }: Episode, j: number): Asked | null {
  if (!steps.every((step) => Number.isFinite(step.effort[j]!))) return null;
  const positions = steps.every((step) => step.qTarget.length === meta.joints.length);
  const asked = Float64Array.from(steps, (step) => (positions ? step.qTarget[j]! - step.q[j]! : step.command[j]!));
  if (!asked.every(Number.isFinite) || steps.every((step, k) => asked[k] === step.effort[j])) return null;
  return {
    input: positions ? 'error' : 'effort',
    times: Float64Array.from(steps, (step) => step.sensorTime),
    asked,
    velocity: Float64Array.from(steps, (step) => step.qd[j]!),
    torque: Float64Array.from(steps, (step) => step.effort[j]!),
  };
}

/** The last log is the test; of a single one, its last fifth. */
function split(logs: readonly Asked[]): [DriveLog[], DriveLog[]] {
  if (logs.length > 1) return [logs.slice(0, -1), logs.slice(-1)];
  const [log] = logs as [Asked];
  const cut = Math.floor(0.8 * log.times.length);
  const piece = (from: number, to: number): DriveLog => ({
    times: log.times.slice(from, to),
    asked: log.asked.slice(from, to),
    velocity: log.velocity.slice(from, to),
    torque: log.torque.slice(from, to),
  });
  return [[piece(0, cut)], [piece(cut, log.times.length)]];
}
