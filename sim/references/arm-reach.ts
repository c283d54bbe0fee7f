/** Reaches for a pose by inverse kinematics on the arm's true state. Knows no engine. */

import type { StepView } from '../task.ts';
import { ArmIk } from './arm-ik.ts';

/** The tool's link, as sim/tasks/arm-terms.ts. */
const TOOL = 8;
/** rad a control step: just below what the drives' targets may move. */
const STEP = 0.055;

/** @param scale of the task's action, rad */
export function armReachReference(scale: number): (view: StepView, action: Float32Array) => void {
  const ik = new ArmIk(TOOL, STEP);
  return ({ world, command }, action) => ik.follow(world, command, scale, action);
}
