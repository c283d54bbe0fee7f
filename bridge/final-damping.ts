/**
 * The last thing a robot is told: to stop, as its interface means it (damping, braking, holding: bridge/interfaces/),
 * for the contract's time from the first command on, one command for each new state. Where no valid state comes what can be
 * said without one is sent, but only to a robot that is proven to be reading; to one that is silent nothing is sent,
 * because it would hear it too late. Says afterwards how it went.
 */

import type { Contract } from '../core/contract.ts';
import { type JointCommand, makeCommand } from '../core/robot.ts';
import type { Commander } from './commander.ts';
import type { CommandInterface } from './interfaces/command-interface.ts';
import { mappingOf } from './mappings/registry.ts';
import type { Posture } from './posture.ts';
import type { RobotPort } from './ros-robot.ts';

/** How long a robot that is silent is given to show that it reads, before damping it is given up, s. */
const PATIENCE = 1;

/** Faults after which states may come that cannot be used. */
const BLINDING = ['not-finite', 'joint-names', 'bad-message', 'bad-stamp'];

export class FinalDamping {
  readonly #contract: Contract;
  readonly #robot: RobotPort;
  readonly #commander: Commander;
  readonly #posture: Posture;
  readonly #command: JointCommand;
  readonly #takes: CommandInterface;
  #begun = NaN;
  /** When the first command of it left. */
  #firstSent = NaN;
  #answered = 0;
  #silentSince = NaN;
  #damped = 0;
  #limp = 0;

  constructor(contract: Contract, robot: RobotPort, commander: Commander, posture: Posture) {
    this.#contract = contract;
    this.#robot = robot;
    this.#commander = commander;
    this.#posture = posture;
    this.#command = makeCommand(contract.joints.length);
    this.#takes = mappingOf(contract).takes;
  }

  /** @param answered states that a command has answered already */
  begin(now: number, answered: number): void {
    this.#begun = now;
    this.#firstSent = NaN;
    this.#answered = answered;
    this.#silentSince = NaN;
    this.#damped = 0;
    this.#limp = 0;
  }

  /** @returns true when it is over */
  tick(now: number): boolean {
    const { damping, stateAge } = this.#contract.safety;
    const until = Number.isNaN(this.#firstSent) ? this.#begun + PATIENCE : this.#firstSent + damping;
    if (now >= until || !this.#robot.isOpen) return true;
    const stale = this.#robot.age(now) > stateAge;
    if (!stale && this.#robot.stateCount !== this.#answered) {
      this.#answered = this.#robot.stateCount;
      this.#silentSince = NaN;
      this.#posture.stop(this.#command);
      if (this.#commander.send(this.#command) === true) {
        this.#damped++;
        this.#began(now);
      }
    } else if (stale || BLINDING.includes(this.#robot.fault?.name ?? '')) {
      this.#goLimp(now);
    }
    return false;
  }

  /** In one line, for a person; null before it began. */
  get report(): string | null {
    if (Number.isNaN(this.#begun)) return null;
    const limp = this.#limp === 0 ? '' : `${this.#limp} ${this.#takes.blindly}, for want of a valid state`;
    if (this.#damped > 0)
      return `${this.#takes.stopping} sent: ${this.#damped} commands${limp === '' ? '' : `, then ${limp}`}`;
    if (limp !== '') return `${this.#takes.stopping} sent as ${limp}`;
    const why = this.#robot.isOpen ? 'the robot is silent and would hear it too late' : 'the link is dead';
    const { watchdog } = this.#contract.ros;
    const then =
      watchdog === null
        ? 'no watchdog is known: use the emergency stop'
        : `${watchdog.by} stops the robot after ${watchdog.seconds} s`;
    return `${this.#takes.stopping} not sent: ${why}; ${then}`;
  }

  #goLimp(now: number): void {
    if (Number.isNaN(this.#silentSince)) this.#silentSince = now;
    // An answered ping sent after the last command proves that the command, too, has been read.
    const proven = this.#robot.provenAt >= Math.max(this.#silentSince, this.#commander.lastSentAt);
    if (proven && this.#commander.stopBlindly()) {
      this.#limp++;
      this.#began(now);
    }
    this.#robot.probe();
  }

  #began(now: number): void {
    if (Number.isNaN(this.#firstSent)) this.#firstSent = now;
  }
}
