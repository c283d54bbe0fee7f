/** Every task by name. */

import { InputError, nearest } from '../../core/errors.ts';
import type { TaskDefinition } from '../task.ts';
import { acrobot } from './acrobot.ts';
import { armPush } from './arm-push.ts';
import { armReach } from './arm-reach.ts';
import { cartpoleBalance } from './cartpole-balance.ts';
import { cartpoleSwingup } from './cartpole-swingup.ts';
import { navLidar } from './nav-lidar.ts';
import { pendubot } from './pendubot.ts';
import { pendulum } from './pendulum.ts';
import { quadrotorHover } from './quadrotor-hover.ts';
import { quadrupedRough } from './quadruped-rough.ts';
import { quadrupedVelocity } from './quadruped-velocity.ts';

export const tasks: Readonly<Record<string, TaskDefinition>> = {
  pendulum,
  'cartpole-balance': cartpoleBalance,
  'cartpole-swingup': cartpoleSwingup,
  acrobot,
  pendubot,
  'arm-reach': armReach,
  'arm-push': armPush,
  'nav-lidar': navLidar,
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
