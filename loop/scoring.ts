/** Scores what a robot did by the terms of a task: rewards of a step, success of a recorded episode. */

import type { Episode } from '../core/episode.ts';
import { copyState, makeState, type RobotState } from '../core/robot.ts';
import { EMPTY_SCENE } from '../sim/scene.ts';
import { UNKNOWN_WORLD } from '../sim/sensed-world.ts';
import type { StepView, TaskDefinition } from '../sim/task.ts';

interface MutableView extends StepView {
  state: RobotState;
  action: Float32Array;
  lastAction: Float32Array;
  time: number;
}

/** A view of a robot of which only measurements are known: no objects. */
function viewOf(task: TaskDefinition, state: RobotState): MutableView {
  const sizes = Object.fromEntries(Object.entries(state.sensors).map(([name, reading]) => [name, reading.length]));
  return {
    state,
    before: makeState(state.q.length, sizes),
    action: new Float32Array(0),
    lastAction: new Float32Array(0),
    command: new Float64Array(task.command?.names.length ?? 0),
    objects: new Float64Array(0),
    scene: EMPTY_SCENE,
    world: UNKNOWN_WORLD,
    dt: 1 / task.rateHz,
    time: 0,
    memory: new Float64Array(task.memory ?? 0),
  };
}

/** @param weights per second, in the order of the task's rewards */
export function scorerOf(task: TaskDefinition, weights: readonly number[]) {
  const terms = Object.entries(task.rewards);
  const dt = 1 / task.rateHz;
  let view: MutableView | undefined;
  return (state: RobotState, action: Float32Array, lastAction: Float32Array, command?: Float64Array) => {
    view ??= viewOf(task, state);
    if (command !== undefined) view.command.set(command);
    view.state = state;
    view.action = action;
    view.lastAction = lastAction;
    let reward = 0;
    const named: Record<string, number> = {};
    for (const [k, [name, term]] of terms.entries()) {
      // r_k = w_k f_k dt
      const value = weights[k]! * term.fn(view) * dt;
      named[name] = value;
      reward += value;
    }
    copyState(state, view.before);
    view.time += dt;
    return { reward, terms: named };
  };
}

/** Whether the task's success test held for the last part of a recorded episode. */
export function succeeded(episode: Episode, task: TaskDefinition): boolean {
  const last = episode.steps.at(-1);
  if (last === undefined || episode.outcome?.completed !== true) return false;
  const state = makeState(episode.meta.joints.length, episode.meta.contract?.sensors);
  const view = viewOf(task, state);
  return episode.steps
    .filter((step) => step.sensorTime > last.sensorTime - task.success.seconds)
    .every((step) => {
      state.q.set(step.q);
      state.qd.set(step.qd);
      state.base.set(step.base);
      state.twist.set(step.twist);
      for (const name in state.sensors) state.sensors[name]!.set(step.sensors[name] ?? []);
      view.command.set(step.taskCommand);
      return task.success.test(view);
    });
}
