/**
 * One record of one episode, the same for simulation, twin and robot. Plain columns; on disk it is an MCAP file
 * (core/episode-mcap.ts). Times are seconds: `sensor` on the robot's clock, the others on the recorder's.
 */

import type { Contract } from './contract.ts';

export type EpisodeSource = 'sim' | 'twin' | 'robot' | 'import';

/** Angles of the first and the last beam, rad, and the ranges that count, m. */
export interface ScanGeometry {
  readonly from: number;
  readonly to: number;
  readonly minRange: number;
  readonly maxRange: number;
}

/** What is true of the whole episode. */
export interface EpisodeMeta {
  readonly id: string;
  readonly source: EpisodeSource;
  readonly robot: string;
  readonly task: string;
  /** Joint names in column order. */
  readonly joints: readonly string[];
  /** Control steps per second; 0 where the times are irregular (imported logs). */
  readonly rateHz: number;
  /** Seconds since 1970 of the first step, on the recorder's clock. */
  readonly startedAt: number;
  /** The policy that acted, if one did. */
  readonly contract: Contract | null;
  /** True when commands were computed and recorded but not sent. */
  readonly shadow: boolean;
  /** Sampled randomisation and whatever else belongs to the episode. */
  readonly parameters: Readonly<Record<string, number>>;
  /** Of the sensors that scan in a plane, by name: what their messages say of them. */
  readonly scans?: Readonly<Record<string, ScanGeometry>>;
}

/** How it ended: `completed`, or the fault's text. Recorded last; null when the recording was cut off. */
export interface EpisodeOutcome {
  readonly reason: string;
  readonly completed: boolean;
}

/** One control step: the state before it, what the policy saw and did, and what came of it. */
export interface EpisodeStep {
  /** s: when the sensors were read (robot's clock), when the message arrived, when the command left. */
  sensorTime: number;
  receiptTime: number;
  commandTime: number;
  /** [nJoints] each; effort NaN where the robot does not measure it. */
  q: Float64Array;
  qd: Float64Array;
  effort: Float64Array;
  /** [obsDim], before normalisation; empty in imported logs. */
  obs: Float32Array;
  /** [actionDim]; empty in imported logs. */
  action: Float32Array;
  /** As in RobotState: [7] and [6], NaN where it was not measured; empty where nothing could measure it. */
  base: Float64Array;
  twist: Float64Array;
  /** Readings by sensor. */
  sensors: Record<string, Float64Array>;
  /** What the robot was asked to do, in the order of the contract's command. */
  taskCommand: Float64Array;
  /** The effort sent to each joint, N m or N, [nJoints]; NaN where the robot is commanded in something else. */
  command: Float64Array;
  /** Position (rad, m) and velocity (rad/s, m/s) setpoints sent, [nJoints]; NaN or empty where none were. */
  qTarget: Float64Array;
  qdTarget: Float64Array;
  reward: number;
  /** Weighted reward terms by name. */
  rewardTerms: Record<string, number>;
  terminated: boolean;
  truncated: boolean;
}

const none = new Float64Array(0);

/** The fields of a step of a robot that has joints alone and takes efforts alone. */
export const JOINTS_ALONE: Pick<EpisodeStep, 'base' | 'twist' | 'sensors' | 'taskCommand' | 'qTarget' | 'qdTarget'> = {
  base: none,
  twist: none,
  sensors: {},
  taskCommand: none,
  qTarget: none,
  qdTarget: none,
};

export interface Episode {
  readonly meta: EpisodeMeta;
  readonly steps: readonly EpisodeStep[];
  readonly outcome: EpisodeOutcome | null;
}

/** Where a recording goes while it is being made: a file, memory, a viewer. */
export interface EpisodeSink {
  write(step: EpisodeStep): void;
  /** Close the recording. Without it the recording is readable but marked as cut off. */
  end(outcome: EpisodeOutcome): Promise<void>;
}

/** Sum of rewards. */
export function episodeReturn(episode: Episode): number {
  return episode.steps.reduce((sum, step) => sum + step.reward, 0);
}

/** Seconds from the first to the last step. */
export function episodeDuration(episode: Episode): number {
  const first = episode.steps[0];
  const last = episode.steps.at(-1);
  return first === undefined || last === undefined ? 0 : last.sensorTime - first.sensorTime;
}
