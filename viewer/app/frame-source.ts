/**
 * What the page can show, live or recorded: joint coordinates of several environments over one time line, and named
 * channels of each. Knows no drawing and no network.
 */

import type { Channel } from '../../core/frame-ring.ts';
import type { RobotModel } from '../../core/robot-model.ts';
import type { SourceKind } from '../protocol.ts';
import type { ShownScene } from '../scene-message.ts';

/** Channel values over time, for plotting; null is a gap. */
export interface Series {
  readonly times: number[];
  /** [nChannels][times.length] */
  readonly columns: (number | null)[][];
}

/** Times are seconds on the source's own time line. */
export interface FrameSource {
  readonly kind: SourceKind;
  readonly title: string;
  readonly isLive: boolean;
  readonly model: RobotModel;
  readonly numEnvs: number;
  readonly channels: readonly Channel[];
  /** First and last moment that can be shown. */
  readonly start: number;
  readonly end: number;
  /** What an environment is called, such as an episode's name. */
  labelOf(env: number): string;
  /** @param out receives q of every environment in the model's order, [numEnvs, nJoints]; unknown ones stay */
  poseAt(time: number, out: Float32Array): void;
  /** @param out receives the pose of every environment's base in its own world, [numEnvs, 7]; unknown ones stay */
  baseAt(time: number, out: Float32Array): void;
  /** What surrounds an environment; null when it is not known. The same object until it changes. */
  sceneAt(time: number, env: number): ShownScene | null;
  /** The poses of the objects in it, [nObjects, 7], reused; null when they are not known. */
  objectsAt(time: number, env: number): Float32Array | null;
  /** The clock of what is shown: simulation or recording time, s. */
  clockAt(time: number): number;
  series(env: number, from: number, to: number): Series;
  /** The moment of the frame before (-1) or after (1), within the source. */
  neighbour(time: number, direction: -1 | 1): number;
}

/** Largest step of a coordinate that is motion; beyond it the robot was reset, rad or m. */
const MAX_MOTION = 1;

/** Between two frames: linear, but a reset is a jump. */
export function interpolate(before: number, after: number, fraction: number): number {
  const difference = after - before;
  if (!(Math.abs(difference) < MAX_MOTION)) return fraction < 1 ? before : after;
  return before + fraction * difference;
}

/** The last index in [0, count) whose time is at most `time`; -1 when there is none. `timeAt` must not decrease. */
export function lastAtOrBefore(time: number, count: number, timeAt: (index: number) => number): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (timeAt(middle) <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** For each joint of `names` its index in the model's q, or -1 when the model has no such joint. */
export function columnsOf(model: RobotModel, names: readonly string[]): Int32Array {
  return Int32Array.from(names, (name) => model.dof.findIndex((joint) => model.joints[joint]!.name === name));
}
