/**
 * Reads an episode back from its MCAP bytes. `readEpisode` takes only whole recordings whose checksums hold;
 * `salvageEpisode` takes what can be read of one that was cut off. Knows no file.
 */

import type { Message } from '@mcap/core';
import type { Episode, EpisodeMeta, EpisodeStep } from './episode.ts';
import {
  META_RECORD,
  metaFromRecord,
  OUTCOME_RECORD,
  outcomeFromRecord,
  ROLE_KEY,
  type Role,
  SENSOR_KEY,
  sensorChannels,
} from './episode-format.ts';
import { InputError, messageOf } from './errors.ts';
import { exactNumber } from './exact-json.ts';
import { type McapScan, scanMcap } from './mcap-scan.ts';
import { jointStateType } from './ros-messages.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * @param where names the file, for the error
 * @throws InputError when the bytes are not a whole episode
 */
export async function readEpisode(bytes: Uint8Array, where: string): Promise<Episode> {
  const { scan, meta } = open(bytes, where);
  const messages = byRole(scan);
  const counts = [messages.state.length, messages.command.length, messages.step.length];
  const damage =
    scan.damage ??
    (new Set(counts).size > 1
      ? `${counts.join(', ')} messages of state, command and step where they must be as many`
      : null);
  if (damage !== null) {
    throw new InputError(`${where}: expected a complete episode, found one ${damage}`, {
      repair: `landfall episodes repair ${where}`,
    });
  }
  const steps = messages.state.map((_, i) => {
    try {
      return stepAt(messages, i, meta);
    } catch (cause) {
      throw new InputError(`${where}: step ${i}: ${messageOf(cause)}`, {
        cause,
        repair: `landfall episodes repair ${where}`,
      });
    }
  });
  const outcome = scan.metadata.get(OUTCOME_RECORD);
  return { meta, steps, outcome: outcome === undefined ? null : outcomeFromRecord(outcome) };
}

/**
 * The steps before the first damage; outcome null.
 * @throws InputError when not even the episode's description can be read
 */
export async function salvageEpisode(bytes: Uint8Array, where: string): Promise<Episode> {
  const { scan, meta } = open(bytes, where);
  const messages = byRole(scan);
  const steps: EpisodeStep[] = [];
  try {
    while (steps.length < messages.step.length) steps.push(stepAt(messages, steps.length, meta));
  } catch {
    // An episode has no gaps: it ends where the first step is damaged or missing.
  }
  return { meta, steps, outcome: null };
}

function open(bytes: Uint8Array, where: string): { scan: McapScan; meta: EpisodeMeta } {
  const scan = scanMcap(bytes);
  if (!scan.isMcap) {
    throw new InputError(`${where}: expected an MCAP episode, found ${beginning(bytes)}`, {
      repair: 'give a recording made by landfall (.mcap)',
    });
  }
  const record = scan.metadata.get(META_RECORD);
  if (record !== undefined) return { scan, meta: metaFromRecord(record, where) };
  if (scan.damage !== null && scan.messages.length === 0) {
    throw new InputError(`${where}: expected an episode, found a file ${scan.damage}, before its first step`, {
      repair: 'nothing in it can be repaired: record again',
    });
  }
  const topics = [...scan.channels.values()].map((channel) => channel.topic);
  const found = `library ${scan.header?.library || 'unknown'}, topics ${topics.join(' ') || 'none'}`;
  throw new InputError(`${where}: expected a Landfall episode, found another MCAP file (${found})`, {
    repair: 'give a recording made by landfall deploy, robot or eval',
  });
}

/** What a file that is not MCAP begins with, readable. */
function beginning(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'an empty file';
  const text = Array.from(bytes.subarray(0, 16), (byte) =>
    byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.',
  );
  return `a file of ${bytes.length} bytes that begins with "${text.join('')}"`;
}

/** What every step has a message of. */
type Needed = Exclude<Role, 'odometry' | 'sensor'>;

type MessagesByRole = Readonly<Record<Needed, readonly Message[]>> & {
  /** By sensor, then by step. */
  readonly sensors: ReadonlyMap<string, ReadonlyMap<number, Message>>;
};

/** The episode's messages, each role in the order of its steps. */
function byRole(scan: McapScan): MessagesByRole {
  const messages: Record<Needed, Message[]> = { state: [], command: [], step: [] };
  const sensors = new Map<string, Map<number, Message>>();
  for (const message of scan.messages) {
    const metadata = scan.channels.get(message.channelId)?.metadata;
    const role = metadata?.get(ROLE_KEY);
    if (role === 'sensor') {
      const name = metadata?.get(SENSOR_KEY) ?? '';
      if (!sensors.has(name)) sensors.set(name, new Map());
      sensors.get(name)!.set(message.sequence, message);
    } else if (role === 'state' || role === 'command' || role === 'step') messages[role].push(message);
  }
  // Other tools sort by time, which need not be the order of the steps.
  for (const list of Object.values(messages)) list.sort((a, b) => a.sequence - b.sequence);
  return { ...messages, sensors };
}

/** @throws Error saying what is wrong with step `index` */
function stepAt(messages: MessagesByRole, index: number, meta: EpisodeMeta): EpisodeStep {
  const data = (role: Needed): Uint8Array => {
    const message = messages[role][index];
    if (message?.sequence !== index) throw new Error(`no ${role} message`);
    return message.data;
  };
  const state = jointStateType.decode(data('state'));
  const command = jointStateType.decode(data('command'));
  const json: unknown = JSON.parse(utf8.decode(data('step')));
  if (typeof json !== 'object' || json === null)
    throw new Error(`expected an object in the step, found ${typeof json}`);
  const fields = json as Record<string, unknown>;
  const n = meta.joints.length;
  return {
    sensorTime: number(fields, 'sensorTime'),
    receiptTime: number(fields, 'receiptTime'),
    commandTime: number(fields, 'commandTime'),
    q: column(state.position, n, 'position'),
    qd: column(state.velocity, n, 'velocity'),
    effort: column(state.effort, n, 'effort'),
    obs: Float32Array.from(numbers(fields, 'obs')),
    action: Float32Array.from(numbers(fields, 'action')),
    base: Float64Array.from(numbers(fields, 'base', [])),
    twist: Float64Array.from(numbers(fields, 'twist', [])),
    sensors: sensorsAt(messages, index, fields, meta),
    taskCommand: Float64Array.from(numbers(fields, 'taskCommand', [])),
    command: column(command.effort, n, 'commanded effort'),
    qTarget: Float64Array.from(command.position),
    qdTarget: Float64Array.from(command.velocity),
    reward: number(fields, 'reward'),
    rewardTerms: terms(fields.rewardTerms),
    terminated: flag(fields, 'terminated'),
    truncated: flag(fields, 'truncated'),
  };
}

/** Readings from their own messages, and from the step where a message would not hold them exactly. */
function sensorsAt(
  { sensors }: MessagesByRole,
  index: number,
  fields: Record<string, unknown>,
  meta: EpisodeMeta,
): Record<string, Float64Array> {
  const readings: Record<string, Float64Array> = {};
  for (const { name, record } of sensorChannels(meta)) {
    const message = sensors.get(name)?.get(index);
    if (message !== undefined) readings[name] = record.decode(message.data);
  }
  const given = fields.sensors;
  if (given === undefined) return readings;
  if (typeof given !== 'object' || given === null) throw new Error(`expected an object in sensors, found ${given}`);
  const exact = given as Record<string, unknown>;
  for (const name of Object.keys(exact)) readings[name] = Float64Array.from(numbers(exact, name));
  return readings;
}

/** A copy, so that an episode does not hold on to the bytes of its file. */
function column(values: Float64Array, size: number, name: string): Float64Array {
  if (values.length !== size) throw new Error(`expected ${size} numbers of ${name}, found ${values.length}`);
  return Float64Array.from(values);
}

function number(fields: Record<string, unknown>, key: string): number {
  const value = exactNumber(fields[key]);
  if (value === undefined) throw new Error(`expected a number in ${key}, found ${JSON.stringify(fields[key])}`);
  return value;
}

/** @param absent what an absent field means; without it, it is an error */
function numbers(fields: Record<string, unknown>, key: string, absent?: number[]): number[] {
  const list = fields[key] ?? absent;
  if (!Array.isArray(list)) throw new Error(`expected an array in ${key}, found ${typeof list}`);
  return list.map((item: unknown, i) => {
    const value = exactNumber(item);
    if (value === undefined) throw new Error(`expected a number in ${key}[${i}], found ${JSON.stringify(item)}`);
    return value;
  });
}

function flag(fields: Record<string, unknown>, key: string): boolean {
  const value = fields[key];
  if (typeof value !== 'boolean') throw new Error(`expected true or false in ${key}, found ${JSON.stringify(value)}`);
  return value;
}

function terms(value: unknown): Record<string, number> {
  if (typeof value !== 'object' || value === null)
    throw new Error(`expected an object in rewardTerms, found ${typeof value}`);
  const fields = value as Record<string, unknown>;
  return Object.fromEntries(Object.keys(fields).map((key) => [key, number(fields, key)]));
}
