/**
 * Simulates a window of a recording open loop and says how far it departs. The torque of each physics step is the mean
 * of the logged one over that step, shifted by the delay, so that irregular and fractional times cost no accuracy; the
 * states at the readings' times are interpolated. Knows no engine: any simulated robot with parameters will do.
 */

import { type JointCommand, makeCommand, type RobotState, type SimulatedRobot } from '../../core/robot.ts';
import type { DeltaAction } from '../delta-action.ts';
import type { Dynamics } from '../dynamics.ts';
import type { PositionTargets, Recording } from './recording.ts';
import type { Window } from './windows.ts';

export interface OpenLoopRobot extends SimulatedRobot {
  readonly truth: RobotState;
  setDynamics(dynamics: Dynamics): void;
}

/** Where simulations start: from the velocity as logged, or from the smoothed one. */
export type StartVelocity = 'logged' | 'smoothed';

export class OpenLoop {
  readonly #robot: OpenLoopRobot;
  readonly #physicsDt: number;
  readonly #command: JointCommand;
  readonly #q: Float64Array;
  readonly #qd: Float64Array;
  readonly #integrals = new Map<Recording, Float64Array>();

  constructor(robot: OpenLoopRobot, physicsDt: number) {
    const n = robot.truth.q.length;
    this.#robot = robot;
    this.#physicsDt = physicsDt;
    this.#command = makeCommand(n);
    this.#q = new Float64Array(n);
    this.#qd = new Float64Array(n);
  }

  /**
   * Simulate one window.
   * @param dynamics its latency is the delay of the logged torque, which may be negative for a measured one
   * @param delta corrects what drives the robot @param out receives (simulated - logged) / deviation, per reading after the first: positions, then velocities
   * @returns how many numbers were written
   */
  run(
    recording: Recording,
    window: Window,
    dynamics: Dynamics,
    start: StartVelocity,
    out: Float64Array,
    delta: DeltaAction | null = null,
  ): number {
    const { times } = recording;
    const n = this.#q.length;
    const dt = this.#physicsDt;
    const { truth } = this.#robot;
    const qd0 = start === 'logged' ? recording.qd : recording.qdSmooth;
    for (let j = 0; j < n; j++) {
      this.#q[j] = recording.q[window.from * n + j]!;
      this.#qd[j] = qd0[window.from * n + j]!;
    }
    // The delay is applied to the log here, and a torque that was logged was within the limit.
    this.#robot.setDynamics({ ...dynamics, latency: 0, torqueLimit: dynamics.torqueLimit.map(() => Infinity) });
    this.#robot.reset(this.#q, this.#qd);

    this.#command.kp.fill(0);
    this.#command.kd.fill(0);
    const origin = times[window.from]!;
    let at = 0;
    let reading = window.from + 1;
    for (let step = 0; reading <= window.to; step++) {
      const begin = origin + step * dt;
      for (let j = 0; j < n; j++) {
        this.#q[j] = truth.q[j]!;
        this.#qd[j] = truth.qd[j]!;
        this.#command.effort[j] = this.#meanTorque(recording, j, begin - dynamics.latency, dt);
      }
      if (recording.targets !== undefined) this.#aim(recording, recording.targets, begin - dynamics.latency);
      this.#robot.act(delta === null ? this.#command : delta.correct(truth, this.#command));
      this.#robot.step(dt);
      for (; reading <= window.to && times[reading]! <= begin + dt + 1e-9; reading++) {
        at = this.#compare(recording, reading, (times[reading]! - begin) / dt, out, at);
      }
    }
    return at;
  }

  /** Residuals at a reading `share` of the way through the step that has just been made. */
  #compare(recording: Recording, reading: number, share: number, out: Float64Array, at: number): number {
    const { truth } = this.#robot;
    const n = this.#q.length;
    const dt = this.#physicsDt;
    let k = at;
    for (let j = 0; j < n; j++) {
      // cubic Hermite between the states at the step's ends
      const [q0, q1, v0, v1] = [this.#q[j]!, truth.q[j]!, this.#qd[j]!, truth.qd[j]!];
      const s = share;
      const q = q0 + (q1 - q0) * s * s * (3 - 2 * s) + dt * (v0 * s * (1 - s) * (1 - s) - v1 * s * s * (1 - s));
      out[k++] = (q - recording.q[reading * n + j]!) / recording.qScale[j]!;
    }
    for (let j = 0; j < n; j++) {
      const qd = this.#qd[j]! + share * (truth.qd[j]! - this.#qd[j]!);
      out[k++] = (qd - recording.qd[reading * n + j]!) / recording.qdScale[j]!;
    }
    return k;
  }

  /** What the drives were asked for at `time`. */
  #aim({ torqueTimes }: Recording, targets: PositionTargets, time: number): void {
    const n = this.#q.length;
    const at = readingAt(torqueTimes, time + 1e-9);
    for (let j = 0; j < n; j++) {
      this.#command.q[j] = targets.q[at * n + j]!;
      this.#command.qd[j] = targets.qd[at * n + j]!;
      this.#command.kp[j] = targets.kp[j]!;
      this.#command.kd[j] = targets.kd[j]!;
    }
  }

  /** Mean of joint `j`'s logged torque, held from reading to reading, over [begin, begin + dt]. */
  #meanTorque(recording: Recording, j: number, begin: number, dt: number): number {
    return (this.#impulse(recording, j, begin + dt) - this.#impulse(recording, j, begin)) / dt;
  }

  /** Integral of the logged torque from the first reading to `time`, N m s. */
  #impulse(recording: Recording, j: number, time: number): number {
    const { torqueTimes, torque } = recording;
    const n = this.#q.length;
    const sums = this.#sums(recording);
    const lower = readingAt(torqueTimes, time);
    return sums[lower * n + j]! + (time - torqueTimes[lower]!) * torque[lower * n + j]!;
  }

  #sums(recording: Recording): Float64Array {
    const known = this.#integrals.get(recording);
    if (known !== undefined) return known;
    const { torqueTimes, torque } = recording;
    const n = this.#q.length;
    const sums = new Float64Array(torque.length);
    for (let k = 1; k < torqueTimes.length; k++) {
      const held = torqueTimes[k]! - torqueTimes[k - 1]!;
      for (let j = 0; j < n; j++) sums[k * n + j] = sums[(k - 1) * n + j]! + held * torque[(k - 1) * n + j]!;
    }
    this.#integrals.set(recording, sums);
    return sums;
  }
}

/** Index of the last time that is not after `time`, or 0. */
function readingAt(times: Float64Array, time: number): number {
  let lower = 0;
  let upper = times.length;
  while (upper - lower > 1) {
    const middle = (lower + upper) >> 1;
    if (times[middle]! <= time) lower = middle;
    else upper = middle;
  }
  return lower;
}

/** Numbers that `run` writes for a window. */
export function residualCount(recording: Recording, window: Window): number {
  return (window.to - window.from) * 2 * recording.joints.length;
}
