/** Scores what a robot did by the terms of a task: rewards of a step, success of a recorded episode. */

import type { Episode } from '../core/episode.ts';
import { makeState, type RobotState } from '../core/robot.ts';
import type { TaskDefinition } from '../sim/task.ts';

/** @param weights per second, in the order of the task's rewards */
export function scorerOf(task: TaskDefinition, weights: readonly number[]) {
  const terms = Object.entries(task.rewards);
  const dt = 1 / task.rateHz;
  return (state: RobotState, action: Float32Array, lastAction: Float32Array) => {
    const view = { state, action, lastAction };
    let reward = 0;
    const named: Record<string, number> = {};
    for (const [k, [name, term]] of terms.entries()) {
      // r_k = w_k f_k dt
      const value = weights[k]! * term.fn(view) * dt;
      named[name] = value;
      reward += value;
    }
    return { reward, terms: named };
  };
}

/** Whether the task's success test held for the last part of a recorded episode. */
export function succeeded(episode: Episode, task: TaskDefinition): boolean {
  const last = episode.steps.at(-1);
  if (last === undefined || episode.outcome?.completed !== true) return false;
  const state = makeState(episode.meta.joints.length);
  return episode.steps
    .filter((step) => step.sensorTime > last.sensorTime - task.success.seconds)
    .every((step) => {
      state.q.set(step.q);
      state.qd.set(step.qd);
      return task.success.test(state);
    });
}
