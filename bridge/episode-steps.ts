/**
 * Makes the recorded steps of an episode: what was seen and done at one tick, and, when the next state has come, the
 * reward of it. Steps are reused; knows no file.
 */

import type { Contract } from '../core/contract.ts';
import type { EpisodeStep } from '../core/episode.ts';
import type { RobotState } from '../core/robot.ts';
import { odometryTopic } from '../core/ros-topics.ts';
import type { PolicyStep } from './policy-step.ts';
import type { SafetyGuard } from './safety.ts';

/**
 * The reward of one step, by a pure function.
 * @param state after the step @param action,lastAction of this step and the one before, clipped to [-1, 1]
 * @param taskCommand what the robot is asked to do
 */
export type Score = (
  state: RobotState,
  action: Float32Array,
  lastAction: Float32Array,
  taskCommand: Float64Array,
) => { readonly reward: number; readonly terms: Readonly<Record<string, number>> };

export class EpisodeSteps {
  readonly #policy: PolicyStep;
  readonly #guard: SafetyGuard;
  readonly #score: Score | undefined;
  readonly #write: (step: EpisodeStep) => void;
  readonly #step: EpisodeStep;
  #open = false;
  #count = 0;

  constructor(
    contract: Contract,
    policy: PolicyStep,
    guard: SafetyGuard,
    score: Score | undefined,
    write: (step: EpisodeStep) => void,
  ) {
    const joints = policy.command.q.length;
    const isBaseMeasured = odometryTopic(contract.ros) !== null;
    this.#guard = guard;
    this.#policy = policy;
    this.#score = score;
    this.#write = write;
    this.#step = {
      sensorTime: 0,
      receiptTime: 0,
      commandTime: 0,
      q: new Float64Array(joints),
      qd: new Float64Array(joints),
      effort: new Float64Array(joints),
      obs: new Float32Array(policy.obs.length),
      action: new Float32Array(policy.action.length),
      base: new Float64Array(isBaseMeasured ? 7 : 0),
      twist: new Float64Array(isBaseMeasured ? 6 : 0),
      sensors: Object.fromEntries(
        Object.entries(contract.sensors).map(([name, size]) => [name, new Float64Array(size)]),
      ),
      taskCommand: policy.taskCommand,
      command: new Float64Array(joints),
      qTarget: new Float64Array(guard.qSent.length),
      qdTarget: new Float64Array(guard.qdSent.length),
      reward: 0,
      rewardTerms: {},
      terminated: false,
      truncated: false,
    };
  }

  /** Steps begun in this episode. */
  get count(): number {
    return this.#count;
  }

  reset(): void {
    this.#open = false;
    this.#count = 0;
  }

  /** A command has been computed from `state`; the guard knows what is in force. */
  begin(state: RobotState, receiptTime: number, commandTime: number): void {
    const step = this.#step;
    step.sensorTime = state.time;
    step.receiptTime = receiptTime;
    step.commandTime = commandTime;
    step.q.set(state.q);
    step.qd.set(state.qd);
    step.effort.set(state.effort);
    step.obs.set(this.#policy.obs);
    step.action.set(this.#policy.action);
    if (step.base.length > 0) {
      step.base.set(state.base);
      step.twist.set(state.twist);
    }
    for (const name in step.sensors) step.sensors[name]!.set(state.sensors[name]!);
    step.command.set(this.#guard.effortSent);
    step.qTarget.set(this.#guard.qSent);
    step.qdTarget.set(this.#guard.qdSent);
    step.truncated = false;
    this.#open = true;
    this.#count++;
  }

  /** The next state has come: score the step and write it. @param last of an episode that reached its length */
  complete(state: RobotState, last: boolean): void {
    if (!this.#open) return;
    const scored = this.#score?.(
      state,
      this.#policy.clippedAction,
      this.#policy.previousAction,
      this.#policy.taskCommand,
    );
    this.#step.reward = scored?.reward ?? 0;
    this.#step.rewardTerms = { ...scored?.terms };
    this.#step.truncated = last;
    this.#open = false;
    this.#write(this.#step);
  }

  /** No next state will come: write the step without a reward. */
  flush(): void {
    if (!this.#open) return;
    this.#step.reward = 0;
    this.#step.rewardTerms = {};
    this.#open = false;
    this.#write(this.#step);
  }
}
