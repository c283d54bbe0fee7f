/**
 * Lives a snapshot of an environment again and records it as an episode, up to the step that fails, if one does: what the
 * viewer shows of an episode that nobody recorded. Knows no file.
 */

import type { Contract } from '../core/contract.ts';
import type { Episode, EpisodeStep } from '../core/episode.ts';
import { LandfallError, messageOf } from '../core/errors.ts';
import type { Environment, EnvironmentSnapshot } from '../sim/environment.ts';

/**
 * @param environment built by the recipe that the snapshot's was built by, with the same number
 * @param rewardNames in the order of the environment's reward terms
 * @param startedAt s since 1970, of the recording
 */
export function replayEpisode(
  environment: Environment,
  snapshot: EnvironmentSnapshot,
  contract: Contract,
  rewardNames: readonly string[],
  id: string,
  startedAt: number,
): Episode {
  const { bounds, actuation } = environment;
  environment.level = snapshot.level;
  environment.bounds = snapshot.bounds ?? bounds;
  const obs = new Float32Array(environment.observer.size);
  environment.reset(snapshot.episode, obs, 0);
  environment.bounds = bounds;
  const parameters = environment.parameters();
  const steps: EpisodeStep[] = [];
  let failure: string | null = null;
  for (let at = 0; at < snapshot.actions.length && failure === null; at += actuation.size) {
    const step = stateBefore(environment, contract, obs, startedAt + steps.length / contract.control.rateHz);
    step.action = snapshot.actions.slice(at, at + actuation.size);
    try {
      environment.step(snapshot.actions, at, obs, 0);
      step.reward = environment.reward;
    } catch (error) {
      if (!(error instanceof LandfallError)) throw error;
      failure = messageOf(error);
      step.reward = Number.NaN;
    }
    const { q, qd, effort } = environment.command;
    step.command = Float64Array.from(effort);
    step.qTarget = Float64Array.from(q);
    step.qdTarget = Float64Array.from(qd);
    step.rewardTerms = Object.fromEntries(rewardNames.map((name, k) => [name, environment.rewardTerms[k]!]));
    step.terminated = environment.terminated;
    step.truncated = environment.truncated;
    steps.push(step);
  }
  return {
    meta: {
      id,
      source: 'sim',
      robot: contract.robot.name,
      task: contract.task,
      joints: contract.joints.map((joint) => joint.name),
      rateHz: contract.control.rateHz,
      startedAt,
      contract,
      shadow: false,
      parameters,
    },
    steps,
    outcome: { reason: failure ?? 'completed', completed: failure === null },
  };
}

/** The step's first half: what was so before its action. @param time s since 1970 */
function stateBefore(environment: Environment, contract: Contract, obs: Float32Array, time: number): EpisodeStep {
  const { truth } = environment.robot;
  return {
    sensorTime: time,
    receiptTime: time,
    commandTime: time,
    q: truth.q.slice(),
    qd: truth.qd.slice(),
    effort: truth.effort.slice(),
    base: truth.base.slice(),
    twist: truth.twist.slice(),
    sensors: Object.fromEntries(
      Object.keys(contract.sensors).map((name) => [name, Float64Array.from(truth.sensors[name] ?? [])]),
    ),
    taskCommand: environment.taskCommand.slice(),
    obs: obs.slice(),
    action: new Float32Array(0),
    command: new Float64Array(0),
    qTarget: new Float64Array(0),
    qdTarget: new Float64Array(0),
    reward: 0,
    rewardTerms: {},
    terminated: false,
    truncated: false,
  };
}
