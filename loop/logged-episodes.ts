/**
 * Recorded episodes as transitions to learn from: checked against the policy that shall be learned, rewarded by the task's
 * terms where the recording has none. Knows no learner.
 */

import { stat } from 'node:fs/promises';
import { listEpisodes, readEpisodeFile } from '../bridge/episode-files.ts';
import { actionDim, obsDim } from '../core/contract.ts';
import type { Episode, EpisodeStep } from '../core/episode.ts';
import { InputError, MismatchError } from '../core/errors.ts';
import { clamp } from '../core/math.ts';
import { makeState, type RobotState } from '../core/robot.ts';
import { ReplayBuffer } from '../policy/replay-buffer.ts';
import type { Experiment } from './experiment.ts';
import { scorerOf } from './scoring.ts';

export interface LoggedData {
  readonly data: ReplayBuffer;
  /** Episodes that are not learned from; null for none. */
  readonly held: ReplayBuffer | null;
  readonly episodes: number;
}

/**
 * @param path a directory of recordings, or one of them @param heldOut share of the episodes
 * @throws InputError when there are none to learn from, MismatchError when they are of another robot or policy
 */
export async function readLogged(path: string, experiment: Experiment, heldOut: number): Promise<LoggedData> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new InputError(`data=${path}: cannot be read`, { repair: 'give a directory of recordings (.mcap)', cause });
  });
  const episodes = found.isDirectory()
    ? (await listEpisodes(path)).map(({ episode }) => episode)
    : [await readEpisodeFile(path)];
  return loggedData(episodes, experiment, heldOut);
}

/** The same, of episodes at hand. */
export function loggedData(all: readonly Episode[], experiment: Experiment, heldOut: number): LoggedData {
  // What a shadow recorded was never done.
  const episodes = all.filter(({ meta, steps }) => !meta.shadow && steps.length > 1);
  for (const episode of episodes) refuseOthers(episode, experiment);
  const held = new Set(heldOut === 0 ? [] : everyNth(episodes.length, Math.round(1 / heldOut)));
  const learned = episodes.filter((_, i) => !held.has(i));
  if (learned.length === 0) {
    throw new InputError(`there is no episode to learn from among ${all.length}, ${held.size} of them held out`, {
      repair: 'record more: landfall deploy RUN --url ws://... --episodes 10',
    });
  }
  return {
    data: transitionsOf(learned, experiment),
    held:
      held.size === 0
        ? null
        : transitionsOf(
            episodes.filter((_, i) => held.has(i)),
            experiment,
          ),
    episodes: episodes.length,
  };
}

/** The last of every `n` of `count`. */
function everyNth(count: number, n: number): number[] {
  return Array.from({ length: count }, (_, i) => i).filter((i) => i % n === n - 1);
}

function refuseOthers({ meta, steps }: Episode, { contract }: Experiment): void {
  const joints = contract.joints.map((joint) => joint.name).join(', ');
  if (meta.joints.join(', ') !== joints) {
    throw new MismatchError(`episode ${meta.id}: its joints are ${meta.joints.join(', ')}, the task moves ${joints}`, {
      repair: "give episodes of the task's own robot",
    });
  }
  if (meta.contract !== null && observed(meta.contract) !== observed(contract)) {
    throw new MismatchError(`episode ${meta.id}: its policy saw other observations than task ${contract.task} has`, {
      repair: 'give episodes of a policy of this task',
    });
  }
  const [seen, done] = [obsDim(contract), actionDim(contract)];
  const odd = steps.find(({ obs, action }) => obs.length !== seen || action.length !== done);
  if (odd === undefined) return;
  throw new MismatchError(
    `episode ${meta.id}: expected ${seen} observed numbers and ${done} of the action in each step, found ${odd.obs.length} and ${odd.action.length}`,
    { repair: 'give episodes that a policy of this task recorded; imported logs hold no observations' },
  );
}

/** What a policy is shown, as a text that two contracts share if it is the same; keys may be in any order. */
function observed({ observations }: Pick<Experiment['contract'], 'observations'>): string {
  return JSON.stringify(
    observations.map(({ term, joints, sensor, of, scale, clip, history, delay }) => [
      ...[term, joints, sensor ?? null, of ?? null],
      ...[scale, clip, history, delay],
    ]),
  );
}

function transitionsOf(episodes: readonly Episode[], experiment: Experiment): ReplayBuffer {
  const { contract } = experiment;
  const shape = { obsDim: obsDim(contract), criticDim: 0, actionDim: actionDim(contract) };
  // What came after a last step is not recorded, and matters only where the task went on.
  const rows = episodes.reduce((sum, { steps }) => sum + steps.length - (steps.at(-1)!.terminated ? 0 : 1), 0);
  const buffer = new ReplayBuffer(shape, rows);
  for (const episode of episodes) {
    const rewards = rewardsOf(episode, experiment);
    for (const [t, step] of episode.steps.entries()) {
      const next = step.terminated ? step : episode.steps[t + 1];
      if (next === undefined) continue;
      const row = buffer.claim();
      const { obs, nextObs, action, reward, bootstrap } = buffer.data;
      obs.set(step.obs, row * shape.obsDim);
      nextObs.set(next.obs, row * shape.obsDim);
      action.set(
        step.action.map((a) => clamp(a, -1, 1)),
        row * shape.actionDim,
      );
      reward[row] = rewards[t]!;
      bootstrap[row] = step.terminated ? 0 : 1;
    }
  }
  return buffer;
}

/** As recorded, where every term was and none is weighed otherwise now; else by the task's terms of what was measured. */
function rewardsOf({ steps, meta }: Episode, { task, rewardNames, rewardWeights, config }: Experiment): number[] {
  const isRecorded = steps.some(({ rewardTerms }) => rewardNames.every((name) => name in rewardTerms));
  if (isRecorded && Object.keys(config.reward).length === 0) return steps.map(({ reward }) => reward);
  const score = scorerOf(task, rewardWeights);
  const actions = steps.map(({ action }) => action.map((a) => clamp(a, -1, 1)));
  const state = makeState(meta.joints.length, meta.contract?.sensors);
  return steps.map((_, t) => {
    // The reward of a step is of the state after it; of the last one that is not recorded.
    const after = steps[t + 1];
    if (after === undefined) return 0;
    copyMeasured(after, state);
    const { reward } = score(
      state,
      actions[t]!,
      actions[t - 1] ?? new Float32Array(actions[t]!.length),
      after.taskCommand,
    );
    return task.onlyPositive === true ? Math.max(0, reward) : reward;
  });
}

function copyMeasured(step: EpisodeStep, state: RobotState): void {
  state.time = step.sensorTime;
  state.q.set(step.q);
  state.qd.set(step.qd);
  state.effort.set(step.effort);
  state.base.set(step.base);
  state.twist.set(step.twist);
  for (const name in state.sensors) state.sensors[name]!.set(step.sensors[name] ?? []);
}
