/** `landfall tasks [NAME]`: what can be trained, and what a task is made of. */

import type { Command } from 'commander';
import { loadProject, named, type Project } from '../loop/project.ts';
import { type DynamicsParameter, parameterUnits } from '../sim/dynamics.ts';
import type { TaskDefinition } from '../sim/task.ts';

export function register(program: Command): void {
  program
    .command('tasks')
    .summary('list tasks, or show one')
    .description('List the tasks there are, or show what one is made of.')
    .argument('[name]', 'a task')
    .option('--with <module>', 'a JavaScript module with tasks of your own')
    .action(async (name: string | undefined, options: { readonly with?: string }) => {
      const { tasks } = await loadProject(options.with);
      process.stdout.write(name === undefined ? list(tasks) : describe(named(tasks, name, 'task')));
    });
}

function list(tasks: Project['tasks']): string {
  const rows = Object.values(tasks).map((task) => `${task.name.padEnd(20)} ${task.summary}`);
  return `${rows.join('\n')}\n\nlandfall tasks NAME shows one, landfall train NAME trains it\n`;
}

function describe(task: TaskDefinition): string {
  const { physics } = task;
  const lines = [
    `${task.name}: ${task.summary}`,
    `robot ${task.robot}, control ${task.rateHz} Hz, physics ${physics.physicsDt * 1000} ms with ${physics.solverIterations} sub-steps, episodes of ${task.episodeSeconds} s`,
    '',
    'observations',
    ...task.observations.map(
      (term) =>
        `  ${term.name.padEnd(16)} ${term.term}, scale ${term.scale}${term.history > 1 ? `, last ${term.history} steps` : ''}`,
    ),
    'actions',
    ...task.actions.map(
      (term) =>
        `  ${term.name.padEnd(16)} ${term.kind} = ${term.scale} x action${term.offset === 0 ? '' : ` + ${term.offset}`}, within ${term.clip.join(' and ')}`,
    ),
    'rewards (per second)',
    ...Object.entries(task.rewards).map(
      ([name, term]) => `  ${name.padEnd(16)} ${String(term.weight).padStart(6)}  ${term.doc}`,
    ),
    'randomisation (at every reset unless it says otherwise)',
    ...Object.entries(task.randomization).flatMap(([name, term]) => {
      if (!('operation' in term)) return Object.entries(term).map(([part, value]) => `  ${name}.${part} ${value}`);
      const unit = term.operation === 'scale' ? '' : ` ${parameterUnits[name as DynamicsParameter]}`;
      const when = term.mode === undefined ? '' : `, at ${term.mode}`;
      const letter = term.distribution === 'gaussian' ? 'N' : term.distribution === 'logUniform' ? 'logU' : 'U';
      return `  ${name.padEnd(16)} ${term.operation} ${letter}(${term.range.join(', ')})${unit}${when}`;
    }),
    '',
    `landfall train ${task.name}`,
  ];
  return `${lines.join('\n')}\n`;
}
