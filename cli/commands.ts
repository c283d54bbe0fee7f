/** Every subcommand, in the order `landfall --help` shows them. Add one by adding a file and a line. */

import type { Command } from 'commander';
import { register as adapt } from './adapt.ts';
import { register as bench } from './bench.ts';
import { register as check } from './check.ts';
import { register as demo } from './demo.ts';
import { register as deploy } from './deploy.ts';
import { register as doctor } from './doctor.ts';
import { register as episodes } from './episodes.ts';
import { register as evaluate } from './eval.ts';
import { register as identify } from './identify.ts';
import { register as robot } from './robot.ts';
import { register as runs } from './runs.ts';
import { register as tasks } from './tasks.ts';
import { register as train } from './train.ts';
import { register as view } from './view.ts';

export type Register = (program: Command) => void;

export const commands: readonly Register[] = [
  demo,
  train,
  evaluate,
  robot,
  deploy,
  episodes,
  identify,
  adapt,
  runs,
  view,
  tasks,
  check,
  bench,
  doctor,
];
