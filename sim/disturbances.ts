/**
 * What changes within an episode without the policy: new commands, shoves against the base, physics that drifts. Each has its own random stream,
 * so that one more of the one leaves the other as it was. Knows no engine; allocates nothing per step.
 */

import { foldIn, type Key, RandomStream } from '../core/rng.ts';
import type { Dynamics } from './dynamics.ts';
import { IntervalSampler } from './interval-sampler.ts';
import type { RandomizationTable } from './randomization-terms.ts';
import type { Scene } from './scene.ts';
import type { EnvironmentRobot } from './simulated-robot.ts';
import type { StartState, TaskDefinition } from './task.ts';

const PURPOSE = { command: 5, pushes: 6, intervals: 7 } as const;

export class Disturbances {
  readonly #task: TaskDefinition;
  readonly #asked: readonly number[] | undefined;
  /** Share of the task's shoves: 0 none, 1 as hard as they come. */
  readonly #width: number;
  readonly #commands = new RandomStream([0, 0]);
  readonly #pushes = new RandomStream([0, 0]);
  readonly #intervals: IntervalSampler;
  readonly #change = new Float64Array(6);
  #nextCommand = Infinity;
  #nextPush = Infinity;
  #scene: Scene | undefined;
  #start: StartState | undefined;
  #command: Float64Array | undefined;

  /** @param asked the command of every episode; the task samples it where there is none */
  constructor(
    task: TaskDefinition,
    nominal: Dynamics,
    ranges: RandomizationTable,
    width: number,
    asked?: readonly number[],
  ) {
    this.#task = task;
    this.#asked = asked;
    this.#intervals = new IntervalSampler(nominal, ranges, width);
    this.#width = width;
  }

  /** A new episode. @param key of the episode @param command receives its first command */
  reset(key: Key, scene: Scene, start: StartState, command: Float64Array): void {
    const { command: term, pushes } = this.#task;
    this.#scene = scene;
    this.#start = start;
    this.#command = command;
    this.#nextCommand = Infinity;
    this.#nextPush = Infinity;
    this.#intervals.reset(foldIn(key, PURPOSE.intervals));
    if (this.#asked !== undefined) command.set(this.#asked);
    else if (term !== undefined) {
      this.#commands.reset(foldIn(key, PURPOSE.command));
      term.sample(this.#commands, scene, start, command);
      if (term.everySeconds !== null) this.#nextCommand = this.#commands.between(...term.everySeconds);
    }
    if (pushes !== undefined && this.#width > 0) {
      this.#pushes.reset(foldIn(key, PURPOSE.pushes));
      this.#nextPush = this.#pushes.between(...pushes.everySeconds);
    }
  }

  /** Before a control step that begins at `time`, s since the episode's start. @param dynamics of the episode, changed in place */
  step(time: number, robot: EnvironmentRobot, dynamics: Dynamics): void {
    if (this.#intervals.due(time)) {
      this.#intervals.resample(dynamics);
      robot.updateDynamics(dynamics);
    }
    if (time >= this.#nextCommand) {
      const term = this.#task.command!;
      term.sample(this.#commands, this.#scene!, this.#start!, this.#command!);
      this.#nextCommand = time + this.#commands.between(...term.everySeconds!);
    }
    if (time >= this.#nextPush) {
      const { everySeconds, linear, angular } = this.#task.pushes!;
      const change = this.#change;
      for (let k = 0; k < 2; k++) change[k] = this.#width * this.#pushes.between(-linear, linear);
      change[5] = this.#width * this.#pushes.between(-angular, angular);
      robot.push(change);
      this.#nextPush = time + this.#pushes.between(...everySeconds);
    }
  }
}
