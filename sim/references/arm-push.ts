/**
 * Pushes a round object to a goal with a ball at an arm's end: over it to the side away from the goal, down, then along the
 * line through both, always back behind the object faster than it slips aside. Sees the truth. Knows no engine.
 */

import type { StepView } from '../task.ts';
import { ArmIk } from './arm-ik.ts';

/** The tool's link, as sim/tasks/arm-terms.ts. */
const TOOL = 8;
/** rad a control step: below what the drives' targets may move. */
const STEP = 0.055;
/** Heights of the ball above the table, m: over the object, and pushing it. */
const ABOVE = 0.13;
const LOW = 0.04;
/** Ball's radius and the gap it comes down in, m. */
const BALL = 0.02;
const GAP = 0.025;
/** The target leads the ball by this, m: over the loop's gain of 0.2 a step it is the speed of the push, 0.05 m/s at 25 Hz. */
const LEAD = 0.02;
/** Close enough, m. */
const DONE = 0.012;

type Phase = 'over' | 'down' | 'push' | 'rest';

/** @param scale of the task's action, rad @param radius of the scene's first object, m */
export function armPushReference(
  scale: number,
  radius: (view: StepView) => number,
): (view: StepView, action: Float32Array) => void {
  const ik = new ArmIk(TOOL, STEP);
  // The tool points straight down.
  const target = Float64Array.of(0, 0, ABOVE, 0, 1, 0, 0);
  let phase: Phase = 'over';
  // Where the ball came to rest, m.
  let restX = 0;
  let restY = 0;
  return (view, action) => {
    const { command, objects, world } = view;
    const { tool } = ik;
    world.linkPose(TOOL, tool);
    // u from the object to its goal, and how the ball stands to the object along and across it
    const gx = command[0]! - objects[0]!;
    const gy = command[1]! - objects[1]!;
    const distance = Math.sqrt(gx * gx + gy * gy);
    const ux = distance > 1e-6 ? gx / distance : 1;
    const uy = distance > 1e-6 ? gy / distance : 0;
    const rx = tool[0]! - objects[0]!;
    const ry = tool[1]! - objects[1]!;
    const along = rx * ux + ry * uy;
    const across = -rx * uy + ry * ux;
    const apart = radius(view) + BALL;
    const behind = -apart - GAP;
    const offBehind = Math.sqrt((along - behind) ** 2 + across * across);

    if (phase === 'over' && offBehind < 0.01) phase = 'down';
    else if (phase === 'down' && tool[2]! < LOW + 0.005) phase = 'push';
    else if (phase === 'push' && distance < DONE) {
      phase = 'rest';
      restX = tool[0]! - GAP * ux;
      restY = tool[1]! - GAP * uy;
    } else if (phase === 'push' && (along > 0 || Math.abs(across) > 0.6 * apart)) phase = 'over';
    else if (phase === 'rest' && distance > 2 * DONE) phase = 'over';

    let a = behind;
    let c = 0;
    let height = ABOVE;
    if (phase === 'down' || phase === 'rest') height = LOW;
    if (phase === 'push') {
      // Forward less while beside the line; to the line and as far again.
      a = along + LEAD * Math.max(0, 1 - Math.abs(across) / 0.02);
      c = -across;
      height = LOW;
    } else if (phase === 'over' && tool[2]! < ABOVE - 0.03) {
      // Up first.
      a = along;
      c = across;
    }
    target[0] = phase === 'rest' ? restX : objects[0]! + a * ux - c * uy;
    target[1] = phase === 'rest' ? restY : objects[1]! + a * uy + c * ux;
    target[2] = height;
    ik.follow(world, target, scale, action);
  };
}
