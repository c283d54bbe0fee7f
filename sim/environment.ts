/**
 * One environment: a simulated robot, the terms of a task, and episodes. Every random choice of episode k of environment
 * i follows from (seed, i, k), so it does not matter which worker steps it. Knows no learner; allocates nothing per step.
 */

import { Actuation } from '../core/action.ts';
import type { Contract } from '../core/contract.ts';
import { NumericError } from '../core/errors.ts';
import { Observer } from '../core/observation.ts';
import { foldIn, type Key, RandomStream } from '../core/rng.ts';
import { type JointCommand, makeCommand, type RobotState, type SimulatedRobot } from '../core/robot.ts';
import type { Dynamics } from './dynamics.ts';
import { flattenDynamics, sampleDynamics } from './randomization.ts';
import type { RandomizationTable, StepView, TaskDefinition } from './task.ts';

/** A robot an environment can own: it can be given other physics and knows its noise-free state. */
export interface EnvironmentRobot extends SimulatedRobot {
  readonly truth: RobotState;
  setDynamics(dynamics: Dynamics): void;
  seedNoise(key: Key): void;
}

export interface EnvironmentSettings {
  readonly task: TaskDefinition;
  readonly contract: Contract;
  /** Reward weights per second, in the order of the task's rewards. */
  readonly rewardWeights: readonly number[];
  /** What randomisation varies around. */
  readonly dynamics: Dynamics;
  /** Ranges that take the place of the task's: what identification knows better. */
  readonly spread?: RandomizationTable;
  /** 0: always the nominal parameters; 1: the whole ranges. */
  readonly randomization: number;
  /** Training starts anywhere and at a random age; evaluation as the task says. */
  readonly training: boolean;
  readonly key: Key;
}

const PURPOSE = { parameters: 1, start: 2, noise: 3 } as const;

export class Environment {
  readonly robot: EnvironmentRobot;
  readonly observer: Observer;
  readonly actuation: Actuation;
  /** Of the last step. */
  reward = 0;
  terminated = false;
  truncated = false;
  /** Weighted terms of the last step, in the order of the task's rewards. */
  readonly rewardTerms: Float64Array;
  /** Of the episode so far. */
  episodeReturn = 0;
  episodeSteps = 0;
  /** Whether the task's success test has held long enough, up to now. */
  success = false;

  readonly #settings: EnvironmentSettings;
  readonly #key: Key;
  readonly #ranges: RandomizationTable;
  readonly #rewards: readonly ((view: StepView) => number)[];
  readonly #weights: Float64Array;
  readonly #terminations: readonly ((view: StepView) => boolean)[];
  readonly #view: StepView;
  readonly #previousAction: Float32Array;
  readonly #command: JointCommand;
  readonly #random = new RandomStream([0, 0]);
  readonly #q: Float64Array;
  readonly #qd: Float64Array;
  readonly #dt: number;
  readonly #maxSteps: number;
  readonly #holdSteps: number;
  #dynamics: Dynamics;
  #age = 0;
  #held = 0;

  /** @param id of this environment among all, whatever the worker */
  constructor(robot: EnvironmentRobot, id: number, settings: EnvironmentSettings) {
    const { task, contract } = settings;
    this.robot = robot;
    this.#settings = settings;
    this.#key = foldIn(settings.key, id);
    this.#dynamics = settings.dynamics;
    this.#ranges = { ...task.randomization, ...settings.spread };
    this.observer = new Observer(
      contract.observations,
      contract.joints.map((joint) => joint.name),
    );
    this.actuation = new Actuation(contract);
    this.#rewards = Object.values(task.rewards).map((term) => term.fn);
    this.#weights = Float64Array.from(settings.rewardWeights);
    this.#terminations = Object.values(task.terminations);
    this.rewardTerms = new Float64Array(this.#rewards.length);
    this.#previousAction = new Float32Array(this.actuation.size);
    this.#view = { state: robot.truth, action: this.actuation.lastAction, lastAction: this.#previousAction };
    this.#command = makeCommand(contract.joints.length);
    this.#q = new Float64Array(contract.joints.length);
    this.#qd = new Float64Array(contract.joints.length);
    this.#dt = 1 / task.rateHz;
    this.#maxSteps = Math.round(task.episodeSeconds * task.rateHz);
    this.#holdSteps = Math.round(task.success.seconds * task.rateHz);
  }

  /** The command of the last step. */
  get command(): JointCommand {
    return this.#command;
  }

  /** The sampled parameters of this episode, by name. */
  parameters(): Record<string, number> {
    return flattenDynamics(
      this.#dynamics,
      this.#settings.contract.joints.map((joint) => joint.name),
    );
  }

  /**
   * Start episode number `episode` and write its first observation.
   * @param out receives obsDim numbers from `offset` on
   */
  reset(episode: number, out: Float32Array, offset: number): void {
    const { task, dynamics, randomization, training } = this.#settings;
    const key = foldIn(this.#key, episode);
    this.#random.reset(foldIn(key, PURPOSE.parameters));
    this.#dynamics = randomization > 0 ? sampleDynamics(dynamics, this.#ranges, randomization, this.#random) : dynamics;
    this.#random.reset(foldIn(key, PURPOSE.start));
    task.start(this.#random, training, this.#q, this.#qd);
    // Environments that start together must not end together: the first episode begins at a random age.
    this.#age = training && episode === 0 ? this.#random.below(this.#maxSteps) : 0;
    this.robot.setDynamics(this.#dynamics);
    this.robot.seedNoise(foldIn(key, PURPOSE.noise));
    this.robot.reset(this.#q, this.#qd);
    this.observer.reset();
    this.actuation.reset();
    // A policy that sees its last actions must also leave the states in which it has long repeated one.
    if (training && this.#random.uniform() < 0.3)
      for (let k = 0; k < this.actuation.size; k++) this.actuation.lastAction[k] = this.#random.between(-1, 1);
    this.#previousAction.set(this.actuation.lastAction);
    this.episodeReturn = 0;
    this.episodeSteps = 0;
    this.#held = 0;
    this.success = false;
    this.observer.observe(this.robot.observe(), this.actuation.lastAction, out, offset);
  }

  /**
   * One control step.
   * @param action read from `at` on, [actionDim] @param out receives the next observation from `offset` on
   * @throws NumericError naming the joint and the time
   */
  step(action: Float32Array, at: number, out: Float32Array, offset: number): void {
    const { task } = this.#settings;
    this.#previousAction.set(this.actuation.lastAction);
    this.actuation.apply(action, at, this.#command);
    this.robot.act(this.#command);
    this.robot.step(this.#dt);
    this.episodeSteps++;
    this.#age++;
    let reward = 0;
    for (let k = 0; k < this.#rewards.length; k++) {
      // r_k = w_k f_k dt
      const term = this.#weights[k]! * this.#rewards[k]!(this.#view) * this.#dt;
      this.rewardTerms[k] = term;
      reward += term;
    }
    if (!Number.isFinite(reward)) {
      throw new NumericError(
        `the reward is ${reward} at step ${this.episodeSteps} (terms ${Array.from(this.rewardTerms).join(', ')})`,
      );
    }
    this.reward = reward;
    this.episodeReturn += reward;
    this.#held = task.success.test(this.robot.truth) ? this.#held + 1 : 0;
    this.success = this.#held >= this.#holdSteps;
    this.terminated = this.#terminations.some((test) => test(this.#view));
    this.truncated = !this.terminated && this.#age >= this.#maxSteps;
    this.observer.observe(this.robot.observe(), this.actuation.lastAction, out, offset);
  }
}
