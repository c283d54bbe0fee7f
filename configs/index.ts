/** Every experiment by name. Add one by adding a file and a line. */

import { InputError, nearest } from '../core/errors.ts';
import { pendulum } from './pendulum.ts';
import { quadrotorHover } from './quadrotor-hover.ts';
import { quadrupedRough } from './quadruped-rough.ts';
import { quadrupedVelocity } from './quadruped-velocity.ts';
import type { ExperimentConfig } from './schema.ts';

export const experiments: Readonly<Record<string, ExperimentConfig>> = {
  pendulum,
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
