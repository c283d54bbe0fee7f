/**
 * The only way from the loop to the robot: limits, then the link, then the memory of what was sent. A command that
 * cannot leave now is gone. Knows no states and no policy.
 */

import type { Clock } from '../core/clock.ts';
import type { Contract, JointContract } from '../core/contract.ts';
import { type JointCommand, makeCommand } from '../core/robot.ts';
import type { Fault } from './faults.ts';
import type { CommandInterface } from './interfaces/command-interface.ts';
import { mappingOf } from './mappings/registry.ts';
import type { RobotPort } from './ros-robot.ts';
import { SafetyGuard } from './safety.ts';

const PARTS = ['q', 'qd', 'effort', 'kp', 'kd'] as const;

export class Commander {
  readonly guard: SafetyGuard;
  /** When the last command left, s; -Infinity before the first. */
  lastSentAt = -Infinity;
  /** Commands dropped because the link was not ready for them. */
  refused = 0;
  readonly #robot: RobotPort;
  readonly #clock: Clock;
  readonly #limited: JointCommand;
  /** Sent last; NaN before the first. */
  readonly #last: JointCommand;
  readonly #takes: CommandInterface;
  readonly #joints: readonly JointContract[];

  constructor(contract: Contract, robot: RobotPort, clock: Clock) {
    this.guard = new SafetyGuard(contract);
    this.#takes = mappingOf(contract).takes;
    this.#joints = contract.joints;
    this.#robot = robot;
    this.#clock = clock;
    this.#limited = makeCommand(contract.joints.length);
    this.#last = makeCommand(contract.joints.length);
    for (const part of PARTS) this.#last[part].fill(NaN);
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

  /** Send what stops the robot when there is no state to be trusted, whatever the rate limit. */
  stopBlindly(): boolean {
    this.#takes.blind(this.#last, this.#joints, this.#limited);
    // A robot that takes positions and was never told one has none to hold.
    if (!this.#limited.q.every(Number.isFinite)) return false;
    this.guard.forget();
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
    for (const part of PARTS) this.#last[part].set(this.#limited[part]);
    this.lastSentAt = this.#clock.now();
  }
}
