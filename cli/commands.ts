/** Every subcommand, in the order `landfall --help` shows them. Add one by adding a file and a line. */

import type { Command } from 'commander';

export type Register = (program: Command) => void;

export const commands: Readonly<Record<string, () => Promise<{ readonly register: Register }>>> = {
  demo: () => import('./demo.ts'),
  train: () => import('./train.ts'),
  pretrain: () => import('./pretrain.ts'),
  eval: () => import('./eval.ts'),
  robot: () => import('./robot.ts'),
  deploy: () => import('./deploy.ts'),
  episodes: () => import('./episodes.ts'),
  identify: () => import('./identify.ts'),
  adapt: () => import('./adapt.ts'),
  guard: () => import('./guard.ts'),
  sweep: () => import('./sweep.ts'),
  export: () => import('./export.ts'),
  runs: () => import('./runs.ts'),
  view: () => import('./view.ts'),
  tasks: () => import('./tasks.ts'),
  check: () => import('./check.ts'),
  new: () => import('./new.ts'),
  bench: () => import('./bench.ts'),
  reproduce: () => import('./reproduce.ts'),
  doctor: () => import('./doctor.ts'),
};
