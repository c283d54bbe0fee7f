/**
 * How an episode lies in an MCAP file (https://mcap.dev/spec): topics, schemas, metadata records. Profile `ros2`, so
 * Foxglove and `ros2 bag` open it. Every step is a message each of state, command, step, sensors and odometry, with the
 * step's number as their sequence. `/landfall/step` holds what ROS messages cannot hold exactly. Knows only the layout; core/episode-writer.ts and core/episode-reader.ts do the work.
 */

import * as v from 'valibot';
import { CONTRACT_VERSION, parseContract } from './contract.ts';
import type { EpisodeMeta, EpisodeOutcome } from './episode.ts';
import { InputError } from './errors.ts';
import { exactJson, exactNumber } from './exact-json.ts';
import { type SensorRecord, sensorRecord } from './ros-sensors.ts';
import { parseWith } from './schema.ts';

/** Version 1 had joints alone; it is still read. */
export const EPISODE_VERSION = 2;
const READABLE = ['1', '2'];

/** Names of the metadata records: the first comes before the steps, the second after them. */
export const META_RECORD = 'landfall';
export const OUTCOME_RECORD = 'landfall_outcome';

/** What a topic holds. Stored in its channel's metadata under `landfall`, so that topics may have any name. */
export type Role = 'state' | 'command' | 'step' | 'odometry' | 'sensor';
export const ROLE_KEY = 'landfall';
/** Names the sensor in the metadata of a channel whose role is `sensor`. */
export const SENSOR_KEY = 'landfall_sensor';

export const STATE_TOPIC = '/joint_states';
export const STEP_TOPIC = '/landfall/step';
export const DESCRIPTION_TOPIC = '/robot_description';
const DEFAULT_COMMAND_TOPIC = '/joint_commands';
const OWN_TOPICS = [STATE_TOPIC, STEP_TOPIC, DESCRIPTION_TOPIC];

/** The topic the robot took its commands on, when that is known. */
export function commandTopic(meta: EpisodeMeta): string {
  const topic = meta.contract?.ros.command.topic ?? DEFAULT_COMMAND_TOPIC;
  return OWN_TOPICS.includes(topic) ? DEFAULT_COMMAND_TOPIC : topic;
}

export interface SensorChannel {
  readonly name: string;
  readonly topic: string;
  readonly record: SensorRecord;
}

/** The sensors that have topics of their own, as the contract names them. Readings of others are in the step. */
export function sensorChannels({ contract }: EpisodeMeta): SensorChannel[] {
  const taken = new Set(OWN_TOPICS);
  return Object.entries(contract?.sensors ?? {}).map(([name, size]) => {
    const source = contract?.ros.sensors?.[name];
    const type = (source?.type ?? '').replace('/msg/', '/');
    const wanted = source?.topic ?? `/${name}`;
    const topic = taken.has(wanted) ? `/landfall/sensors/${name}` : wanted;
    taken.add(topic);
    return { name, topic, record: sensorRecord(type, size) };
  });
}

const number = { type: 'number' };
const numbers = { type: 'array', items: number };

/** JSON Schema of `/landfall/step`. Numbers that JSON lacks are the strings "NaN", "Infinity" and "-Infinity". */
export const stepSchema = {
  name: 'landfall/Step',
  text: JSON.stringify({
    type: 'object',
    properties: {
      sensorTime: number,
      receiptTime: number,
      commandTime: number,
      obs: numbers,
      action: numbers,
      base: numbers,
      twist: numbers,
      sensors: { type: 'object', properties: {} },
      taskCommand: numbers,
      command: numbers,
      reward: number,
      rewardTerms: { type: 'object', properties: {} },
      terminated: { type: 'boolean' },
      truncated: { type: 'boolean' },
    },
  }),
};

const anyNumber = v.pipe(
  v.unknown(),
  v.check((value) => exactNumber(value) !== undefined, 'a number'),
  v.transform((value) => exactNumber(value) ?? NaN),
);

const metaSchema = v.object({
  id: v.string(),
  source: v.picklist(['sim', 'twin', 'robot', 'import']),
  robot: v.string(),
  task: v.string(),
  joints: v.array(v.string()),
  rateHz: anyNumber,
  startedAt: anyNumber,
  shadow: v.boolean(),
  parameters: v.record(v.string(), anyNumber),
  scans: v.optional(
    v.record(v.string(), v.object({ from: anyNumber, to: anyNumber, minRange: anyNumber, maxRange: anyNumber })),
  ),
});

/** Fields that are text as they are; the others are JSON. */
const TEXT_FIELDS = new Set(['id', 'source', 'robot', 'task']);

export function metaToRecord(meta: EpisodeMeta): Map<string, string> {
  const record = new Map([['version', String(EPISODE_VERSION)]]);
  for (const [key, value] of Object.entries(meta)) {
    if (value !== undefined) record.set(key, TEXT_FIELDS.has(key) ? String(value) : exactJson(value));
  }
  return record;
}

/** @throws InputError when the record is of another version or not an episode's */
export function metaFromRecord(record: ReadonlyMap<string, string>, where: string): EpisodeMeta {
  const version = record.get('version');
  if (version === undefined || !READABLE.includes(version)) {
    throw new InputError(
      `${where}: expected an episode of version ${READABLE.join(' or ')}, found ${version ?? 'none'}`,
      {
        repair: 'read it with the version of Landfall that recorded it',
      },
    );
  }
  const fields: Record<string, unknown> = {};
  for (const [key, text] of record) fields[key] = TEXT_FIELDS.has(key) ? text : parseJson(text, key, where);
  const meta = parseWith(metaSchema, fields, `episode description in ${where}`);
  const contract = fields.contract ?? null;
  const { scans, ...rest } = meta;
  return {
    ...rest,
    ...(scans === undefined ? {} : { scans }),
    contract: contract === null ? null : parseContract(widened(contract), where),
  };
}

/** A contract of the first version knew neither sensors nor commands. */
function widened(contract: unknown): unknown {
  if (typeof contract !== 'object' || contract === null || !('schema' in contract) || contract.schema !== 1)
    return contract;
  return { command: { names: [], units: [], ranges: [] }, sensors: {}, ...contract, schema: CONTRACT_VERSION };
}

export function outcomeToRecord(outcome: EpisodeOutcome): Map<string, string> {
  return new Map([
    ['reason', outcome.reason],
    ['completed', String(outcome.completed)],
  ]);
}

export function outcomeFromRecord(record: ReadonlyMap<string, string>): EpisodeOutcome {
  return { reason: record.get('reason') ?? '', completed: record.get('completed') === 'true' };
}

function parseJson(text: string, key: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InputError(`${where}: expected JSON in the episode's ${key}, found ${text.slice(0, 40)}`, { cause });
  }
}
