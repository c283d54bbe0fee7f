/**
 * The explicit hybrid drive: torque from the state at the start of the step. Accurate while kd dt / I stays below about a
 * half, unstable above 2. A command without gains is a torque drive. Knows no engine.
 */

import { clamp } from '../../core/math.ts';
import type { JointCommand, RobotState } from '../../core/robot.ts';
import type { Drive, DriveParameters } from './drive.ts';

export function pdDrive(j: number, parameters: DriveParameters): Drive {
  const { torqueLimit } = parameters;
  return {
    ask(commands, at, state, out) {
      const limit = torqueLimit[j]!;
      hybridTorque(commands, at, state, j, parameters, out);
      out[j] = clamp(out[j]!, -limit, limit);
    },
  };
}

/** Into `out[j]`, without limits, N m or N. The encoder's bias is part of what the drive takes for q. */
export function hybridTorque(
  { q, qd, effort, kp, kd }: JointCommand,
  at: number,
  state: RobotState,
  j: number,
  { kpScale, kdScale, encoderBias }: DriveParameters,
  out: Float64Array,
): void {
  // tau = kp (q* - (q + bias)) + kd (qd* - qd) + effort
  out[j] =
    kpScale[j]! * kp[at]! * (q[at]! - state.q[j]! - encoderBias[j]!) +
    kdScale[j]! * kd[at]! * (qd[at]! - state.qd[j]!) +
    effort[at]!;
}
