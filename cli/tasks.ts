/** `landfall tasks [NAME]`: what can be trained, and what a task is made of. */

import type { Command } from 'commander';
import { actionDim, type Contract, obsDim } from '../core/contract.ts';
import { loadRobot, robotDynamics } from '../loop/experiment.ts';
import { loadProject, named, type Project } from '../loop/project.ts';
import { type DynamicsParameter, parameterUnits } from '../sim/dynamics.ts';
import type { TaskDefinition } from '../sim/task.ts';
import { contractOf, criticTerms } from '../sim/task-contract.ts';

export function register(program: Command): void {
  program
    .command('tasks')
    .summary('list tasks, or show one')
    .description('List the tasks there are, or show what one is made of.')
    .argument('[name]', 'a task')
    .option('--with <module>', 'a JavaScript module with tasks of your own')
    .action(async (name: string | undefined, options: { readonly with?: string }) => {
      const project = await loadProject(options.with);
      const text =
        name === undefined
          ? await list(project)
          : await describe(named(project.tasks, name, 'task'), project, options.with);
      process.stdout.write(text);
    });
}

/** The contract of a policy for a task, of whatever network: its sizes and topics. */
async function contractFor(task: TaskDefinition, project: Project): Promise<Contract> {
  const robot = await loadRobot(task.robot, project);
  return contractOf({
    task,
    model: robot.model,
    robot: robot.config,
    dynamics: robotDynamics(robot),
    hidden: [],
    activation: 'elu',
    seed: 0,
    config: {},
  });
}

async function list(project: Project): Promise<string> {
  const rows = [['task', 'robot', 'obs', 'act', 'Hz', 'reference', 'what it asks for']];
  for (const task of Object.values(project.tasks)) {
    const contract = await contractFor(task, project);
    rows.push([
      task.name,
      task.robot,
      String(obsDim(contract)),
      String(actionDim(contract)),
      String(task.rateHz),
      task.reference === undefined ? '-' : `${Math.round(100 * task.reference.score.successRate)}%`,
      task.summary,
    ]);
  }
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) =>
        column >= 2 && column <= 5 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
      )
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n\nreference: successes of a controller written by hand that sees the true state, in 20 randomised episodes\nlandfall tasks NAME shows one, landfall train NAME trains it\n`;
}

async function describe(task: TaskDefinition, project: Project, module: string | undefined): Promise<string> {
  const contract = await contractFor(task, project);
  const { physics, command, pushes, curriculum, reference } = task;
  const critic = criticTerms(task, contract) ?? [];
  const entries = (table: Readonly<Record<string, unknown>> | undefined) =>
    Object.keys(table ?? {}).join(', ') || 'none';
  const lines = [
    `${task.name}: ${task.summary}`,
    `robot ${task.robot}, control ${task.rateHz} Hz, physics ${physics.physicsDt * 1000} ms with ${physics.solverIterations} sub-steps of ${physics.solverSweeps ?? 1} sweeps, episodes of ${task.episodeSeconds} s`,
    '',
    `observations of the actor, ${obsDim(contract)} numbers`,
    ...contract.observations.map(observationLine),
    ...(critic.length === 0
      ? []
      : [
          `observations of the critic alone, ${critic.reduce((sum, { size }) => sum + size, 0)} numbers`,
          ...critic.map(observationLine),
        ]),
    `actions, ${actionDim(contract)} numbers`,
    ...task.actions.map(
      (term) =>
        `  ${term.name.padEnd(16)} ${term.kind} = ${term.scale} x action${term.offset === 0 ? '' : ` + ${term.offset}`}, within ${term.clip.join(' and ')}`,
    ),
    ...(command === undefined
      ? []
      : [
          `command${command.everySeconds === null ? '' : `, drawn again every ${command.everySeconds.join(' to ')} s`}`,
          ...command.names.map((name, k) =>
            `  ${name.padEnd(16)} ${command.ranges[k]!.join(' to ')} ${command.units[k]}`.trimEnd(),
          ),
        ]),
    'rewards (per second)',
    ...Object.entries(task.rewards).map(
      ([name, term]) => `  ${name.padEnd(16)} ${String(term.weight).padStart(8)}  ${term.doc}`,
    ),
    `ends: ${entries(task.terminations)}; cut off: time${task.truncations === undefined ? '' : `, ${entries(task.truncations)}`}`,
    'randomisation (at every reset unless it says otherwise)',
    ...Object.entries(task.randomization).flatMap(([name, term]) => {
      if (!('operation' in term)) return Object.entries(term).map(([part, value]) => `  ${name}.${part} ${value}`);
      const unit = term.operation === 'scale' ? '' : ` ${parameterUnits[name as DynamicsParameter]}`;
      const when = term.mode === undefined ? '' : `, at ${term.mode}`;
      const letter = term.distribution === 'gaussian' ? 'N' : term.distribution === 'logUniform' ? 'logU' : 'U';
      return `  ${name.padEnd(16)} ${term.operation} ${letter}(${term.range.join(', ')})${unit === ' 1' ? '' : unit}${when}`;
    }),
    ...(pushes === undefined
      ? []
      : [
          `  pushes           up to ${pushes.linear} m/s and ${pushes.angular} rad/s every ${pushes.everySeconds.join(' to ')} s`,
        ]),
    ...(curriculum === undefined ? [] : [`  curriculum       ${curriculum.rule.levels} levels`]),
    `on a robot: commands to ${contract.ros.command.topic} (${contract.ros.command.type}), states from ${contract.ros.state.topic}`,
    ...(reference === undefined
      ? []
      : [
          `reference: ${reference.doc}: success ${Math.round(100 * reference.score.successRate)}%, return ${reference.score.meanReturn.toFixed(2)}`,
        ]),
    '',
    `landfall train ${task.name}${module === undefined ? '' : ` --with ${module}`}`,
  ];
  return `${lines.join('\n')}\n`;
}

function observationLine({ name, term, size, scale, history, sensor }: Contract['observations'][number]): string {
  const parts = [
    term + (sensor === undefined ? '' : ` of ${sensor}`),
    `${size} ${size === 1 ? 'number' : 'numbers'}`,
    ...(scale === 1 ? [] : [`scale ${scale}`]),
    ...(history > 1 ? [`last ${history} steps`] : []),
  ];
  return `  ${name.padEnd(16)} ${parts.join(', ')}`;
}
