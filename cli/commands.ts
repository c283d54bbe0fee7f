/** Every subcommand, in the order `landfall --help` shows them. Add one by adding a file and a line. */

import type { Command } from 'commander';
import { register as episodes } from './episodes.ts';
import { register as robot } from './robot.ts';

export type Register = (program: Command) => void;

export const commands: readonly Register[] = [robot, episodes];
