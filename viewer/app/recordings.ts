/** From chosen or offered files to something to show: reads them, finds their robot, says what could not be used. */

import { InputError, messageOf } from '../../core/errors.ts';
import { jointNames, type RobotModel } from '../../core/robot-model.ts';
import type { RecordingEntry } from '../protocol.ts';
import { RecordedFrames } from './recorded-frames.ts';
import { fetchRobot, type Recording, readRecording, readRobot } from './robot-file.ts';

export interface OpenedRecordings {
  readonly frames: RecordedFrames;
  /** About every file, for the log. */
  readonly notes: readonly string[];
  /** About files that are not shown. */
  readonly problems: readonly string[];
}

/** A file's name and bytes, wherever they come from. */
export interface NamedBytes {
  readonly name: string;
  readonly bytes: () => Promise<Uint8Array>;
}

export function ofFile(file: File): NamedBytes {
  return { name: file.name, bytes: async () => new Uint8Array(await file.arrayBuffer()) };
}

export function ofEntry({ id, name }: RecordingEntry): NamedBytes {
  return {
    name,
    bytes: async () => {
      const response = await fetch(`recording/${id}`);
      if (!response.ok) throw new InputError(`${name}: the server no longer has it (${response.status})`);
      return new Uint8Array(await response.arrayBuffer());
    },
  };
}

/**
 * @param shown the robot on show, which a recording without description may be of
 * @throws InputError when nothing of it can be shown
 */
export async function openRecordings(
  files: readonly NamedBytes[],
  shown: RobotModel | null,
): Promise<OpenedRecordings> {
  const problems: string[] = [];
  const recordings: Recording[] = [];
  let model: RobotModel | null = null;
  for (const { name, bytes } of files) {
    try {
      if (name.endsWith('.urdf')) model = await readRobot(new TextDecoder().decode(await bytes()), name);
      else recordings.push(await readRecording(await bytes(), name));
    } catch (error) {
      problems.push(withRepair(error));
    }
  }
  const first = recordings[0];
  if (first === undefined) throw new InputError(problems.join('\n') || 'expected an .mcap recording, found none');
  model ??= await robotOf(first, shown);
  const names = jointNames(model);
  const fitting = recordings.filter(({ name, episode }) => {
    const missing = episode.meta.joints.filter((joint) => !names.includes(joint));
    if (missing.length > 0) problems.push(`${name}: the robot ${model?.name} has no joint ${missing.join(', ')}`);
    return missing.length === 0 && episode.steps.length > 0;
  });
  if (fitting.length === 0) throw new InputError(problems.join('\n') || `${first.name}: expected steps, found none`);
  return { frames: new RecordedFrames(fitting, model), notes: recordings.flatMap(({ notes }) => notes), problems };
}

async function robotOf({ name, urdf, episode }: Recording, shown: RobotModel | null): Promise<RobotModel> {
  if (urdf !== null) return readRobot(urdf, `${name} /robot_description`);
  const { contract, joints, robot } = episode.meta;
  const known = contract === null ? null : await fetchRobot(contract.robot.urdfHash);
  if (known !== null) return known;
  const fits = shown !== null && joints.every((joint) => jointNames(shown).includes(joint));
  if (fits) return shown;
  throw new InputError(`${name}: it does not describe its robot, ${robot}, and the server does not know it`, {
    repair: `drop the robot's .urdf together with it`,
  });
}

/** A thrown error with its repair, for a person. */
export function withRepair(error: unknown): string {
  const repair = error instanceof InputError ? error.repair : undefined;
  return repair === undefined ? messageOf(error) : `${messageOf(error)}\n${repair}`;
}
