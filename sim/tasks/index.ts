/** Every task by name. */

import { InputError, nearest } from '../../core/errors.ts';
import type { TaskDefinition } from '../task.ts';
import { pendulum } from './pendulum.ts';
import { quadrotorHover } from './quadrotor-hover.ts';
import { quadrupedRough } from './quadruped-rough.ts';
import { quadrupedVelocity } from './quadruped-velocity.ts';

export const tasks: Readonly<Record<string, TaskDefinition>> = {
  pendulum,
  'quadruped-velocity': quadrupedVelocity,
  'quadruped-rough': quadrupedRough,
  'quadrotor-hover': quadrotorHover,
};

/** @throws InputError naming the tasks there are */
export function taskNamed(name: string): TaskDefinition {
  const task = Object.hasOwn(tasks, name) ? tasks[name] : undefined;
  if (task !== undefined) return task;
  const near = nearest(name, Object.keys(tasks));
  throw new InputError(`there is no task named ${name}`, {
    repair: near === undefined ? `tasks: ${Object.keys(tasks).join(', ')}` : `did you mean ${near}?`,
  });
}
