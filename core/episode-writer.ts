/**
 * Records an episode while it happens. `write` copies the step and returns; the bytes go to the output in the
 * background, in order. Nothing here throws into a control loop: what goes wrong waits in `error` and comes out of `end`.
 * Knows no file: the output is an `IWritable` of @mcap/core.
 */

import type { Channel, IWritable, Message } from '@mcap/core';
import { McapWriter } from '@mcap/core';
import { type EpisodeMeta, type EpisodeOutcome, type EpisodeSink, type EpisodeStep, JOINTS_ALONE } from './episode.ts';
import {
  commandTopic,
  DESCRIPTION_TOPIC,
  META_RECORD,
  metaToRecord,
  OUTCOME_RECORD,
  outcomeToRecord,
  ROLE_KEY,
  type Role,
  SENSOR_KEY,
  type SensorChannel,
  STATE_TOPIC,
  STEP_TOPIC,
  sensorChannels,
  stepSchema,
} from './episode-format.ts';
import { LandfallError, messageOf } from './errors.ts';
import { exactJson } from './exact-json.ts';
import {
  type JointStateMessage,
  jointStateType,
  nanosecondsOf,
  odometryType,
  type RosType,
  stampOf,
  stringType,
} from './ros-messages.ts';
import { odometryMessage } from './ros-sensors.ts';
import { odometryTopic } from './ros-topics.ts';

export interface EpisodeWriterOptions {
  /** The robot's URDF text, recorded once on /robot_description so that Foxglove draws it. */
  readonly urdf?: string;
}

export interface EpisodeWriter extends EpisodeSink {
  /** What went wrong so far; nothing after it is recorded. */
  readonly error: Error | null;
  /** Resolves when no written step waits in memory for the output. Simulations that outrun the disk call it. */
  settle(): Promise<void>;
  /** @param outcome null leaves the recording complete but without an outcome */
  end(outcome: EpisodeOutcome | null): Promise<void>;
}

/** A chunk reaches the output after at most this long: what a killed process loses, s. */
const CHUNK_SECONDS = 0.5;
/** The same for recordings without a rate. */
const CHUNK_STEPS_WITHOUT_RATE = 100;
/** Opcode and length, channel, sequence, two times. */
const MESSAGE_OVERHEAD = 1 + 8 + 2 + 4 + 8 + 8;
/** Steps waiting for an output that has stopped taking them may hold this much memory. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

const utf8 = new TextEncoder();
const NONE = new Float64Array(0);

interface Channels {
  readonly state: number;
  readonly command: number;
  readonly step: number;
  readonly description: number | null;
  readonly odometry: number | null;
  readonly sensors: readonly (SensorChannel & { readonly channel: number })[];
}

/**
 * Start a recording: the episode's description is on the output when this resolves.
 * @throws whatever the output throws
 */
export async function openEpisodeWriter(
  out: IWritable,
  meta: EpisodeMeta,
  options: EpisodeWriterOptions = {},
): Promise<EpisodeWriter> {
  const writer = new McapWriter({ writable: out, chunkSize: chunkBytes(meta) });
  await writer.start({ profile: 'ros2', library: 'landfall' });
  await writer.addMetadata({ name: META_RECORD, metadata: metaToRecord(meta) });
  const channels = await registerChannels(writer, meta, options.urdf !== undefined);
  return new QueuedWriter(writer, meta, channels, options.urdf ?? null);
}

class QueuedWriter implements EpisodeWriter {
  readonly #writer: McapWriter;
  readonly #meta: EpisodeMeta;
  readonly #channels: Channels;
  #urdf: string | null;
  #steps = 0;
  #waiting: Message[] = [];
  #waitingBytes = 0;
  #pump: Promise<void> | null = null;
  #error: Error | null = null;
  #ended = false;

  constructor(writer: McapWriter, meta: EpisodeMeta, channels: Channels, urdf: string | null) {
    this.#writer = writer;
    this.#meta = meta;
    this.#channels = channels;
    this.#urdf = urdf;
  }

  get error(): Error | null {
    return this.#error;
  }

  write(step: EpisodeStep): void {
    if (this.#ended || this.#error !== null) return;
    try {
      this.#describe(step);
      this.#enqueue(step);
      this.#steps++;
    } catch (error) {
      this.#fail(error);
    }
    this.#pump ??= this.#drain();
  }

  async settle(): Promise<void> {
    while (this.#pump !== null) await this.#pump;
  }

  async end(outcome: EpisodeOutcome | null): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.settle();
    try {
      if (this.#error !== null) throw this.#error;
      if (outcome !== null) {
        await this.#writer.addMetadata({ name: OUTCOME_RECORD, metadata: outcomeToRecord(outcome) });
      }
      await this.#writer.end();
    } catch (cause) {
      this.#error = cause instanceof Error ? cause : new Error(String(cause));
      throw new LandfallError(`stopped after ${this.#steps} steps: ${messageOf(cause)}`, { cause });
    }
  }

  #enqueue(step: EpisodeStep): void {
    const { joints } = this.#meta;
    const n = joints.length;
    for (const name of ['q', 'qd', 'effort', 'command'] as const) {
      if (step[name].length !== n) throw new Error(`expected ${n} numbers in ${name}, found ${step[name].length}`);
    }
    for (const name of ['qTarget', 'qdTarget'] as const) {
      const { length } = step[name];
      if (length !== 0 && length !== n) throw new Error(`expected ${n} numbers in ${name}, or none, found ${length}`);
    }
    const { state, command, step: stepChannel, odometry } = this.#channels;
    const receipt = nanosecondsOf(step.receiptTime);
    const sent = nanosecondsOf(step.commandTime);
    const measured = jointState(step.sensorTime, joints, step.q, step.qd, step.effort);
    const sentCommand = jointState(step.commandTime, joints, step.qTarget, step.qdTarget, step.command);
    const measuredAt = nanosecondsOf(step.sensorTime);
    const stamp = stampOf(step.sensorTime);
    this.#push(state, receipt, measuredAt, jointStateType.encode(measured));
    const inMessages = this.#pushSensors(step, receipt, measuredAt);
    if (odometry !== null && step.base.length === 7 && step.twist.length === 6) {
      this.#push(odometry, receipt, measuredAt, odometryType.encode(odometryMessage(step.base, step.twist, stamp)));
    }
    this.#push(command, sent, sent, jointStateType.encode(sentCommand));
    this.#push(stepChannel, sent, sent, utf8.encode(stepJson(step, inMessages)));
    if (this.#waitingBytes > MAX_WAITING_BYTES) throw new Error('the output is too slow');
  }

  /** @returns the sensors whose messages keep every bit, which the step need not repeat */
  #pushSensors(step: EpisodeStep, receipt: bigint, measuredAt: bigint): Set<string> {
    const exact = new Set<string>();
    const stamp = stampOf(step.sensorTime);
    for (const { name, channel, record } of this.#channels.sensors) {
      const reading = step.sensors[name];
      if (reading === undefined) continue;
      this.#push(channel, receipt, measuredAt, record.encode(reading, stamp, name, this.#meta.scans?.[name]));
      if (record.isExact(reading)) exact.add(name);
    }
    return exact;
  }

  /** Record the URDF just before the first step, at its time. */
  #describe(first: EpisodeStep): void {
    if (this.#urdf === null || this.#channels.description === null) return;
    const time = nanosecondsOf(first.receiptTime);
    this.#push(this.#channels.description, time, time, stringType.encode({ data: asciiXml(this.#urdf) }));
    this.#urdf = null;
  }

  #push(channelId: number, logTime: bigint, publishTime: bigint, data: Uint8Array): void {
    this.#waiting.push({ channelId, sequence: this.#steps, logTime, publishTime, data });
    this.#waitingBytes += data.byteLength;
  }

  async #drain(): Promise<void> {
    // Never done before its promise is stored in #pump, even with nothing to write.
    await Promise.resolve();
    try {
      while (this.#waiting.length > 0) {
        const batch = this.#waiting;
        this.#waiting = [];
        this.#waitingBytes = 0;
        // The writer must not be called again before its promise resolves.
        for (const message of batch) await this.#writer.addMessage(message);
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#pump = null;
  }

  #fail(error: unknown): void {
    this.#error ??= error instanceof Error ? error : new Error(String(error));
    this.#waiting = [];
  }
}

async function registerChannels(writer: McapWriter, meta: EpisodeMeta, described: boolean): Promise<Channels> {
  const schemas = new Map<string, number>();
  const rosSchema = async ({ name, text }: RosType<never>) => {
    const id =
      schemas.get(name) ?? (await writer.registerSchema({ name, encoding: 'ros2msg', data: utf8.encode(text) }));
    schemas.set(name, id);
    return id;
  };
  const channel = (topic: string, schemaId: number, messageEncoding: string, role: Role | null, sensor?: string) => {
    const metadata = new Map<string, string>(role === null ? [] : [[ROLE_KEY, role]]);
    if (sensor !== undefined) metadata.set(SENSOR_KEY, sensor);
    return writer.registerChannel({ topic, schemaId, messageEncoding, metadata } satisfies Omit<Channel, 'id'>);
  };
  const odometry = meta.contract === null ? null : odometryTopic(meta.contract.ros);
  const sensors: (SensorChannel & { channel: number })[] = [];
  const jointState = await rosSchema(jointStateType as RosType<never>);
  const step = await writer.registerSchema({
    name: stepSchema.name,
    encoding: 'jsonschema',
    data: utf8.encode(stepSchema.text),
  });
  for (const sensor of sensorChannels(meta)) {
    const schema = await rosSchema(sensor.record.type);
    sensors.push({ ...sensor, channel: await channel(sensor.topic, schema, 'cdr', 'sensor', sensor.name) });
  }
  return {
    state: await channel(STATE_TOPIC, jointState, 'cdr', 'state'),
    command: await channel(commandTopic(meta), jointState, 'cdr', 'command'),
    step: await channel(STEP_TOPIC, step, 'json', 'step'),
    description: described
      ? await channel(DESCRIPTION_TOPIC, await rosSchema(stringType as RosType<never>), 'cdr', null)
      : null,
    odometry:
      odometry === null
        ? null
        : await channel(odometry, await rosSchema(odometryType as RosType<never>), 'cdr', 'odometry'),
    sensors,
  };
}

function jointState(
  seconds: number,
  name: readonly string[],
  position: Float64Array,
  velocity: Float64Array,
  effort: Float64Array,
): JointStateMessage {
  return { header: { stamp: stampOf(seconds), frame_id: '' }, name, position, velocity, effort };
}

/** @param recorded sensors whose messages hold them exactly */
function stepJson(step: EpisodeStep, recorded: ReadonlySet<string>): string {
  const { sensorTime, receiptTime, commandTime, obs, action, reward, rewardTerms, terminated, truncated } = step;
  const { base, twist, taskCommand } = step;
  const some = (values: Float64Array) => (values.length === 0 ? undefined : values);
  const rest = Object.entries(step.sensors).filter(([name]) => !recorded.has(name));
  return exactJson({
    sensorTime,
    receiptTime,
    commandTime,
    obs,
    action,
    base: some(base),
    twist: some(twist),
    sensors: rest.length === 0 ? undefined : Object.fromEntries(rest),
    taskCommand: some(taskCommand),
    reward,
    rewardTerms,
    terminated,
    truncated,
  });
}

/** Bytes that the steps of CHUNK_SECONDS take at least, every number being written as one digit. */
function chunkBytes(meta: EpisodeMeta): number {
  const zeros = new Float64Array(meta.joints.length);
  const state = jointStateType.encode(jointState(0, meta.joints, zeros, zeros, zeros));
  const command = jointStateType.encode(jointState(0, meta.joints, NONE, NONE, zeros));
  const numbers = (meta.contract?.observations ?? []).reduce((sum, term) => sum + term.size, 0);
  const empty: EpisodeStep = {
    sensorTime: 0,
    receiptTime: 0,
    commandTime: 0,
    q: zeros,
    qd: zeros,
    effort: zeros,
    obs: new Float32Array(numbers),
    action: new Float32Array(0),
    ...JOINTS_ALONE,
    command: zeros,
    reward: 0,
    rewardTerms: {},
    terminated: true,
    truncated: true,
  };
  const step = 3 * MESSAGE_OVERHEAD + state.length + command.length + stepJson(empty, new Set()).length;
  const count = meta.rateHz > 0 ? Math.max(1, Math.floor(meta.rateHz * CHUNK_SECONDS)) : CHUNK_STEPS_WITHOUT_RATE;
  return step * count;
}

/** The CDR writer counts UTF-16 units as bytes, so what is not ASCII goes out as XML character references. */
function asciiXml(text: string): string {
  return text.replace(/\P{ASCII}/gu, (character) => `&#${character.codePointAt(0)};`);
}
