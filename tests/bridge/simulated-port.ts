/** A pendulum on a manual clock, as the control loop sees a robot: states arrive at their times, commands are kept. */

import type { Fault } from '../../bridge/faults.ts';
import type { RobotPort } from '../../bridge/ros-robot.ts';
import { ManualClock } from '../../core/clock.ts';
import { effortOf, type JointCommand, makeState } from '../../core/robot.ts';

export interface SentCommand {
  readonly time: number;
  readonly effort: number;
  /** States that had come when it was sent. */
  readonly stateCount: number;
}

/** Time never goes back: ManualClock asks for a non-negative advance. */
const STEP = 0.001;

export class SimulatedPort implements RobotPort {
  readonly clock = new ManualClock(1000);
  readonly state = makeState(1);
  readonly sent: SentCommand[] = [];
  stateCount = 0;
  receiptTime = -Infinity;
  stateInterval: number;
  fault: Fault | null = null;
  sensorFault: Fault | null = null;
  isOpen = true;
  provenAt = -Infinity;
  /** Nothing comes and nothing is answered, as from a stopped process. */
  frozen = false;
  /** No states come, pings are answered, as from a server whose driver has died. */
  mute = false;
  /** The link is busy: commands are dropped. */
  busy = false;
  /** Added to what `age` says, as of states that were on the way long. */
  extraAge = 0;
  probes = 0;
  q = 1;
  qd = 0;
  #effort = 0;
  #nextState: number;

  constructor(stateInterval = 0.02) {
    this.stateInterval = stateInterval;
    this.#nextState = this.clock.now();
    this.advanceTo(this.clock.now());
  }

  age(now: number): number {
    return this.sinceReceipt(now) + this.extraAge;
  }

  sinceReceipt(now: number): number {
    return now - this.receiptTime;
  }

  probe(): void {
    this.probes++;
    if (!this.frozen) this.provenAt = this.clock.now();
  }

  checkSensors(): Fault | null {
    return this.sensorFault;
  }

  send(command: JointCommand): boolean {
    if (this.busy || !this.isOpen) return false;
    this.#effort = effortOf(command, this.state, 0);
    this.sent.push({ time: this.clock.now(), effort: this.#effort, stateCount: this.stateCount });
    return true;
  }

  /** Let time pass. J qdd = tau - b qd - m g l sin q, semi-implicit Euler. */
  advanceTo(time: number): void {
    while (this.clock.now() < time - 1e-12) {
      const dt = Math.min(STEP, time - this.clock.now());
      this.qd += (dt * (this.#effort - 0.1 * this.qd - 2.8 * Math.sin(this.q))) / 0.14;
      this.q += dt * this.qd;
      this.clock.advance(dt);
      this.#report();
    }
    this.#report();
  }

  #report(): void {
    const now = this.clock.now();
    if (now < this.#nextState - 1e-9) return;
    this.#nextState += this.stateInterval;
    if (this.frozen || this.mute) return;
    this.state.time = now - 500;
    this.state.q[0] = this.q;
    this.state.qd[0] = this.qd;
    this.state.effort[0] = this.#effort;
    this.stateCount++;
    this.receiptTime = now;
  }
}
