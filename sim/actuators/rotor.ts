/**
 * A propeller: thrust follows the command with a first-order lag, as rotors of small aircraft do (Mahony, Kumar and Corke,
 * "Multirotor aerial vehicles", 2012). It gives thrust; the engine applies that along the joint's axis, and the torque
 * below about it. Knows no engine.
 */

import { clamp, exp } from '../../core/math.ts';
import type { Drive, DriveParameters } from './drive.ts';

export interface Rotor {
  readonly spin: 1 | -1;
  /** m */
  readonly torqueRatio: number;
  /** s */
  readonly timeConstant: number;
}

/** The command's effort is thrust, N, from 0 to the joint's limit. At a reset the propeller stands. */
export function rotorDrive(j: number, { dt, torqueLimit }: DriveParameters, { timeConstant }: Rotor): Drive {
  const thrust = new Float64Array(1);
  const decay = timeConstant > 0 ? exp(-dt / timeConstant) : 0;
  // Mean of exp(-t / T) over the step.
  const mean = (timeConstant / dt) * (1 - decay);
  return {
    reset() {
      thrust[0] = 0;
    },
    ask({ effort }, at, _state, out) {
      out[j] = clamp(effort[at]!, 0, torqueLimit[j]!);
    },
    finish(out) {
      const asked = out[j]!;
      const gap = thrust[0]! - asked;
      // T dF/dt = F* - F, solved exactly for a constant F*: what it averages to, and where it ends
      out[j] = asked + gap * mean;
      thrust[0] = asked + gap * decay;
    },
  };
}

/** Torque of the air on the rotor's link about the joint's axis, N m. @param thrust N */
export function rotorReaction({ spin, torqueRatio }: Rotor, thrust: number): number {
  // tau = -s r F
  return -spin * torqueRatio * thrust;
}
