/**
 * One environment: a simulated robot, the terms of a task, and episodes. Every random choice of episode k of environment
 * i follows from (seed, i, k), so it does not matter which worker steps it. Knows no learner; allocates nothing per step.
 */

import { Actuation } from '../core/action.ts';
import type { Contract } from '../core/contract.ts';
import { InputError } from '../core/errors.ts';
import { Observer } from '../core/observation.ts';
import { foldIn, type Key, RandomStream } from '../core/rng.ts';
import { copyState, type JointCommand, makeCommand, makeState } from '../core/robot.ts';
import { type AdrSettings, adrRanges, boundOf, initialAdr, withRanges } from './adr.ts';
import { difficultyOf, firstLevel, nextLevel } from './curriculum.ts';
import { DeltaAction, type DeltaActionModel } from './delta-action.ts';
import { Disturbances } from './disturbances.ts';
import type { Dynamics } from './dynamics.ts';
import { flattenDynamics, sampleDynamics, sampleStartup } from './randomization.ts';
import type { RandomizationTable } from './randomization-terms.ts';
import { EMPTY_SCENE, type Scene } from './scene.ts';
import { Scoring } from './scoring.ts';
import type { EnvironmentRobot } from './simulated-robot.ts';
import type { StartState, StepView, TaskDefinition } from './task.ts';
import { criticTerms } from './task-contract.ts';

export interface EnvironmentSettings {
  readonly task: TaskDefinition;
  readonly contract: Contract;
  /** Reward weights per second, in the order of the task's rewards. */
  readonly rewardWeights: readonly number[];
  /** What randomisation varies around. */
  readonly dynamics: Dynamics;
  /** Ranges that take the place of the task's: what identification knows better. */
  readonly spread?: RandomizationTable;
  /** Parameters whose ranges stand where `bounds` says. */
  readonly adr?: AdrSettings;
  /** 0: always the nominal parameters; 1: the whole ranges. */
  readonly randomization: number;
  /** Corrects every command between policy and robot. @default none */
  readonly delta?: DeltaActionModel;
  /** What the robot is asked to do in every episode, in the contract's order. @default the task samples it */
  readonly command?: readonly number[];
  /** Training starts anywhere and at a random age; evaluation as the task says. */
  readonly training: boolean;
  /** The critic sees what the actor sees, whatever the task has for it: a robot shows no more. @default false */
  readonly plainCritic?: boolean;
  readonly key: Key;
}

/**
 * Where an environment stands: with its settings and number, all it takes to be there again. An episode is what its key, its
 * level, its bounds and its actions made of it.
 */
export interface EnvironmentSnapshot {
  readonly episode: number;
  readonly level: number;
  /** Of ADR when the episode began; absent without it. */
  readonly bounds?: Float64Array;
  /** [steps, actionDim] */
  readonly actions: Float32Array;
}

/** Of an episode's keys; sim/disturbances.ts has others. */
const PURPOSE = { parameters: 1, start: 2, noise: 3, scene: 4, level: 8, bound: 9 } as const;
/** Of an environment's keys, beside its episodes' numbers. */
const BEFORE_EPISODES = { startup: 1_000_003, level: 1_000_004 } as const;

export class Environment {
  readonly robot: EnvironmentRobot;
  readonly observer: Observer;
  /** What only the critic sees; null when it sees what the actor sees. */
  readonly criticObserver: Observer | null;
  readonly actuation: Actuation;
  /** What the robot is asked to do. */
  readonly taskCommand: Float64Array;
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
  /** Where ADR's bounds stand, numbered as in AdrState, from the next episode on; empty without it. May be shared memory. */
  bounds: Float64Array;
  /** The bound that this episode tests, and where it stood at its start; -1 and 0 for none. */
  bound = -1;
  boundValue = 0;

  readonly #settings: EnvironmentSettings;
  readonly #key: Key;
  readonly #ranges: RandomizationTable;
  readonly #scoring: Scoring;
  readonly #terminations: readonly ((view: StepView) => boolean)[];
  readonly #truncations: readonly ((view: StepView) => boolean)[];
  readonly #view: { -readonly [K in keyof StepView]: StepView[K] };
  readonly #previousAction: Float32Array;
  readonly #command: JointCommand;
  readonly #delta: DeltaAction | null;
  readonly #random = new RandomStream([0, 0]);
  readonly #disturbances: Disturbances;
  readonly #start: StartState;
  readonly #defaults: Float64Array;
  readonly #dt: number;
  readonly #maxSteps: number;
  readonly #holdSteps: number;
  /** The actions of this episode, [maxSteps, actionDim]. */
  readonly #actions: Float32Array;
  /** What this environment's episodes vary around. */
  readonly #nominal: Dynamics;
  #dynamics: Dynamics;
  /** Of this episode by name, where a critic observes them. */
  #known: Readonly<Record<string, number>>;
  readonly #knowsParameters: boolean;
  #scene: Scene = EMPTY_SCENE;
  /** `bounds` at this episode's start. */
  readonly #bounds: Float64Array;
  #level: number;
  #episode = 0;
  #age = 0;
  #held = 0;

  /** @param id of this environment among all, whatever the worker */
  constructor(robot: EnvironmentRobot, id: number, settings: EnvironmentSettings) {
    const { task, contract } = settings;
    this.robot = robot;
    this.#settings = settings;
    this.#key = foldIn(settings.key, id);
    this.#ranges = { ...task.randomization, ...settings.spread };
    this.bounds = Float64Array.from(settings.adr === undefined ? [] : initialAdr(settings.adr).bounds);
    this.#bounds = this.bounds.slice();
    const { dynamics, randomization } = settings;
    this.#nominal =
      randomization > 0
        ? sampleStartup(
            dynamics,
            this.#ranges,
            randomization,
            new RandomStream(foldIn(this.#key, BEFORE_EPISODES.startup)),
          )
        : dynamics;
    this.#dynamics = this.#nominal;
    this.observer = new Observer(contract.observations, contract);
    this.actuation = new Actuation(contract);
    const critic = settings.plainCritic === true ? null : criticTerms(task, contract);
    this.criticObserver = critic === null ? null : new Observer(critic, contract);
    this.#knowsParameters = critic?.some(({ term }) => term === 'parameter') ?? false;
    this.#known = this.parameters();
    for (const { name, term, of = [] } of critic ?? []) {
      const unknown = term === 'parameter' ? of.find((parameter) => !Object.hasOwn(this.#known, parameter)) : undefined;
      if (unknown === undefined) continue;
      throw new InputError(`critic observation ${name}: the robot has no parameter named ${unknown}`, {
        repair: `its parameters: ${Object.keys(this.#known).join(', ')}`,
      });
    }
    this.#scoring = new Scoring(task, settings.rewardWeights);
    this.rewardTerms = this.#scoring.terms;
    this.#terminations = Object.values(task.terminations);
    this.#truncations = Object.values(task.truncations ?? {});
    this.#previousAction = new Float32Array(this.actuation.size);
    this.taskCommand = new Float64Array(contract.command.names.length);
    this.#dt = 1 / task.rateHz;
    this.#view = {
      state: robot.truth,
      before: makeState(contract.joints.length, contract.sensors),
      action: this.actuation.lastAction,
      lastAction: this.#previousAction,
      command: this.taskCommand,
      objects: robot.objects,
      scene: EMPTY_SCENE,
      world: robot.world,
      dt: this.#dt,
      time: 0,
      memory: new Float64Array(task.memory ?? 0),
    };
    this.#command = makeCommand(contract.joints.length);
    this.#delta = settings.delta === undefined ? null : new DeltaAction(settings.delta);
    this.#disturbances = new Disturbances(task, this.#nominal, this.#ranges, randomization, settings.command);
    this.#defaults = Float64Array.from(contract.joints, (joint) => joint.defaultPosition);
    this.#start = {
      q: new Float64Array(contract.joints.length),
      qd: new Float64Array(contract.joints.length),
      base: new Float64Array(7),
      twist: new Float64Array(6),
    };
    this.#maxSteps = Math.round(task.episodeSeconds * task.rateHz);
    this.#holdSteps = Math.round(task.success.seconds * task.rateHz);
    this.#actions = new Float32Array(this.#maxSteps * this.actuation.size);
    const rule = task.curriculum?.rule;
    this.#level =
      rule === undefined ? -1 : firstLevel(rule, new RandomStream(foldIn(this.#key, BEFORE_EPISODES.level)));
  }

  /** The command of the last step, as the policy gave it. */
  get command(): JointCommand {
    return this.#command;
  }

  /** Of the curriculum; -1 without one. */
  get level(): number {
    return this.#level;
  }

  /** From the next episode on. */
  set level(level: number) {
    this.#level = level;
  }

  /** How hard the scene is, in [0, 1]. */
  get difficulty(): number {
    const { curriculum } = this.#settings.task;
    return curriculum === undefined ? 1 : difficultyOf(curriculum.rule, this.#level);
  }

  /** What the task's terms see of the last step. */
  get view(): StepView {
    return this.#view;
  }

  /** What surrounds the robot in this episode. */
  get scene(): Scene {
    return this.#scene;
  }

  /** The sampled parameters of this episode, by name. */
  parameters(): Record<string, number> {
    const { contract, task } = this.#settings;
    const sampled = flattenDynamics(
      this.#dynamics,
      contract.joints.map((joint) => joint.name),
    );
    return task.curriculum === undefined ? sampled : { ...sampled, level: this.#level };
  }

  /**
   * Start episode number `episode` and write its first observation.
   * @param out receives obsDim numbers from `offset` on
   */
  reset(episode: number, out: Float32Array, offset: number): void {
    const { task, randomization, training } = this.#settings;
    const { robot } = this;
    const key = foldIn(this.#key, episode);
    const random = this.#random;
    this.#episode = episode;
    random.reset(foldIn(key, PURPOSE.parameters));
    const ranges = this.#rangesOf(episode, key);
    this.#dynamics = randomization > 0 ? sampleDynamics(this.#nominal, ranges, randomization, random) : this.#nominal;
    if (this.#knowsParameters) this.#known = this.parameters();
    random.reset(foldIn(key, PURPOSE.scene));
    if (!training && task.curriculum !== undefined) this.#level = random.below(task.curriculum.rule.levels);
    this.#scene = task.scene?.(random, this.difficulty) ?? EMPTY_SCENE;
    random.reset(foldIn(key, PURPOSE.start));
    const start = this.#start;
    start.q.set(this.#defaults);
    start.qd.fill(0);
    start.base.fill(0, 0, 6);
    start.base[6] = 1;
    start.twist.fill(0);
    task.start(random, training, start, this.#scene);
    // Environments that start together must not end together: the first episode begins at a random age.
    this.#age = training && episode === 0 ? random.below(this.#maxSteps) : 0;
    robot.setDynamics(this.#dynamics);
    robot.setScene(this.#scene);
    robot.seedNoise(foldIn(key, PURPOSE.noise));
    robot.resetTo(start);
    this.#view.objects = robot.objects;
    this.#view.scene = this.#scene;
    this.#view.memory.fill(0);
    this.#view.time = 0;
    this.#disturbances.reset(key, this.#scene, start, this.taskCommand);
    this.observer.reset();
    this.criticObserver?.reset();
    this.actuation.reset();
    // A policy that sees its last actions must also leave the states in which it has long repeated one.
    if (training && random.uniform() < 0.3)
      for (let k = 0; k < this.actuation.size; k++) this.actuation.lastAction[k] = random.between(-1, 1);
    this.#previousAction.set(this.actuation.lastAction);
    copyState(robot.truth, this.#view.before);
    this.episodeReturn = 0;
    this.episodeSteps = 0;
    this.#held = 0;
    this.success = false;
    this.observer.observe(robot.observe(), this.actuation.lastAction, out, offset, this.taskCommand);
  }

  /** What the critic sees of the present state. To be called once a step. @param out receives its numbers from `offset` on */
  observeCritic(out: Float32Array, offset: number): void {
    const { truth, objects } = this.robot;
    this.criticObserver?.observe(truth, this.actuation.lastAction, out, offset, this.taskCommand, objects, this.#known);
  }

  /**
   * One control step.
   * @param action read from `at` on, [actionDim] @param out receives the next observation from `offset` on
   * @throws NumericError naming the joint and the time
   */
  step(action: Float32Array, at: number, out: Float32Array, offset: number): void {
    const { task } = this.#settings;
    const view = this.#view;
    const { robot, actuation } = this;
    const size = actuation.size;
    if (this.episodeSteps < this.#maxSteps)
      for (let k = 0; k < size; k++) this.#actions[this.episodeSteps * size + k] = action[at + k]!;
    // Counted before it is taken: a snapshot after a failure holds the action that failed.
    this.episodeSteps++;
    this.#age++;
    this.#previousAction.set(actuation.lastAction);
    copyState(robot.truth, view.before);
    this.#disturbances.step(view.time, robot, this.#dynamics);
    actuation.apply(action, at, this.#command);
    robot.act(this.#delta === null ? this.#command : this.#delta.correct(robot.truth, this.#command));
    robot.step(this.#dt);
    view.time = this.episodeSteps * this.#dt;
    this.reward = this.#scoring.score(view, this.episodeSteps, this.#episode);
    this.episodeReturn += this.reward;
    this.#held = task.success.test(view) ? this.#held + 1 : 0;
    this.success = this.#held >= this.#holdSteps;
    this.terminated = anyHolds(this.#terminations, view);
    // Ended by a failure it has not succeeded, whatever held until then.
    if (this.terminated) this.success = false;
    this.truncated = !this.terminated && (this.#age >= this.#maxSteps || anyHolds(this.#truncations, view));
    if (this.terminated || this.truncated) this.#learnLevel(view);
    this.observer.observe(robot.observe(), actuation.lastAction, out, offset, this.taskCommand);
  }

  /** Where it stands, for `restore`. */
  snapshot(): EnvironmentSnapshot {
    return {
      episode: this.#episode,
      level: this.#level,
      ...(this.#bounds.length === 0 ? {} : { bounds: this.#bounds.slice() }),
      actions: this.#actions.slice(0, this.episodeSteps * this.actuation.size),
    };
  }

  /**
   * Be where a snapshot was taken, to the bit, by living it again.
   * @param out receives the observation from `offset` on @param criticOut the same of what only the critic sees
   */
  restore(
    snapshot: EnvironmentSnapshot,
    out: Float32Array,
    offset: number,
    criticOut?: Float32Array,
    criticOffset = 0,
  ): void {
    const { bounds } = this;
    this.#level = snapshot.level;
    this.bounds = snapshot.bounds ?? bounds;
    this.reset(snapshot.episode, out, offset);
    this.bounds = bounds;
    // The critic's history grows with every look: it must look as often as it did.
    if (criticOut !== undefined) this.observeCritic(criticOut, criticOffset);
    for (let at = 0; at < snapshot.actions.length; at += this.actuation.size) {
      this.step(snapshot.actions, at, out, offset);
      if (criticOut !== undefined) this.observeCritic(criticOut, criticOffset);
    }
    this.#level = snapshot.level;
  }

  /** What an episode draws from: with ADR, the ranges as they stand, or one parameter at the bound that it tests. */
  #rangesOf(episode: number, key: Key): RandomizationTable {
    const { adr, training } = this.#settings;
    if (adr === undefined) return this.#ranges;
    // Begun at a random age, the first episode may be too short to succeed: it tests none.
    const bound = training && episode === 0 ? null : boundOf(adr, foldIn(key, PURPOSE.bound));
    this.#bounds.set(this.bounds);
    this.bound = bound ?? -1;
    this.boundValue = bound === null ? 0 : this.#bounds[bound]!;
    return withRanges(this.#ranges, adrRanges(adr, { bounds: this.#bounds }, bound));
  }

  #learnLevel(view: StepView): void {
    const { task, training } = this.#settings;
    if (!training || task.curriculum === undefined) return;
    const { rule, outcome } = task.curriculum;
    this.#random.reset(foldIn(foldIn(this.#key, this.#episode), PURPOSE.level));
    this.#level = nextLevel(rule, this.#level, outcome(view, this.success), this.#random);
  }
}

function anyHolds(conditions: readonly ((view: StepView) => boolean)[], view: StepView): boolean {
  for (let k = 0; k < conditions.length; k++) if (conditions[k]!(view)) return true;
  return false;
}
