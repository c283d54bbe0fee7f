/** Recorded episodes side by side on one time line that starts at 0; a shorter one stays in its last pose. */

import type { Episode, EpisodeStep } from '../../core/episode.ts';
import { baseOf } from '../../core/episode-base.ts';
import { type Channel, POSE_SIZE } from '../../core/frame-ring.ts';
import type { RobotModel } from '../../core/robot-model.ts';
import type { ShownScene } from '../scene-message.ts';
import { interpolatePose } from './base-pose.ts';
import { columnsOf, type FrameSource, interpolate, lastAtOrBefore, type Series } from './frame-source.ts';

export interface NamedEpisode {
  readonly name: string;
  readonly episode: Episode;
}

interface Track {
  readonly name: string;
  /** s from the episode's first step. */
  readonly times: Float64Array;
  readonly steps: readonly EpisodeStep[];
  readonly columns: Int32Array;
  /** What reads each of the source's channels from a step of this episode. */
  readonly readers: readonly (((step: EpisodeStep) => number | undefined) | null)[];
}

/** The steps around a moment. */
interface Moment {
  readonly before: EpisodeStep;
  readonly after: EpisodeStep;
  readonly fraction: number;
}

/** A channel and how it is read from a step. */
interface ChannelReader {
  readonly channel: Channel;
  readonly read: (step: EpisodeStep) => number | undefined;
}

export class RecordedFrames implements FrameSource {
  readonly kind = 'recording';
  readonly isLive = false;
  readonly start = 0;
  readonly title: string;
  readonly model: RobotModel;
  readonly channels: readonly Channel[];
  readonly end: number;
  readonly #tracks: readonly Track[];

  /** @param episodes at least one, of the robot `model` */
  constructor(episodes: readonly NamedEpisode[], model: RobotModel) {
    this.model = episodes.some(({ episode }) => isMoving(episode)) ? { ...model, base: 'floating' } : model;
    const first = episodes[0]!;
    this.title = episodes.length === 1 ? first.name : `${episodes.length} episodes`;
    const readers = episodes.map(({ episode }) => channelsOf(episode));
    const channels = new Map(readers.flat().map(({ channel }) => [keyOf(channel), channel]));
    this.channels = [...channels.values()];
    this.#tracks = episodes.map(({ name, episode }, e) => {
      const own = new Map(readers[e]!.map(({ channel, read }) => [keyOf(channel), read]));
      return {
        name,
        times: relativeTimes(episode.steps),
        steps: episode.steps,
        columns: columnsOf(model, episode.meta.joints),
        readers: this.channels.map((channel) => own.get(keyOf(channel)) ?? null),
      };
    });
    this.end = Math.max(0, ...this.#tracks.map((track) => track.times.at(-1) ?? 0));
  }

  get numEnvs(): number {
    return this.#tracks.length;
  }

  labelOf(env: number): string {
    return this.#tracks[env]?.name ?? '';
  }

  clockAt(time: number): number {
    return time;
  }

  poseAt(time: number, out: Float32Array): void {
    const width = this.model.dof.length;
    for (const [env, track] of this.#tracks.entries()) {
      const moment = momentOf(track, time);
      if (moment === null) continue;
      const { before, after, fraction } = moment;
      const { columns } = track;
      for (let j = 0; j < columns.length; j++) {
        const value = interpolate(before.q[j]!, after.q[j]!, fraction);
        if (columns[j]! >= 0 && Number.isFinite(value)) out[env * width + columns[j]!] = value;
      }
    }
  }

  baseAt(time: number, out: Float32Array): void {
    for (const [env, track] of this.#tracks.entries()) {
      const moment = momentOf(track, time);
      const [before, after] = moment === null ? [null, null] : [baseOf(moment.before), baseOf(moment.after)];
      if (moment === null || before === null || after === null) continue;
      interpolatePose(before, 0, after, 0, moment.fraction, out, env * POSE_SIZE);
    }
  }

  /** Recordings do not say. */
  sceneAt(): ShownScene | null {
    return null;
  }

  objectsAt(): Float32Array | null {
    return null;
  }

  series(env: number, from: number, to: number): Series {
    const columns: (number | null)[][] = this.channels.map(() => []);
    const track = this.#tracks[env];
    if (track === undefined) return { times: [], columns };
    const first = Math.max(
      0,
      lastAtOrBefore(from, track.times.length, (k) => track.times[k]!),
    );
    const last = lastAtOrBefore(to, track.times.length, (k) => track.times[k]!) + 1;
    const steps = track.steps.slice(first, last + 1);
    for (const [c, read] of track.readers.entries()) {
      columns[c] = steps.map((step) => {
        const value = read?.(step);
        return value !== undefined && Number.isFinite(value) ? value : null;
      });
    }
    return { times: Array.from(track.times.subarray(first, last + 1)), columns };
  }

  neighbour(time: number, direction: -1 | 1): number {
    let best = direction === 1 ? this.end : this.start;
    for (const { times } of this.#tracks) {
      const i = lastAtOrBefore(time + (direction === 1 ? 1e-9 : -1e-9), times.length, (k) => times[k]!);
      const found = times[direction === 1 ? i + 1 : i];
      if (found === undefined) continue;
      best = direction === 1 ? Math.min(best, found) : Math.max(best, found);
    }
    return best;
  }
}

function momentOf({ times, steps }: Track, time: number): Moment | null {
  const i = Math.max(
    0,
    lastAtOrBefore(time, times.length, (k) => times[k]!),
  );
  const before = steps[i];
  const after = steps[Math.min(i + 1, steps.length - 1)];
  if (before === undefined || after === undefined) return null;
  const span = (times[i + 1] ?? times[i]!) - times[i]!;
  return { before, after, fraction: span > 0 ? Math.min(1, (time - times[i]!) / span) : 0 };
}

const AT_ORIGIN = [0, 0, 0, 0, 0, 0, 1];

/** Whether its base was ever anywhere but in the world's origin, where a fixed base is. */
function isMoving({ steps }: Episode): boolean {
  return steps.some((step) => baseOf(step)?.some((value, i) => Number.isFinite(value) && value !== AT_ORIGIN[i]));
}

/** Sensor times from 0 on. Where a clock stepped back, time stands still. */
function relativeTimes(steps: readonly EpisodeStep[]): Float64Array {
  const times = new Float64Array(steps.length);
  for (let i = 1; i < steps.length; i++) {
    const step = steps[i]!.sensorTime - steps[i - 1]!.sensorTime;
    times[i] = times[i - 1]! + (step > 0 ? step : 0);
  }
  return times;
}

function keyOf(channel: Channel): string {
  return `${channel.group} ${channel.name}`;
}

/** Reward terms, observations by their contract's names, then per joint the torque and the state. */
function channelsOf({ meta, steps }: Episode): ChannelReader[] {
  const found: ChannelReader[] = [];
  const add = (group: Channel['group'], name: string, unit: string, read: ChannelReader['read']) =>
    found.push({ channel: { group, name, unit }, read });
  const first = steps[0];
  if (first === undefined) return found;
  for (const name of Object.keys(first.rewardTerms)) add('reward', name, '', (step) => step.rewardTerms[name]);
  if (Object.keys(first.rewardTerms).length > 0) add('reward', 'total', '', (step) => step.reward);
  for (const [i, { name, unit }] of observationNames(meta.contract, first.obs.length).entries()) {
    add('obs', name, unit, (step) => step.obs[i]);
  }
  for (const [j, joint] of meta.joints.entries()) {
    const prefix = meta.joints.length > 1 ? `${joint} ` : '';
    add('torque', `${prefix}commanded`, 'N m', (step) => step.command[j]);
    if (steps.some((step) => Number.isFinite(step.effort[j]))) {
      add('torque', `${prefix}measured`, 'N m', (step) => step.effort[j]);
    }
    add('other', `${prefix}position`, 'rad', (step) => step.q[j]);
    add('other', `${prefix}velocity`, 'rad/s', (step) => step.qd[j]);
  }
  return found;
}

function observationNames(contract: Episode['meta']['contract'], count: number): { name: string; unit: string }[] {
  const names: { name: string; unit: string }[] = [];
  for (const { name, size, unit } of contract?.observations ?? []) {
    for (let i = 0; i < size; i++) names.push({ name: size > 1 ? `${name}[${i}]` : name, unit });
  }
  return Array.from({ length: count }, (_, i) => names[i] ?? { name: `obs[${i}]`, unit: '' });
}
