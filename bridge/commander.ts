/**
 * The only way from the loop to the robot: limits, then the link, then the memory of what was sent. A command that
 * cannot leave now is gone. Knows no states and no policy.
 */

import type { Clock } from '../core/clock.ts';
import type { Contract } from '../core/contract.ts';
import { type JointCommand, makeCommand } from '../core/robot.ts';
import type { Fault } from './faults.ts';
import type { RobotPort } from './ros-robot.ts';
import { SafetyGuard } from './safety.ts';

export class Commander {
  readonly guard: SafetyGuard;
  /** When the last command left, s; -Infinity before the first. */
  lastSentAt = -Infinity;
  /** Commands dropped because the link was not ready for them. */
  refused = 0;
  readonly #robot: RobotPort;
  readonly #clock: Clock;
  readonly #limited: JointCommand;

  constructor(contract: Contract, robot: RobotPort, clock: Clock) {
    this.guard = new SafetyGuard(contract);
    this.#robot = robot;
    this.#clock = clock;
    this.#limited = makeCommand(contract.joints.length);
  }

  /** Send `command` within limits. @returns whether it left, or why it must not */
  send(command: JointCommand): boolean | Fault {
    return this.guard.limit(command, this.#robot.state, this.#limited) ?? this.#deliver();
  }

  /** Do everything but send. */
  pretend(command: JointCommand): boolean | Fault {
    const fault = this.guard.limit(command, this.#robot.state, this.#limited);
    if (fault !== null) return fault;
    this.#remember();
    return true;
  }

  /** Send no effort at all, whatever the state and the rate limit. */
  limp(): boolean {
    this.#limited.effort.fill(0);
    this.#limited.kp.fill(0);
    this.#limited.kd.fill(0);
    return this.#deliver();
  }

  #deliver(): boolean {
    if (!this.#robot.send(this.#limited)) {
      this.refused++;
      return false;
    }
    this.#remember();
    return true;
  }

  #remember(): void {
    this.guard.sent(this.#limited);
    this.lastSentAt = this.#clock.now();
  }
}
