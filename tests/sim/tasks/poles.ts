/** A step's view with a state of two joints, for the reward terms of cart-pole and double pendulum. */

import { makeState } from '../../../core/robot.ts';
import { EMPTY_SCENE } from '../../../sim/scene.ts';
import { UNKNOWN_WORLD } from '../../../sim/sensed-world.ts';
import type { StepView, TaskDefinition } from '../../../sim/task.ts';

export function viewOf(q: readonly number[], qd: readonly number[] = [0, 0], action = 0, lastAction = 0): StepView {
  const state = makeState(2);
  state.q.set(q);
  state.qd.set(qd);
  return {
    state,
    before: makeState(2),
    action: Float32Array.of(action),
    lastAction: Float32Array.of(lastAction),
    command: new Float64Array(0),
    objects: new Float64Array(0),
    scene: EMPTY_SCENE,
    world: UNKNOWN_WORLD,
    dt: 0.02,
    time: 0,
    memory: new Float64Array(0),
  };
}

/** Weighted sum of the rewards per second. */
export function rewardOf(task: TaskDefinition, view: StepView): number {
  return Object.values(task.rewards).reduce((sum, { weight, fn }) => sum + weight * fn(view), 0);
}

export function ends(task: TaskDefinition, view: StepView): string[] {
  return Object.entries(task.terminations).flatMap(([name, test]) => (test(view) ? [name] : []));
}
