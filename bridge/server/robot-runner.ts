/**
 * Runs a simulated robot against the wall clock, as a robot's own computer would: steps it to now, reports its state at
 * a fixed rate with absolute deadlines, holds the newest command, and damps when commands stop. Knows no network.
 */

import type { Clock } from '../../core/clock.ts';
import {
  dampingCommand,
  type JointCommand,
  makeCommand,
  type RobotState,
  type SimulatedRobot,
} from '../../core/robot.ts';

export interface RunnerSettings {
  readonly robot: SimulatedRobot;
  readonly clock: Clock;
  /** States reported per second. */
  readonly rateHz: number;
  /** The robot is stepped by multiples of this, s: a multiple of its physics step. */
  readonly stepSeconds: number;
  /** Without a fresh command for this long the robot damps itself; null: it holds the last command for ever. */
  readonly watchdogSeconds: number | null;
  /** Gains of that damping, N m s/rad, [nJoints]. */
  readonly damping: ArrayLike<number>;
  /** What its own controller does until the first command comes. @default nothing */
  readonly idle?: JointCommand | undefined;
  /** Puts the robot at its start. @default every joint at 0 */
  readonly restart?: () => void;
}

export interface RunnerEvents {
  /** @param stamp of the state, s on the clock. The state is reused: copy what must last. */
  state(state: RobotState, stamp: number): void;
  /** The watchdog has ended a command. */
  watchdog(): void;
  /** The process was stopped or starved for this long; the robot's time did not move, s. */
  skipped(seconds: number): void;
  /** The simulation cannot go on. */
  failed(error: unknown): void;
}

/** A lag above this is not caught up with, s. */
const MAX_LAG = 0.25;

export class RobotRunner {
  readonly #settings: RunnerSettings;
  readonly #events: RunnerEvents;
  readonly #command: JointCommand;
  /** Clock time of the robot's time 0, and steps made since. */
  #epoch: number;
  #steps = 0;
  /** Steps at the last report. */
  #reported = -1;
  /** A command holds; false before the first one and after the watchdog. */
  #driven = false;
  /** `#command` has not been given to the robot yet: of those that arrive within a physics step only the last counts. */
  #pending = false;
  #failed = false;
  #lastCommand = -Infinity;
  #nextReport: number;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;

  constructor(settings: RunnerSettings, events: RunnerEvents) {
    this.#settings = settings;
    this.#events = events;
    this.#command = makeCommand(settings.robot.model.dof.length);
    this.#epoch = settings.clock.now();
    this.#nextReport = this.#epoch;
    this.#idle();
  }

  /** Keep time from now on, until stop(). */
  start(): void {
    this.#epoch = this.#settings.clock.now() - this.#steps * this.#settings.stepSeconds;
    this.#nextReport = this.#settings.clock.now();
    this.#wait();
  }

  stop(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
  }

  /** Step the robot to now, and report if a report is due. */
  tick(): void {
    if (!this.#failed) this.#guarded(() => this.#tick());
  }

  #tick(): void {
    const { clock, robot, rateHz, stepSeconds } = this.#settings;
    const now = clock.now();
    this.#advance(now);
    if (now < this.#nextReport) return;
    // A late report and the next one may fall into one physics step: no state is reported twice.
    if (this.#steps !== this.#reported) this.#events.state(robot.observe(), this.#epoch + this.#steps * stepSeconds);
    this.#reported = this.#steps;
    // next = previous + 1/rate, in whole periods, so that lateness does not add up
    this.#nextReport += Math.max(1, Math.ceil((now - this.#nextReport) * rateHz)) / rateHz;
  }

  /** Take an effort command; the caller has checked it. @param effort N m or N, [nJoints] */
  command(effort: ArrayLike<number>): void {
    this.drive((command) => {
      command.kd.fill(0);
      command.effort.set(effort);
    });
  }

  /** Take any command; the caller has checked it. @param fill writes it over the last one */
  drive(fill: (command: JointCommand) => void): void {
    if (!this.#failed) this.#guarded(() => this.#take(fill));
  }

  #take(fill: (command: JointCommand) => void): void {
    const now = this.#settings.clock.now();
    this.#advance(now);
    fill(this.#command);
    this.#driven = true;
    this.#lastCommand = now;
    this.#pending = true;
  }

  /** Put the robot at rest at its start, with no command. */
  reset(): void {
    const { robot, restart } = this.#settings;
    const zeros = new Float64Array(robot.model.dof.length);
    if (restart === undefined) robot.reset(zeros, zeros);
    else restart();
    this.#steps = 0;
    this.#reported = -1;
    this.#epoch = this.#settings.clock.now();
    this.#driven = false;
    this.#pending = false;
    this.#idle();
  }

  /** Nobody commands the robot yet. */
  #idle(): void {
    const { idle } = this.#settings;
    if (idle === undefined) return;
    for (const part of ['q', 'qd', 'effort', 'kp', 'kd'] as const) this.#command[part].set(idle[part]);
    this.#pending = true;
  }

  #advance(now: number): void {
    const { watchdogSeconds, stepSeconds } = this.#settings;
    const behind = now - this.#epoch - this.#steps * stepSeconds;
    if (behind > MAX_LAG) {
      this.#epoch += behind;
      this.#reported = -1;
      this.#events.skipped(behind);
    }
    const until = this.#driven && watchdogSeconds !== null ? this.#lastCommand + watchdogSeconds : Infinity;
    if (now >= until) {
      // The watchdog acts at its own time, not at that of the next tick.
      this.#stepTo(until);
      this.#driven = false;
      dampingCommand(this.#settings.damping, this.#command);
      this.#pending = true;
      this.#events.watchdog();
    }
    this.#stepTo(now);
  }

  #stepTo(time: number): void {
    const { robot, stepSeconds } = this.#settings;
    // Seconds since 1970 are good to a quarter of a microsecond.
    const steps = Math.floor((time - this.#epoch + 1e-6) / stepSeconds) - this.#steps;
    if (steps <= 0) return;
    if (this.#pending) robot.act(this.#command);
    this.#pending = false;
    robot.step(steps * stepSeconds);
    this.#steps += steps;
  }

  /** Timers are a millisecond coarse: sleep to just before the deadline, then yield until it has come. */
  #wait(): void {
    const remaining = (this.#nextReport - this.#settings.clock.now()) * 1000;
    if (remaining > 1.5) this.#timer = setTimeout(() => this.#wait(), Math.floor(remaining - 1));
    else if (remaining > 0) this.#immediate = setImmediate(() => this.#wait());
    else this.#turn();
  }

  #turn(): void {
    this.tick();
    if (!this.#failed) this.#immediate = setImmediate(() => this.#wait());
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#failed = true;
      this.stop();
      this.#events.failed(error);
    }
  }
}
