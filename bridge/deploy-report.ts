/** What a deployment did, in numbers, and the error that carries them when a fault ended it. */

import { FaultError } from '../core/errors.ts';
import type { Fault } from './faults.ts';
import type { LoopMetrics } from './loop-metrics.ts';

export interface EpisodeResult {
  readonly id: string;
  /** Where it was recorded; null when it was not. */
  readonly path: string | null;
  readonly steps: number;
  /** Sum of rewards; null when nothing scored it. */
  readonly return: number | null;
  /** `completed`, or why not. */
  readonly reason: string;
  readonly completed: boolean;
}

export interface DeployReport extends LoopMetrics {
  /** Completed episodes. */
  readonly episodes: number;
  readonly results: readonly EpisodeResult[];
  readonly shadow: boolean;
  readonly rateHz: number;
  /** Quickest round trip before arming, ms. */
  readonly roundTripMs: number;
  /** Commands changed by the bridge's own limits. */
  readonly clampedCommands: number;
  /** Commands dropped because the link was not ready for them. */
  readonly refusedCommands: number;
  /** How the damping at the end went; null where nothing was sent. */
  readonly damping: string | null;
  /** The operator ended it early. */
  readonly stopped: boolean;
  /** null, or what stopped the robot. */
  readonly fault: Fault | null;
}

/** A fault ended the deployment. The robot has been damped, or `report.damping` says why not. */
export class DeployFault extends FaultError {
  readonly report: DeployReport;

  constructor(fault: Fault, report: DeployReport, cause: unknown) {
    super(`${fault.name}: ${fault.message}`, {
      repair: fault.repair,
      ...(cause === undefined ? {} : { cause }),
    });
    this.report = report;
  }
}
