/** `landfall bench`: measurements that docs/results.md keeps. Add one by adding a file and a line. */

import type { Command } from 'commander';
import { register as identify } from './bench-identify.ts';
import { register as learn } from './bench-learn.ts';
import { register as realaigym } from './bench-realaigym.ts';
import { register as realaigymTrain } from './bench-realaigym-train.ts';
import { register as sim } from './bench-sim.ts';
import { register as skill } from './bench-skill.ts';
import { register as transfer } from './bench-transfer.ts';
import { register as twin } from './bench-twin.ts';

export const benches: readonly ((bench: Command) => void)[] = [
  identify,
  learn,
  realaigym,
  realaigymTrain,
  sim,
  skill,
  transfer,
  twin,
];

export function register(program: Command): void {
  const bench = program.command('bench').summary('measure').description('Measure what docs/results.md reports.');
  for (const add of benches) add(bench);
  for (const command of bench.commands) command.exitOverride();
}
