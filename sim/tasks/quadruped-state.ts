/** What a floating robot's state says of its trunk: velocity along its own axes, tilt. Knows no engine; allocates nothing. */

import { atan2 } from '../../core/math.ts';
import type { RobotState } from '../../core/robot.ts';
import { rotateBackAt } from '../../core/rotation.ts';

/** Velocity of the base's origin along the base's axes, m/s: R^T v. @param out [3] */
export function bodyVelocity({ base, twist }: RobotState, out: Float64Array): void {
  rotateBackAt(base, 3, twist, out);
}

/** Components of the world's upward direction along the base's axes; level: 0, 0, 1. */
export function upX({ base }: RobotState): number {
  return 2 * (base[3]! * base[5]! - base[6]! * base[4]!);
}
export function upY({ base }: RobotState): number {
  return 2 * (base[4]! * base[5]! + base[6]! * base[3]!);
}
export function upZ({ base }: RobotState): number {
  return 1 - 2 * (base[3]! * base[3]! + base[4]! * base[4]!);
}

/** rad: left side up is positive. */
export function rollOf(state: RobotState): number {
  return atan2(upY(state), upZ(state));
}
/** rad: nose down is positive. */
export function pitchOf(state: RobotState): number {
  return atan2(-upX(state), upZ(state));
}
