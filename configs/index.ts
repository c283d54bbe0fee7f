/** Every experiment by name. Add one by adding a file and a line. */

import { InputError, nearest } from '../core/errors.ts';
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
import type { ExperimentConfig } from './schema.ts';

export const experiments: Readonly<Record<string, ExperimentConfig>> = {
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

/** @throws InputError naming the experiments there are */
export function experimentNamed(name: string): ExperimentConfig {
  const config = Object.hasOwn(experiments, name) ? experiments[name] : undefined;
  if (config !== undefined) return config;
  const near = nearest(name, Object.keys(experiments));
  throw new InputError(`there is no experiment named ${name}`, {
    repair: near === undefined ? `experiments: ${Object.keys(experiments).join(', ')}` : `did you mean ${near}?`,
  });
}
