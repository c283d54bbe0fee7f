/** A drive that closes a loop on velocity with a gain of its own, whatever gains a command asks for. Knows no engine. */

import { clamp } from '../../core/math.ts';
import type { Drive, DriveParameters } from './drive.ts';

/** @param gain N m s/rad */
export function velocityDrive(
  j: number,
  { kdScale, torqueLimit }: DriveParameters,
  { gain }: { readonly gain: number },
): Drive {
  return {
    ask({ qd }, at, state, out) {
      const limit = torqueLimit[j]!;
      // tau = gain (qd* - qd)
      out[j] = clamp(kdScale[j]! * gain * (qd[at]! - state.qd[j]!), -limit, limit);
    },
  };
}
