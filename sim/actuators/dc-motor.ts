/**
 * The hybrid drive within the torque-speed line of a DC motor: the back-EMF takes away torque in the direction of motion
 * as speed rises; braking is bounded by the current limit alone. As `DCMotor` of Isaac Lab and the motor model of
 * Rudin et al. (2021). Knows no engine.
 */

import { clamp } from '../../core/math.ts';
import type { Drive, DriveParameters } from './drive.ts';
import { hybridTorque } from './pd.ts';

/** @param stallTorque N m @param noLoadSpeed rad/s */
export function dcMotorDrive(
  j: number,
  parameters: DriveParameters,
  { stallTorque, noLoadSpeed }: { readonly stallTorque: number; readonly noLoadSpeed: number },
): Drive {
  const { torqueLimit } = parameters;
  return {
    ask(commands, at, state, out) {
      const limit = torqueLimit[j]!;
      const speed = state.qd[j]! / noLoadSpeed;
      // tau_stall (-1 - qd / qd_0) <= tau <= tau_stall (1 - qd / qd_0)
      const upper = clamp(stallTorque * (1 - speed), 0, limit);
      const lower = clamp(stallTorque * (-1 - speed), -limit, 0);
      hybridTorque(commands, at, state, j, parameters, out);
      out[j] = clamp(out[j]!, lower, upper);
    },
  };
}
