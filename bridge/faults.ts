/**
 * The faults that stop a robot, by name. A fault is a value until the loop has sent the robot to damping; then it is
 * thrown. Knows no link and no loop.
 */

import { FaultError } from '../core/errors.ts';

export type FaultName =
  | 'link-closed'
  | 'silence'
  | 'stale-state'
  | 'bad-stamp'
  | 'bad-message'
  | 'large-message'
  | 'joint-names'
  | 'not-finite'
  | 'stale-sensor'
  | 'bad-sensor'
  | 'position-limit'
  | 'velocity-limit'
  | 'tracking'
  | 'guard'
  | 'overrun'
  | 'recording'
  | 'defect';

export interface Fault {
  readonly name: FaultName;
  /** What was expected and what came, in one line. */
  readonly message: string;
  /** One line: how to mend it. */
  readonly repair: string;
}

export function makeFault(name: FaultName, message: string, repair: string): Fault {
  return { name, message, repair };
}

/** The fault as an error. */
export function faultError(fault: Fault): FaultError {
  return new FaultError(`${fault.name}: ${fault.message}`, { repair: fault.repair });
}

/** A duration for a person. @param seconds of any size */
export function milliseconds(seconds: number): string {
  const ms = seconds * 1000;
  return `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}
