/**
 * Drives learned from logs with measured torque, judged on recordings that they have not seen: the simple pendulum's (its
 * references hold what was asked of the drive) and the double pendulum's identification runs, one left out at a time.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { importEpisode } from '../../../bridge/importers/import-episode.ts';
import type { Episode } from '../../../core/episode.ts';
import { foldIn, type Key } from '../../../core/rng.ts';
import {
  type DriveLog,
  fitActuator,
  linearModel,
  motorModel,
  networkModel,
  rowsOf,
  torqueError,
} from '../../../sim/identify/actuator-fit.ts';

const HISTORY = 3;
const PERIOD = 0.01;

export interface ActuatorFigures {
  readonly drive: string;
  /** RMS of the torque on each left-out recording, N m, in the order of `heldOut`. */
  readonly heldOut: readonly string[];
  readonly errors: Readonly<Record<'as asked' | 'linear' | 'dc-motor' | 'network', readonly number[]>>;
  /** Of the measured torque itself, N m. */
  readonly deviation: readonly number[];
}

interface Named {
  readonly name: string;
  readonly log: DriveLog;
}

export async function actuatorFigures(data: string, key: Key): Promise<ActuatorFigures[]> {
  const figures: ActuatorFigures[] = [];
  const asked = ['energy_shaping', 'ilqr_swingup'];
  const simple: Named[] = [];
  for (const name of asked) {
    const path = join(data, 'pendulum', name);
    const measured = await importEpisode(`${path}.csv`);
    const reference = await importEpisode(`${path}_desired.csv`);
    simple.push({ name, log: logOf(measured, 0, (k) => reference.steps[k]!.effort[0]!) });
  }
  figures.push(await leaveOneOut('simple pendulum, torque', simple, foldIn(key, 1)));
  const runs = [0, 1, 2, 3].map((i) => join(data, 'double-pendulum', `sysid_0${i}.csv`));
  if (!runs.every(existsSync)) return figures;
  const episodes: Episode[] = [];
  for (const path of runs) episodes.push(await importEpisode(path));
  for (const joint of [0, 1]) {
    const logs = episodes.map((episode, i) => ({
      name: `sysid_0${i}`,
      log: logOf(episode, joint, (k) => episode.steps[k]!.command[joint]!),
    }));
    figures.push(await leaveOneOut(`double pendulum, joint ${joint + 1}`, logs, foldIn(key, 2 + joint)));
  }
  return figures;
}

function logOf({ steps }: Episode, joint: number, asked: (k: number) => number): DriveLog {
  return {
    times: Float64Array.from(steps, (step) => step.sensorTime),
    asked: Float64Array.from(steps, (_, k) => asked(k)),
    velocity: Float64Array.from(steps, (step) => step.qd[joint]!),
    torque: Float64Array.from(steps, (step) => step.effort[joint]!),
  };
}

async function leaveOneOut(drive: string, logs: readonly Named[], key: Key): Promise<ActuatorFigures> {
  const errors = {
    'as asked': [] as number[],
    linear: [] as number[],
    'dc-motor': [] as number[],
    network: [] as number[],
  };
  const deviation: number[] = [];
  for (const [k, left] of logs.entries()) {
    const train = logs.filter((_, i) => i !== k).map(({ log }) => log);
    const rows = rowsOf(train, HISTORY, PERIOD);
    const test = rowsOf([left.log], HISTORY, PERIOD);
    const network = fitActuator(train, { input: 'effort', key: foldIn(key, k), history: HISTORY, period: PERIOD });
    errors['as asked'].push(torqueError({ name: 'as asked', torque: (row) => row[0]! }, test));
    errors.linear.push(torqueError(linearModel(rows, HISTORY), test));
    errors['dc-motor'].push(torqueError(await motorModel(rows, HISTORY, foldIn(key, k)), test));
    errors.network.push(torqueError(networkModel(network), test));
    const mean = test.torques.reduce((sum, x) => sum + x, 0) / test.torques.length;
    deviation.push(torqueError({ name: 'mean', torque: () => mean }, test));
  }
  return { drive, heldOut: logs.map(({ name }) => name), errors, deviation };
}
